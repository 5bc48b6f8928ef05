"""How far each input of a recommendation had been checked when it was issued: who recorded it, who corrected it and
why, who judged it, and whether an investigator confirmed that.

Rung records no comparison with source documents; the dossier says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dosing.dossier.trail import Kept, Names, names_at, rows_at
from dosing.dossier.wording import row_words
from dosing.models import Recommendation
from patients.models import Patient

ONE_DAY = dt.timedelta(days=1)
JUDGEMENT, EVENT = "patients_dltassessment", "patients_adverseevent"

# In the order in which a patient's inputs are listed: the subject, and the columns of who recorded it and when.
TABLES = {
    "patients_consent": ("Consent", "recorded_by_id", "recorded_at"),
    "patients_eligibilitycheck": ("Eligibility", "recorded_by_id", "recorded_at"),
    "patients_patient": ("Registration", "registered_by_id", "registered_at"),
    "patients_cycle": ("Cycle", "recorded_by_id", "recorded_at"),
    "patients_administration": ("Infusion", "recorded_by_id", "recorded_at"),
    "patients_interruption": ("Interruption", "recorded_by_id", "recorded_at"),
    EVENT: ("Adverse event", "recorded_by_id", "recorded_at"),
    JUDGEMENT: ("DLT judgement", "assessed_by_id", "assessed_at"),
    "patients_windowassessment": ("Doses in the DLT window", "assessed_by_id", "assessed_at"),
    "patients_discontinuation": ("End of treatment", "recorded_by_id", "recorded_at"),
}
ATTRIBUTION = "patients_attribution"


@dataclass(frozen=True)
class Windows:
    """Which cycle the DLT window is of, and its last day there, by every version up to the recommendation's."""

    cycles: frozenset[int]
    last_day: int

    def end(self, rows: Iterable[Kept]) -> dt.date | None:
        """The latest day on which a patient's window can have ended; None where it had not begun."""
        starts = [
            dt.date.fromisoformat(kept.row["started_on"])
            for kept in rows
            if kept.table == "patients_cycle" and kept.row["number"] in self.cycles
        ]
        return max(starts) + (self.last_day - 1) * ONE_DAY if starts else None


def checks_of(recommendation: Recommendation, position: int) -> list[dict[str, Any]]:
    """The inputs of everybody whom the recommendation names, as they were at that place of the chain."""
    people = recommendation.shown["people"]
    codes = [person["patient"] for person in people]
    patients = dict(Patient.objects.filter(study=recommendation.study, code__in=codes).values_list("pk", "code"))
    kept = rows_at(recommendation.study_id, position, list(patients), [*TABLES, ATTRIBUTION])
    names, windows = _names(kept), _windows(recommendation)
    rows: dict[str, list[Kept]] = {code: [] for code in codes}
    for one in kept:
        rows[patients[_patient_of(one)]].append(one)
    return [
        {"patient": code, **check} for code in codes for check in _of_one(rows[code], windows.end(rows[code]), names)
    ]


def _patient_of(kept: Kept) -> int:
    return int(kept.row["id"] if kept.table == "patients_patient" else kept.row["patient_id"])


def _names(kept: list[Kept]) -> Names:
    people: set[object] = {entry.actor_id for one in kept for entry in one.entries}
    people |= {one.row.get(TABLES[one.table][1]) for one in kept if one.table in TABLES}
    moment = max((one.newest.at for one in kept), default=dt.datetime.max.replace(tzinfo=dt.UTC))
    return names_at(people, moment)


def _windows(recommendation: Recommendation) -> Windows:
    versions = recommendation.study.versions.filter(number__lte=recommendation.version.number, live_at__isnull=False)
    windows = [version.protocol.dlt.window for version in versions]
    return Windows(frozenset(w.cycle for w in windows), max(w.to_day for w in windows))


def _of_one(rows: list[Kept], window_end: dt.date | None, names: Names) -> list[dict[str, Any]]:
    judged = {kept.row["event_id"] for kept in rows if kept.table == JUDGEMENT}
    mine = [kept for kept in rows if kept.table in TABLES and _decides(kept, window_end, judged)]
    order = list(TABLES)
    mine.sort(key=lambda kept: order.index(kept.table))
    return [_check(kept, rows, names) for kept in mine]


def _decides(kept: Kept, window_end: dt.date | None, judged: set[int]) -> bool:
    """Whether the row can have a say in who counts: what began after the DLT window has none, unless it was judged."""
    began = {"patients_cycle": "started_on", EVENT: "onset_on", "patients_interruption": "from_day"}.get(kept.table)
    if kept.table == EVENT and kept.row["id"] in judged:
        return True
    if began is None or window_end is None:
        return True
    return dt.date.fromisoformat(kept.row[began]) <= window_end


def _check(kept: Kept, rows: list[Kept], names: Names) -> dict[str, Any]:
    subject, by, at = TABLES[kept.table]
    related = [r for r in rows if r.table == ATTRIBUTION and r.row["event_id"] == kept.row["id"]]
    attributions = related if kept.table == EVENT else []
    return {
        "subject": subject,
        "says": row_words(kept.table, kept.row, [a.row for a in attributions]),
        "state": _state(kept, attributions, rows, names),
        "recorded_by": names.person(kept.row[by]),
        "recorded_at": _moment(kept.row[at]),
        "audit": {"position": kept.newest.position, "hash": kept.newest.hash},
    }


def _moment(value: str | None) -> str | None:
    return dt.datetime.fromisoformat(value).astimezone(dt.UTC).isoformat() if value else None


def _state(kept: Kept, attributions: list[Kept], rows: list[Kept], names: Names) -> str:
    if kept.table == JUDGEMENT:
        return _judgement(kept, rows)
    if kept.table == "patients_patient":
        return "registered" if kept.row["registered_at"] else "not registered"
    corrections = sorted(
        (entry for one in [kept, *attributions] for entry in one.corrections), key=lambda entry: entry.position
    )
    if not corrections:
        return "as first recorded"
    newest = corrections[-1]
    times = "once" if len(corrections) == 1 else f"{len(corrections)} times"
    return f"changed {times}, last by {names.person(newest.actor_id)}: {newest.reason}"


def _judgement(kept: Kept, rows: list[Kept]) -> str:
    alike = [r.row["id"] for r in rows if r.table == JUDGEMENT and r.row["event_id"] == kept.row["event_id"]]
    if kept.row["id"] != max(alike):
        return "replaced by a later judgement"
    if kept.row["confirmed"]:
        return "made or confirmed by an investigator"
    return "not confirmed; a DLT counts at once" if kept.row["is_dlt"] else "not confirmed by an investigator"
