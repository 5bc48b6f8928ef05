"""Rows of the trail in words, from their columns alone: what a dossier says about an input does not change later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from patients.schedule import cycle_title
from trials.days import day_words

Row = dict[str, Any]


def row_words(table: str, row: Row, attributions: list[Row]) -> str:
    """'Diarrhea grade 3, onset 16 Nov 2026; lenalidomide probable'."""
    words = _WORDS[table](row)
    related = sorted(f"{a['agent']} {a['relation']}" for a in attributions)
    return "; ".join([words, *([", ".join(related)] if related else [])])


def _day(value: str) -> str:
    return day_words(dt.date.fromisoformat(value))


def _amount(value: object, unit: str) -> str:
    return f"{Decimal(str(value)).normalize():f} {unit}"


def _eligibility(row: Row) -> str:
    met = sum(bool(answer) for answer in row["answers"].values())
    outcome = "eligible" if row["eligible"] else "not eligible"
    return f"{outcome}: {met} of {len(row['answers'])} criteria met, checked {_day(row['checked_on'])}"


def _registration(row: Row) -> str:
    return f"screened {_day(row['screened_on'])}, treatment planned from {_day(row['planned_start'])}"


def _cycle(row: Row) -> str:
    return f"{cycle_title(row['number'])} started {_day(row['started_on'])} with {row['dose_label']}"


def _administration(row: Row) -> str:
    what = f"{row['agent']}, day {row['day']}"
    because = f": {row['reason']}" if row["reason"] else ""
    if row["outcome"] != "given":
        return f"{what}: not given{because}"
    given, planned = _amount(row["given_amount"], row["unit"]), _amount(row["amount_to_give"], row["unit"])
    return f"{what}: {given} of {planned} on {_day(row['given_on'])}{because}"


def _interruption(row: Row) -> str:
    until = f" to {_day(row['to_day'])}" if row["to_day"] else ", not ended"
    return f"{row['agent']} from {_day(row['from_day'])}{until}: {row['reason']}"


def _event(row: Row) -> str:
    detail = f" ({row['detail']})" if row["detail"] else ""
    resolved = f", resolved {_day(row['resolved_on'])}" if row["resolved_on"] else ", not resolved"
    serious = ", serious" if row["serious"] else ""
    return f"{row['term']}{detail} grade {row['grade']}, onset {_day(row['onset_on'])}{resolved}{serious}"


def _judgement(row: Row) -> str:
    verdict = "DLT" if row["is_dlt"] else "not a DLT"
    rule = f", rule {row['rule']} fired" if row["rule"] else ", no rule fired"
    place = "in the DLT window" if row["in_window"] else "outside the DLT window"
    because = f": {row['rationale']}" if row["rationale"] else ""
    return f"{row['term']} grade {row['grade']} of {_day(row['onset_on'])}, {place}{rule}. {verdict}{because}"


def _window(row: Row) -> str:
    return f"{row['taken']} of {row['planned']} doses taken in the window that ended {_day(row['closed_on'])}"


def _end(row: Row) -> str:
    detail = f": {row['detail']}" if row["detail"] else ""
    again = f"; treated again from {_day(row['retreated_on'])}" if row["retreated_on"] else ""
    return f"last day {_day(row['on'])}, {row['reason_code'].replace('-', ' ').replace('_', ' ')}{detail}{again}"


_WORDS: dict[str, Callable[[Row], str]] = {
    "patients_consent": lambda row: f"signed {_day(row['signed_on'])}, form {row['form_version']}",
    "patients_eligibilitycheck": _eligibility,
    "patients_patient": _registration,
    "patients_cycle": _cycle,
    "patients_administration": _administration,
    "patients_interruption": _interruption,
    "patients_adverseevent": _event,
    "patients_dltassessment": _judgement,
    "patients_windowassessment": _window,
    "patients_discontinuation": _end,
}


def entry_words(table: str, operation: str, row: Row) -> str:
    """What an entry about the decision itself says: 'Decision signed by all', 'Signature of Dr Ana Rivera'."""
    if table == "dosing_recommendation":
        return f"Recommendation {row['number']} issued"
    if table == "accounts_signature":
        return f"Signature of {row['printed_name']}, {row['role'].replace('_', ' ')}"
    if table == "accounts_declinedsignature":
        return f"{row['printed_name']}, {row['role'].replace('_', ' ')}, declined to sign"
    if operation == "INSERT":
        return "Decision proposed"
    return {"signed": "Decision signed by all", "withdrawn": "Decision withdrawn"}.get(
        row["status"], "Decision changed"
    )
