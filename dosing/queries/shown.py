"""What a recommendation shows beside its answer: stored with it, so that the page can always show what was signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from dosing.conclusion import (
    Conclusion,
    Inputs,
    agreed,
    design_of,
    outcomes_of,
    row_at,
    selection_of,
    tally_of,
    within_open_doses,
)
from dosing.engine import Action, Advice, DoseTally, MtdSelection, Outcome
from dosing.models import Recommendation
from dosing.queries.tally import TrialTally, level_of, part_of, slot_of
from dosing.words import answer, colour
from patients.evaluability import PatientStanding, Standing
from trials.models import Part

Kind = Recommendation.Kind


def shown_now(tally: TrialTally, inputs: Inputs, conclusion: Conclusion) -> dict[str, Any]:
    """JSON for the page: the answer, who counts, who does not and why, look-ahead, boundaries, estimates."""
    kind = Kind(inputs["kind"])
    standings = tally.standings if kind == Kind.MONITORING else tally.in_escalation
    label = inputs["doses"][conclusion.dose - 1] if conclusion.dose else None
    return {
        "answer": answer(kind, conclusion.action, label),
        "colour": colour(kind, conclusion.action, label),
        "people": [_person(tally, s) for s in standings],
        "levels": levels_table(inputs),
        "lookahead": lookahead_table(inputs) if any(inputs["pending"]) else [],
        "next": coming(inputs, conclusion) if kind == Kind.DOSE else [],
        "ended_because": _ended_because(inputs) if kind == Kind.MTD else "",
        "boundaries": boundaries_table(inputs, tally),
        "target": design_of(inputs).target,
        "counts_only": not design_of(inputs).estimates_toxicity,
    }


def _person(tally: TrialTally, standing: PatientStanding) -> dict[str, Any]:
    return {
        "patient": standing.patient.code,
        "level": level_of(standing).ordinal,
        "part": part_of(standing).kind,
        "cohort": slot_of(standing).cohort.number,
        "standing": standing.standing.value,
        "reason": standing.reason,
        "waits_for": [m.what for m in standing.missing],
        "replaced_by": tally.replaced_by(standing),
        "place_added": standing.replaced,
    }


def levels_table(inputs: Inputs) -> list[dict[str, Any]]:
    """Per dose level, lowest first: n, y, the design's estimate with its interval, and whether it is closed."""
    counts, selection = tally_of(inputs), selection_of(inputs)
    closed, shut = inputs.get("closed_from"), _closed_by_the_counts(inputs, selection)
    return [
        {
            "level": dose,
            "label": label,
            "n": counts.treated[dose - 1],
            "y": counts.dlts[dose - 1],
            "estimate": selection.estimates[dose - 1],
            "interval": selection.intervals[dose - 1],
            "above": selection.prob_above_target[dose - 1],
            "closed": dose in shut or (closed is not None and dose >= closed),
        }
        for dose, label in enumerate(inputs["doses"], 1)
    ]


def _closed_by_the_counts(inputs: Inputs, selection: MtdSelection) -> tuple[int, ...]:
    """The doses that the counts close. A design that only counts has a rule of its own for an expansion's numbers."""
    if inputs["kind"] != Kind.MONITORING or design_of(inputs).estimates_toxicity:
        return selection.eliminated
    counts, doses = tally_of(inputs), range(1, len(inputs["doses"]) + 1)
    rows = {dose: row_at(inputs, dose) for dose in doses}
    limits = {dose: row.eliminate_if_at_least for dose, row in rows.items() if row is not None}
    lowest = next((d for d, limit in limits.items() if limit is not None and counts.at(d)[1] >= limit), None)
    return () if lowest is None else tuple(range(lowest, len(inputs["doses"]) + 1))


def lookahead_table(inputs: Inputs) -> list[dict[str, Any]]:
    """A row per outcome of the pending patients, and what the next dose then is."""
    return [
        {"outcome": _outcome_words(inputs, outcome), **_answer_of(inputs, outcome)}
        for outcome in outcomes_of(inputs).outcomes
    ]


def _answer_of(inputs: Inputs, outcome: Outcome) -> dict[str, Any]:
    then = within_open_doses(inputs, outcome)
    return _words_of(inputs, then.action, then.dose, outcome.advice)


def _words_of(inputs: Inputs, action: Action, dose: int | None, advice: Advice) -> dict[str, Any]:
    """What comes after an outcome, and its colour; of a stop, what it leads to."""
    if dose is not None:
        label = inputs["doses"][dose - 1]
        return {"answer": answer(Kind.DOSE, action, label), "colour": colour(Kind.DOSE, action, label)}
    unsafe = inputs.get("closed_from") == 1 or (advice.stop_reason is not None and advice.stop_reason.no_dose_is_safe)
    return {"answer": "No dose is safe", "colour": "out"} if unsafe else {"answer": "The MTD is selected", "colour": ""}


def _outcome_words(inputs: Inputs, outcome: Outcome) -> str:
    """'no DLT (2 of 7 at 15 mg)', '1 DLT (3 of 7 at 15 mg)', for each level with pending patients."""
    words = []
    for dose, waiting in enumerate(inputs["pending"], 1):
        if waiting:
            n, y = outcome.tally.at(dose)
            words.append(f"{_dlts(outcome.dlts[dose - 1])} ({y} of {n} at {inputs['doses'][dose - 1]})")
    return "; ".join(words)


def _dlts(count: int) -> str:
    return "no DLT" if count == 0 else "1 DLT" if count == 1 else f"{count} DLTs"


def coming(inputs: Inputs, conclusion: Conclusion) -> list[dict[str, Any]]:
    """What comes next: every outcome of the next cohort, and of the one after, where nobody is pending."""
    if conclusion.dose is None or any(inputs["pending"]):
        return []
    size = design_of(inputs).cohort_at(tally_of(inputs), conclusion.dose)
    return [_step(inputs, tally_of(inputs), conclusion.dose, size, y, deeper=True) for y in range(size + 1) if size]


def _step(inputs: Inputs, tally: DoseTally, dose: int, size: int, y: int, *, deeper: bool) -> dict[str, Any]:
    then = tally.after_cohort(dose, size, y)
    total_n, total_y = then.at(dose)
    advice = design_of(inputs).advise(then, dose, tuple(inputs["doses"]))
    there = {**inputs, "current_dose": dose}  # up and down are told from the cohort that was just treated
    reached = within_open_doses(there, Outcome((), then, advice))
    row: dict[str, Any] = {
        "outcome": f"{_dlts(y)} ({total_y} of {total_n} at {inputs['doses'][dose - 1]})",
        **_words_of(there, reached.action, reached.dose, advice),
    }
    if deeper:
        row["after"] = _after(inputs, then, reached.dose)
    return row


def _after(inputs: Inputs, tally: DoseTally, dose: int | None) -> list[dict[str, Any]]:
    """The cohort after the next, outcomes with the same answer together: '0 or 1 of 2: escalate to 25 mg'."""
    size = design_of(inputs).cohort_at(tally, dose) if dose is not None else 0
    if dose is None or size < 1:
        return []
    steps = [_step(inputs, tally, dose, size, y, deeper=False) for y in range(size + 1)]
    n, y_now = tally.at(dose)
    n += size
    rows, place = [], 0
    for (words, colour_), group in groupby(steps, key=lambda s: (s["answer"], s["colour"])):
        length = len(list(group))
        low, high = y_now + place, y_now + place + length - 1
        counts = str(low) if low == high else f"{low} or {high}" if high == low + 1 else f"{low} to {high}"
        rows.append({"outcome": f"{counts} of {n}", "answer": words, "colour": colour_})
        place += length
    return rows


def _ended_because(inputs: Inputs) -> str:
    """Why the escalation ends: the design's own reason, or that the signers stopped it."""
    ended = agreed(inputs, outcomes_of(inputs))
    if ended is not None and ended.dose is None:
        return ended.reason
    return "The signers decided to stop the escalation"


def boundaries_table(inputs: Inputs, tally: TrialTally) -> list[dict[str, Any]]:
    """The decision table up to the patients that a dose can get; in expansion the one for both parts together."""
    design = design_of(inputs)
    if inputs["kind"] != Kind.MONITORING:
        return [asdict(row) for row in design.boundaries(max_n=design.most_at_a_dose)]
    more = sum(p.planned_patients for p in tally.parts if p.kind == Part.Kind.EXPANSION)
    return [asdict(row) for row in design.monitoring_boundaries(max_n=design.most_at_a_dose + more)]


def counted(people: Sequence[dict[str, Any]], level: int) -> list[dict[str, Any]]:
    """Of `shown`'s people: those who count at a level."""
    return [p for p in people if p["level"] == level and p["standing"] in COUNTS]


COUNTS = (Standing.EVALUABLE_DLT.value, Standing.EVALUABLE_NO_DLT.value)
