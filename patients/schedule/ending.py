"""How far treatment goes: the end of it, and the continuation review."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from django.core.exceptions import ObjectDoesNotExist

from patients.models import ContinuationReview, Cycle, Discontinuation, Patient
from patients.schedule.planned import ONE_YEAR, PlannedDay, add_months
from patients.schedule.versions import planned_under
from trials.protocol import Protocol


def discontinuation_in_force(patient: Patient) -> Discontinuation | None:
    """The discontinuation that no re-treatment has followed."""
    return next((d for d in patient.discontinuations.all() if d.retreated_on is None), None)


def treatment_ended_on(patient: Patient) -> dt.date | None:
    """The last day of protocol therapy; None while treatment goes on (or has not begun)."""
    ended = discontinuation_in_force(patient)
    return ended.on if ended else None


def is_dropped(patient: Patient, day: dt.date) -> bool:
    """Whether treatment had ended by this day, for good or until a re-treatment: what was planned for it is not due."""
    ended_on = treatment_ended_on(patient)
    if ended_on is not None and day > ended_on:
        return True
    pauses = ((d.on, d.retreated_on) for d in patient.discontinuations.all() if d.retreated_on)
    return any(stopped < day < resumed for stopped, resumed in pauses)


def review_of(patient: Patient) -> ContinuationReview | None:
    try:
        return patient.continuation_review
    except ObjectDoesNotExist:
        return None


def continuation_review_day(patient: Patient, cycles: Sequence[Cycle]) -> dt.date | None:
    """The protocol's months after the first day of treatment; None where there is no such review."""
    first = first_day(patient, cycles)
    if first is None:
        return None

    def plan(protocol: Protocol) -> Iterator[tuple[None, None, PlannedDay]]:
        if protocol.continuation_review is not None:
            on = add_months(first, protocol.continuation_review.after_months)
            yield None, None, PlannedDay(on, on, on, firm=True)

    planned = planned_under(patient, plan)
    return planned[None][1].on if planned else None


def continuation_review_due(patient: Patient, cycles: Sequence[Cycle]) -> dt.date | None:
    """When the continuation review falls due, while it has not been made and treatment goes on."""
    if not cycles or review_of(patient) is not None or treatment_ended_on(patient) is not None:
        return None
    return continuation_review_day(patient, cycles)


def first_day(patient: Patient, cycles: Sequence[Cycle]) -> dt.date | None:
    """The first day of treatment, of the lead-in where there is one: actual, or as agreed at registration."""
    return cycles[0].started_on if cycles else patient.planned_start


def goes_on_to(patient: Patient, cycles: Sequence[Cycle], due_on: dt.date) -> bool:
    """Whether treatment is planned to go on to a cycle due on this day."""
    review = review_of(patient)
    if review is not None:
        return review.continues
    review_day = continuation_review_day(patient, cycles)
    return review_day is None or due_on < review_day


def horizon_of(patient: Patient, cycles: Sequence[Cycle], day: dt.date) -> dt.date:
    """How far cycles are planned from a day: to the continuation review that lies ahead, else for a year."""
    review_day = continuation_review_day(patient, cycles)
    return day + ONE_YEAR if review_day is None or review_of(patient) is not None else review_day
