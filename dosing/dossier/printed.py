"""What a dossier's PDF says: the same data in words, times in the study's zone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from accounts.manifestation import State, role_name, time_words
from dosing.dossier.paper import set_on_paper
from dosing.workbench.parameters import PARAMETERS
from patients.evaluability import Standing
from trials.protocol_words import DESIGNS, count, listed, parameter_words

SOURCE = Path(__file__).with_name("dossier.typ")
Data = dict[str, Any]
DASH = "–"
NO_SOURCE_CHECK = (
    "Each line is an input that could have a say in who counts, as it stood when the recommendation was issued: who "
    "recorded it and when, whether it was corrected since and why, and whether an investigator made or confirmed the "
    "judgement. Rung records no comparison with source documents."
)

STANDS = (
    "The recommendation is bound to its inputs by their SHA-256, each signature to exactly what was shown by the "
    "SHA-256 of the record, and both stand in the study's audit trail, whose entries are chained by hash."
)
REHEARSAL = (
    "A rehearsal: its patients and people are invented, and its days are not the calendar's. Signatures and audit "
    "entries carry the clock's own time."
)


def dossier_pdf(dossier: Data) -> bytes:
    """As PDF/A-2a and PDF/UA-1. Its time is that of the newest audit entry it stands on."""
    newest = dt.datetime.fromisoformat(dossier["audit"]["entries"][-1]["at"])
    return set_on_paper(SOURCE, printed_of(dossier), newest)


def printed_of(dossier: Data) -> Data:
    """Everything that is printed, as texts."""
    study, recommendation = dossier["study"], dossier["recommendation"]
    when = _When(study["time_zone"])
    return {
        "title": recommendation["answer"],
        "running": f"{study['key']}, decision dossier {recommendation['number']}",
        "foot": f"{study['key']} · dossier of decision {recommendation['number']} · audit entry "
        f"{dossier['audit']['stands_on']['position']}",
        "reason": f"{recommendation['reason']}.",
        "facts": _facts(dossier, when),
        "warnings": list(_warnings(dossier)),
        "decisions": [_decision(d, when) for d in dossier["decisions"]],
        "doses": _doses(dossier),
        "people": [_person(p) for p in dossier["people"]],
        "inputs": _inputs(dossier),
        "lookahead": [[row["outcome"], row["answer"]] for row in dossier["shown"]["lookahead"]],
        "next": [_next(row) for row in dossier["shown"]["next"]],
        "design": _design(dossier),
        "boundaries": [_boundary(row) for row in dossier["shown"]["boundaries"]],
        "checked": NO_SOURCE_CHECK,
        "checks": _checks(dossier, when),
        "stands": STANDS,
        "hashes": _hashes(dossier),
        "entries": [_entry(e, when) for e in dossier["audit"]["entries"]],
        "how": "With the study's database at hand, an administrator of the server types:",
        "commands": dossier["commands"],
    }


class _When:
    """Times in words, in the study's zone."""

    def __init__(self, zone: str) -> None:
        self.zone = zone

    def __call__(self, moment: str | None) -> str:
        return time_words(dt.datetime.fromisoformat(moment), self.zone) if moment else DASH


def _facts(dossier: Data, when: _When) -> list[list[str]]:
    study, recommendation = dossier["study"], dossier["recommendation"]
    return [
        ["Study", f"{study['key']}: {study['title']}"],
        ["Protocol", f"version {study['protocol_version']}, live since {when(study['protocol_live_at'])}"],
        ["Recommendation", f"{recommendation['number']}, {recommendation['kind_words']}, after cohort "
         f"{recommendation['cohort']} at {recommendation['cohort_dose']}"],
        ["Issued", f"{when(recommendation['issued_at'])}, asked for by {recommendation['issued_by']}"],
        ["Dose-finding engine", recommendation["engine_version"]],
        ["Decision", _decided(dossier["decisions"])],
    ]  # fmt: skip


def _decided(decisions: list[Data]) -> str:
    if not decisions:
        return "none"
    newest = decisions[-1]
    return f"{newest['choice_words']}; {newest['status_words']}"


def _warnings(dossier: Data) -> Iterator[str]:
    if dossier["study"]["is_rehearsal"]:
        yield REHEARSAL
    for decision in dossier["decisions"]:
        for given in decision["signatures"]:
            if not given["valid"]:
                yield f"The signature of {given['printed_name']} does not verify. {given['because']}"


def _decision(decision: Data, when: _When) -> Data:
    words = decision["choice_words"]
    return {
        "heading": f"{words[:1].upper()}{words[1:]}: {decision['status_words']}",
        "facts": list(_about(decision, when)),
        "comment": decision["comment"],
        "signatures": [manifestation(given) for given in decision["signatures"]],
        "notes": [
            *(f"{role_name(role).capitalize()}: has not signed." for role in decision["roles_waiting"]),
            *(f"{d['printed_name']}, {d['role_words']}, declined to sign on {when(d['declined_at'])}: {d['reason']}"
              for d in decision["declined"]),
        ],
    }  # fmt: skip


def _about(decision: Data, when: _When) -> Iterator[list[str]]:
    yield ["Proposed", f"{when(decision['proposed_at'])} by {decision['proposed_by']}"]
    if decision["cohort_size"]:
        yield ["Next cohort", count(decision["cohort_size"], "patient")]
    yield ["Signatures asked for", listed([role_name(role) for role in decision["roles_required"]])]
    if decision["signed_at"]:
        yield ["Signed by all", when(decision["signed_at"])]
    if decision["withdrawn_at"]:
        yield ["Withdrawn", f"{when(decision['withdrawn_at'])}: {decision['withdrawn_reason']}"]
    if decision["opened_cohort"]:
        yield ["Opened", f"cohort {decision['opened_cohort']} at {decision['opened_cohort_dose']}"]


def manifestation(given: Data) -> Data:
    """A signature as paper.typ prints it; given: as accounts.manifestation.told."""
    return {
        "name": given["printed_name"],
        "role": role_name(given["role"]),
        "meaning": f"{given['meaning'].capitalize()}: “{given['statement']}”",
        "time": given["time"],
        "checked": listed(given["components_checked"]),
        "record_sha256": given["record_sha256"],
        "sha256": given["sha256"],
        "position": str(given["stands_on"]["position"]),
        "hash": given["stands_on"]["hash"],
        "valid": given["valid"],
        "state": State(given["state"]).label,
        "because": given["because"],
    }


def _doses(dossier: Data) -> Data:
    if dossier["shown"]["counts_only"]:
        heads = ["Dose", "Evaluable", "With a DLT", "Share", "Exact 95 % interval", "Closed"]
        caption = "Patients who count, per dose. The design estimates no toxicity."
    else:
        heads = ["Dose", "Evaluable", "With a DLT", "Estimate", "95 % interval", "Above target", "Closed"]
        caption = (
            f"Patients who count, per dose, and the design's estimates. The target is {dossier['shown']['target']:g}."
        )
    rows = [_dose(row, counts_only=dossier["shown"]["counts_only"]) for row in dossier["shown"]["levels"]]
    return {"caption": caption, "heads": heads, "rows": rows}


def _dose(row: Data, *, counts_only: bool) -> list[str]:
    found = [row["label"], str(row["n"]), str(row["y"]), _share(row["estimate"]), _interval(row["interval"])]
    return [*found, *([] if counts_only else [_share(row["above"])]), "yes" if row["closed"] else "no"]


def _share(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"


def _interval(value: list[float] | None) -> str:
    return DASH if value is None else f"{value[0]:.2f} to {value[1]:.2f}"


def _person(person: Data) -> list[str]:
    why = [person["reason"]]
    if person["waits_for"]:
        why.append(f"Waits for {listed(person['waits_for'])}.")
    if person["replaced_by"]:
        why.append(f"Replaced by {person['replaced_by']}.")
    elif person["place_added"]:
        why.append("A place for a replacement was added.")
    counts = "yes" if person["counts"] else "not yet" if person["standing"] == Standing.PENDING else "no"
    return [person["patient"], person["dose"], str(person["cohort"]), counts, person["standing_words"], " ".join(why)]


def _inputs(dossier: Data) -> Data:
    inputs = dossier["inputs"]
    doses = inputs["doses"]
    pending = [f"{n} at {doses[i]}" for i, n in enumerate(inputs["pending"]) if n]
    closed = inputs.get("closed_from")
    tally = [f"{y} of {n} at {label}" for label, n, y in zip(
        doses, inputs["tally"]["treated"], inputs["tally"]["dlts"], strict=True) if n]  # fmt: skip
    facts = [
        ["Current dose", doses[inputs["current_dose"] - 1]],
        ["DLTs of evaluable", listed(tally) or "nobody yet"],
        ["Still in the window", listed(pending) or "nobody"],
        ["Closed by the safety stop", f"{doses[closed - 1]} and above" if closed else "no dose"],
        ["Doses", ", ".join(doses)],
    ]
    if "highest_dose" in inputs:
        facts.append(["Highest dose looked at", doses[inputs["highest_dose"] - 1]])
    because = dossier["shown"].get("ended_because")
    words = "These inputs, the patients above and the design below are all that the recommendation was made of."
    return {"words": f"{because}. {words}" if because else words, "facts": facts}


def _next(row: Data) -> list[str]:
    after = "; ".join(f"{one['outcome']}: {one['answer']}" for one in row.get("after", []))
    return [row["outcome"], row["answer"], after or DASH]


def _design(dossier: Data) -> list[list[str]]:
    design = dossier["design"]
    rows = [["Design", DESIGNS[design["name"]]]]
    for name, value in design["parameters"].items():
        known = PARAMETERS.get(name)
        label = "Target toxicity" if name == "target" else known.label if known else name.replace("_", " ")
        rows.append([f"{label} ({name})", parameter_words(value)])
    return rows


def _boundary(row: Data) -> list[str]:
    names = ("n", "escalate_if_at_most", "de_escalate_if_at_least", "eliminate_if_at_least")
    return [DASH if row[name] is None else str(row[name]) for name in names]


def _checks(dossier: Data, when: _When) -> list[Data]:
    found = []
    for person in dossier["people"]:
        mine = [check for check in dossier["checks"] if check["patient"] == person["patient"]]
        rows = [[c["subject"], c["says"], c["state"], _recorded(c, when)] for c in mine]
        found.append({"heading": f"{person['patient']}: {person['standing_words']}", "rows": rows})
    return found


def _recorded(check: Data, when: _When) -> str:
    return f"{when(check['recorded_at'])}, {check['recorded_by']}; entry {check['audit']['position']}"


def _hashes(dossier: Data) -> list[list[str]]:
    return [
        ["Inputs of the recommendation", dossier["recommendation"]["inputs_sha256"]],
        ["Protocol version", dossier["study"]["protocol_sha256"]],
        [f"Audit entry {dossier['audit']['inputs_as_of']['position']}, when it was issued",
         dossier["audit"]["inputs_as_of"]["hash"]],
        [f"Audit entry {dossier['audit']['stands_on']['position']}, the newest it stands on",
         dossier["audit"]["stands_on"]["hash"]],
    ]  # fmt: skip


def _entry(entry: Data, when: _When) -> Data:
    return {"position": str(entry["position"]), "what": entry["what"], "by": entry["actor"], "time": when(entry["at"]),
            "hash": entry["hash"]}  # fmt: skip
