"""What follows from the inputs of a recommendation, and from nothing else: used to issue it and to replay it.

`inputs` is the JSON that a recommendation stores: kind, current_dose, doses (labels), closed_from (the lowest dose
that the safety stop closed, or None), tally {treated, dlts}, pending (a number per dose), design {name, parameters},
patients, and for an MTD settled anew in expansion highest_dose (the expansion's). No database here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dosing.engine import (
    Action,
    BoundaryRow,
    DoseTally,
    Lookahead,
    MtdSelection,
    Outcome,
    design_from_parameters,
    lookahead,
)

Inputs = Mapping[str, Any]


class NotDecided(Exception):
    """The outcomes that are still possible do not agree on the next dose."""


@dataclass(frozen=True)
class Conclusion:
    """action and dose (numbered from 1; None when there is none) with the reason in one sentence."""

    action: Action
    dose: int | None
    reason: str


def conclude(inputs: Inputs) -> Conclusion:
    """The conclusion of a recommendation's inputs. Raises NotDecided where the pending patients still matter."""
    kind = {"dose": _dose, "mtd": _mtd, "monitoring": _monitoring}[inputs["kind"]]
    return kind(inputs)


def design_of(inputs: Inputs) -> Any:
    """The design with all its parameters, as stored."""
    return design_from_parameters(inputs["design"]["name"], inputs["design"]["parameters"])


def tally_of(inputs: Inputs) -> DoseTally:
    return DoseTally(treated=tuple(inputs["tally"]["treated"]), dlts=tuple(inputs["tally"]["dlts"]))


def outcomes_of(inputs: Inputs, pending: tuple[int, ...] | None = None) -> Lookahead:
    """The advice for every outcome of the pending patients (one outcome when nobody is pending)."""
    waiting = tuple(inputs["pending"]) if pending is None else pending
    return lookahead(design_of(inputs), tally_of(inputs), inputs["current_dose"], waiting, tuple(inputs["doses"]))


def within_open_doses(inputs: Inputs, outcome: Outcome) -> Conclusion:
    """An outcome's advice, never at a dose that the safety stop has closed: what is closed stays closed."""
    advice, closed = outcome.advice, inputs.get("closed_from")
    if closed is None or advice.next_dose is None or advice.next_dose < closed:
        return Conclusion(advice.action, advice.next_dose, advice.reason)
    name = inputs["doses"][closed - 1]
    if closed == 1:
        return Conclusion(
            Action.STOP, None, f"{name}, the lowest dose, was closed by the safety stop, so the trial stops"
        )
    highest, current = closed - 1, inputs["current_dose"]
    if design_of(inputs).complete_below(outcome.tally, highest):
        seen = f"{inputs['doses'][highest - 1]} has {outcome.tally.at(highest)[0]} patients"
        return Conclusion(Action.STOP, None, f"{name} was closed by the safety stop, and {seen}, so the trial stops")
    action = Action.STAY if highest == current else Action.ESCALATE if highest > current else Action.DE_ESCALATE
    reason = (
        f"{advice.reason}; but {name} was closed by the safety stop: {inputs['doses'][highest - 1]} is the highest dose"
    )
    return Conclusion(action, highest, reason)


def agreed(inputs: Inputs, ahead: Lookahead) -> Conclusion | None:
    """The one answer of all outcomes; None where they differ."""
    answers = [within_open_doses(inputs, outcome) for outcome in ahead.outcomes]
    if len({(a.action, a.dose) for a in answers}) > 1:
        return None
    if len(answers) == 1:
        return answers[0]
    waiting = sum(ahead.pending)
    who = "1 patient is" if waiting == 1 else f"{waiting} patients are"
    first = answers[0]
    where = "stop" if first.dose is None else inputs["doses"][first.dose - 1]
    reason = f"{who} still in the DLT window, and every possible outcome gives the same next dose: {where}"
    return Conclusion(first.action, first.dose, reason)


def selection_of(inputs: Inputs) -> MtdSelection:
    """The MTD by the design's own rule, with estimates and intervals of every dose tried."""
    selection: MtdSelection = design_of(inputs).select_mtd(tally_of(inputs), labels=tuple(inputs["doses"]))
    return selection


def row_at(inputs: Inputs, dose: int) -> BoundaryRow | None:
    """The row of the table for monitoring, for the evaluable patients at a dose; None where there are none."""
    treated, _ = tally_of(inputs).at(dose)
    return design_of(inputs).monitoring_boundaries(max_n=treated).for_n(treated) if treated else None


def known_tally(inputs: Inputs) -> DoseTally:
    """Everybody who has a place in the tally: those who count, and those who are pending."""
    nobody = (0,) * len(inputs["pending"])
    return tally_of(inputs).plus(tuple(inputs["pending"]), nobody)


def _dose(inputs: Inputs) -> Conclusion:
    conclusion = agreed(inputs, outcomes_of(inputs))
    if conclusion is None:
        raise NotDecided
    return conclusion


def _mtd(inputs: Inputs) -> Conclusion:
    if any(inputs["pending"]):
        raise NotDecided
    selection, (highest, why) = selection_of(inputs), _highest_mtd(inputs)
    if selection.dose is not None and selection.dose <= highest:
        return Conclusion(Action.STOP, selection.dose, selection.reason)
    if highest == 0 and selection.dose is not None:
        return Conclusion(Action.STOP, None, f"No MTD: {inputs['doses'][0]}, the lowest dose, {why}")
    below = _selection_up_to(inputs, highest)
    if selection.dose is None and (below is None or below.dose is None):
        return Conclusion(Action.STOP, None, selection.reason)
    assert below is not None
    return Conclusion(Action.STOP, below.dose, f"{below.reason}; {inputs['doses'][highest]} {why}")


def _selection_up_to(inputs: Inputs, highest: int) -> MtdSelection | None:
    """The MTD as if the ladder ended at `highest`; None where nothing is left of it, or nothing is taken away."""
    if not 0 < highest < len(inputs["doses"]):
        return None
    counts, labels = tally_of(inputs), tuple(inputs["doses"][:highest])
    lower = DoseTally(treated=counts.treated[:highest], dlts=counts.dlts[:highest])
    selection: MtdSelection = design_of(inputs).select_mtd(lower, labels=labels)
    return selection


def _highest_mtd(inputs: Inputs) -> tuple[int, str]:
    """The highest dose that can be the MTD, with what became of the one above it."""
    closed, reached = inputs.get("closed_from"), inputs.get("highest_dose")
    below = len(inputs["doses"]) if closed is None else closed - 1
    if reached is not None and reached < below:
        return reached, "is above the dose of the expansion, which only goes down"
    return below, "was closed by the safety stop"


def _monitoring(inputs: Inputs) -> Conclusion:
    """In expansion the dose goes down or stays, by the same table, over the patients of both parts."""
    dose, labels = inputs["current_dose"], inputs["doses"]
    treated, dlts = tally_of(inputs).at(dose)
    row, name = row_at(inputs, dose), labels[dose - 1]
    seen = f"{dlts} of {treated} had a DLT at {name} in both parts together"
    if not crosses(row, dlts) and not _closed(inputs, dose):
        return Conclusion(Action.STAY, dose, f"{seen}: no boundary is crossed, so go on at {name}")
    must_leave = _closed(inputs, dose) or eliminates(row, dlts)
    seen += f": {_what_is_crossed(inputs, row, must_leave)}"
    lower = max((d for d in range(1, dose) if _may_treat(inputs, d)), default=None)
    if lower is not None:
        return Conclusion(Action.DE_ESCALATE, lower, f"{seen}, so de-escalate to {labels[lower - 1]}")
    if must_leave:
        return Conclusion(Action.STOP, None, f"{seen}, and there is no lower dose, so stop")
    return Conclusion(Action.STAY, dose, f"{seen}, but {name} is the lowest dose, so go on")


def _what_is_crossed(inputs: Inputs, row: BoundaryRow | None, must_leave: bool) -> str:
    if row is None or (must_leave and row.eliminate_if_at_least is None):
        return "the dose was closed by the safety stop"
    if must_leave:
        return f"{row.eliminate_if_at_least} or more of {row.n} close the dose"
    return f"{row.de_escalate_if_at_least} or more of {row.n} de-escalate"


def _closed(inputs: Inputs, dose: int) -> bool:
    closed = inputs.get("closed_from")
    return closed is not None and dose >= closed


def _may_treat(inputs: Inputs, dose: int) -> bool:
    lower = range(1, dose + 1)
    return not _closed(inputs, dose) and not any(
        eliminates(row_at(inputs, d), tally_of(inputs).at(d)[1]) for d in lower
    )


def crosses(row: BoundaryRow | None, dlts: int) -> bool:
    """Whether the patients with a DLT reach the boundary to de-escalate or to eliminate."""
    if row is None:
        return False
    limit = row.de_escalate_if_at_least
    return eliminates(row, dlts) or (limit is not None and dlts >= limit)


def eliminates(row: BoundaryRow | None, dlts: int) -> bool:
    """Whether the patients with a DLT reach the boundary that closes the dose."""
    return row is not None and row.eliminate_if_at_least is not None and dlts >= row.eliminate_if_at_least
