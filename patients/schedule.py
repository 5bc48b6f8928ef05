"""What is planned for a patient, worked out from what has happened. Nothing is stored or queried here.

The rows are passed in or already loaded: `patient` with its `version`, `part`, `assigned_level` and, where
there is one, `continuation_review`; with `reductions`, `discontinuations` and `follow_up_visits` prefetched.
`cycles` are the patient's started cycles by number. Days are calendar days at the patient's site; day 1 of a
cycle is its start.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import ObjectDoesNotExist

from patients.models import ContinuationReview, Cycle, Discontinuation, FollowUpVisit, Patient
from patients.regimen import DatedDose, dose_dates, doses_of_rung
from trials.protocol import AnchorKind, Protocol, Timepoint, Window

ONE_YEAR = dt.timedelta(days=365)


@dataclass(frozen=True)
class PlannedCycle:
    """A cycle that has not started. `firm`: nothing that has yet to happen can move it."""

    number: int
    due_on: dt.date
    earliest_on: dt.date
    latest_on: dt.date
    firm: bool
    rung: int
    label: str
    doses: tuple[DatedDose, ...]


@dataclass(frozen=True)
class PlannedDay:
    """A planned day and the days around it that are allowed."""

    on: dt.date
    window_from: dt.date
    window_to: dt.date
    firm: bool


@dataclass(frozen=True)
class Occurrence:
    """One time at which a time point is due. `code` names the cycle too where it comes back every cycle."""

    code: str
    title: str
    cycle: int | None
    day: PlannedDay
    timepoint: Timepoint


@dataclass(frozen=True)
class FollowUpDue:
    """An event-monitoring visit: planned, done, or passed over (a later one is done)."""

    number: int
    on: dt.date
    window_from: dt.date
    window_to: dt.date
    last: bool
    done: FollowUpVisit | None
    passed_over: bool


def protocol_of(patient: Patient) -> Protocol:
    """The protocol under which the patient was registered; before registration, the study's live one."""
    return patient.version.protocol if patient.version is not None else patient.study.protocol


# --- doses ---


def start_rung(patient: Patient) -> int:
    """The rung of the reduction ladder on which the patient's assigned dose level stands."""
    if patient.assigned_level is None:
        raise ValueError(f"{patient.code} is not registered and has no dose level")
    return protocol_of(patient).rung_of_level(patient.assigned_level.ordinal)


def rung_on(patient: Patient, day: dt.date) -> int:
    """The rung in force on a day: the start rung and every reduction that has taken effect by then."""
    steps = [r.to_rung for r in patient.reductions.all() if r.effective_on <= day]
    return max([start_rung(patient), *steps])


def lowest_rung_so_far(patient: Patient) -> int:
    """The rung after all reductions that are recorded, those yet to take effect included."""
    return max([start_rung(patient), *(r.to_rung for r in patient.reductions.all())])


def planned_dose_days(patient: Patient, cycle: Cycle, agent: str) -> tuple[dt.date, ...]:
    """The days on which an agent is planned in a started cycle; () where the cycle does not have it."""
    doses = protocol_of(patient).rung_doses(cycle.rung)
    return next((dose_dates(dose, cycle.started_on) for dose in doses if dose.agent == agent), ())


# --- the end of treatment ---


def discontinuation_in_force(patient: Patient) -> Discontinuation | None:
    """The discontinuation that no re-treatment has followed."""
    return next((d for d in patient.discontinuations.all() if d.retreated_on is None), None)


def treatment_ended_on(patient: Patient) -> dt.date | None:
    """The last day of protocol therapy; None while treatment goes on (or has not begun)."""
    ended = discontinuation_in_force(patient)
    return ended.on if ended else None


def review_of(patient: Patient) -> ContinuationReview | None:
    try:
        return patient.continuation_review
    except ObjectDoesNotExist:
        return None


def continuation_review_day(patient: Patient, cycles: Sequence[Cycle]) -> dt.date | None:
    """The protocol's months after the first day of cycle 1; None where there is no such review."""
    review = protocol_of(patient).continuation_review
    first = _first_day(patient, cycles)
    return add_months(first, review.after_months) if review and first else None


def continuation_review_due(patient: Patient, cycles: Sequence[Cycle]) -> dt.date | None:
    """When the continuation review falls due, while it has not been made and treatment goes on."""
    if not cycles or review_of(patient) is not None or treatment_ended_on(patient) is not None:
        return None
    return continuation_review_day(patient, cycles)


# --- cycles ---


def next_cycle(patient: Patient, cycles: Sequence[Cycle]) -> PlannedCycle | None:
    """The cycle to start next; None before registration, after the end and until a review that is due."""
    due_on = _next_due_on(patient, cycles)
    if due_on is None or not _goes_on_to(patient, cycles, due_on):
        return None
    return _planned(patient, len(cycles) + 1, due_on, firm=True)


def planned_cycles(
    patient: Patient, cycles: Sequence[Cycle], today: dt.date, until: dt.date | None = None
) -> list[PlannedCycle]:
    """The cycles to come: until the continuation review, or, once that was positive, for a year from today.

    until: plan no cycle that starts after this day.
    """
    first = next_cycle(patient, cycles)
    if first is None:
        return []
    length = dt.timedelta(days=protocol_of(patient).cycle.length_days)
    horizon = until or _horizon(patient, cycles, max(today, first.due_on))
    planned = [first]
    due_on = first.due_on + length
    while due_on <= horizon and _goes_on_to(patient, cycles, due_on):
        planned.append(_planned(patient, planned[-1].number + 1, due_on, firm=False))
        due_on += length
    return [cycle for cycle in planned if cycle.due_on <= horizon]


def cycle_end(patient: Patient, cycle: Cycle) -> dt.date:
    """The planned last day of a started cycle."""
    return cycle.started_on + dt.timedelta(days=protocol_of(patient).cycle.length_days - 1)


def place_in_cycle(cycles: Sequence[Cycle], day: dt.date) -> tuple[Cycle, int] | None:
    """The started cycle that a day falls into and its day there, from 1; None before cycle 1."""
    begun = [cycle for cycle in cycles if cycle.started_on <= day]
    return (begun[-1], (day - begun[-1].started_on).days + 1) if begun else None


def start_of_cycle(patient: Patient, cycles: Sequence[Cycle], number: int) -> tuple[dt.date, bool] | None:
    """When a cycle starts, and whether that is firm: actual where it has started, else as planned."""
    if number <= len(cycles):
        return cycles[number - 1].started_on, True
    due_on = _next_due_on(patient, cycles)
    if due_on is None:
        return None
    later = number - len(cycles) - 1
    due_on += dt.timedelta(days=later * protocol_of(patient).cycle.length_days)
    return (due_on, later == 0) if _goes_on_to(patient, cycles, due_on) else None


# --- the DLT window ---


def dlt_window(patient: Patient, cycles: Sequence[Cycle]) -> tuple[dt.date, dt.date] | None:
    """First and last day on which a toxicity counts as dose limiting; None until its cycle has started."""
    window = protocol_of(patient).dlt.window
    if len(cycles) < window.cycle:
        return None
    start = cycles[window.cycle - 1].started_on
    return start + dt.timedelta(days=window.from_day - 1), start + dt.timedelta(days=window.to_day - 1)


# --- visits, samples and outcome measures ---


def timepoint_day(
    timepoint: Timepoint, patient: Patient, cycles: Sequence[Cycle], cycle: int | None = None
) -> PlannedDay | None:
    """When a time point is due; None where it is not due at all: another part, after the end, no such cycle.

    cycle: which cycle, for a time point that comes back with every cycle. A cycle's end is its last planned
    day, counted from its own start: a delay of the next cycle does not move it.
    """
    if patient.part is None or patient.part.kind not in timepoint.parts:
        return None
    number = 1 if timepoint.anchor is AnchorKind.PRE_TREATMENT else timepoint.cycle or cycle
    if number is None:
        raise ValueError(f"time point {timepoint.code} comes back every cycle: say which cycle")
    start = start_of_cycle(patient, cycles, number)
    if start is None:
        return None
    on, firm = start
    if timepoint.anchor is AnchorKind.CYCLE_END:
        on += dt.timedelta(days=protocol_of(patient).cycle.length_days - 1)
    ended_on = treatment_ended_on(patient)
    if ended_on is not None and on > ended_on:
        return None
    return _day(on, timepoint.window, firm)


def occurrences(timepoint: Timepoint, patient: Patient, cycles: Sequence[Cycle], today: dt.date) -> list[Occurrence]:
    """Every time at which a time point is due: once, or with each started and planned cycle."""
    if timepoint.anchor is not AnchorKind.EVERY_CYCLE_START:
        day = timepoint_day(timepoint, patient, cycles)
        return [Occurrence(timepoint.code, timepoint.title, timepoint.cycle, day, timepoint)] if day else []
    numbers = [c.number for c in cycles] + [c.number for c in planned_cycles(patient, cycles, today)]
    days = ((number, timepoint_day(timepoint, patient, cycles, cycle=number)) for number in numbers)
    return [
        Occurrence(f"{timepoint.code}-{number}", f"{timepoint.title}, cycle {number}", number, day, timepoint)
        for number, day in days
        if day
    ]


def visits(patient: Patient, cycles: Sequence[Cycle], today: dt.date) -> list[Occurrence]:
    """The treatment visits of the protocol, by day."""
    found = [o for t in protocol_of(patient).visits for o in occurrences(t, patient, cycles, today)]
    return sorted(found, key=lambda visit: visit.day.on)


# --- event monitoring ---


def follow_up_visits(patient: Patient) -> list[FollowUpDue]:
    """The event-monitoring visits, done and to come, counted on across a re-treatment; after death none."""
    done = {visit.number: visit for visit in patient.follow_up_visits.all()}
    ended = discontinuation_in_force(patient)
    if ended is None:
        return []
    plan = protocol_of(patient).event_monitoring
    before = max((v.number for v in done.values() if v.done_on <= ended.on), default=0)
    latest = max(done, default=0)
    dead = any(not visit.alive for visit in done.values())
    total = plan.for_days // plan.every_days
    return [
        _follow_up(
            before + step,
            ended.on + dt.timedelta(days=step * plan.every_days),
            plan.window,
            last=step == total,
            done=done.get(before + step),
            latest=latest,
        )
        for step in range(1, total + 1)
        if before + step in done or not dead
    ]


def next_follow_up(patient: Patient) -> FollowUpDue | None:
    """The first event-monitoring visit that is neither done nor passed over."""
    return next((v for v in follow_up_visits(patient) if v.done is None and not v.passed_over), None)


# --- arithmetic ---


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day so many months later, or the month's last day where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


def in_order(cycles: Sequence[Cycle]) -> Iterator[tuple[Cycle, Cycle | None]]:
    """Each started cycle with the one after it."""
    for index, cycle in enumerate(cycles):
        yield cycle, cycles[index + 1] if index + 1 < len(cycles) else None


def _first_day(patient: Patient, cycles: Sequence[Cycle]) -> dt.date | None:
    return cycles[0].started_on if cycles else patient.planned_start


def _next_due_on(patient: Patient, cycles: Sequence[Cycle]) -> dt.date | None:
    """By the last cycle's actual start, the first day of a re-treatment, or as agreed at registration."""
    if patient.registered_at is None or treatment_ended_on(patient) is not None:
        return None
    if not cycles:
        return patient.planned_start
    resumed = max((d.retreated_on for d in patient.discontinuations.all() if d.retreated_on), default=None)
    if resumed is not None and resumed > cycles[-1].started_on:
        return resumed
    return cycles[-1].started_on + dt.timedelta(days=protocol_of(patient).cycle.length_days)


def _goes_on_to(patient: Patient, cycles: Sequence[Cycle], due_on: dt.date) -> bool:
    """Whether treatment is planned to go on to a cycle due on this day."""
    review = review_of(patient)
    if review is not None:
        return review.continues
    review_day = continuation_review_day(patient, cycles)
    return review_day is None or due_on < review_day


def _horizon(patient: Patient, cycles: Sequence[Cycle], day: dt.date) -> dt.date:
    """How far cycles are planned from a day: to the continuation review that lies ahead, else for a year."""
    review_day = continuation_review_day(patient, cycles)
    return day + ONE_YEAR if review_day is None or review_of(patient) is not None else review_day


def _planned(patient: Patient, number: int, due_on: dt.date, *, firm: bool) -> PlannedCycle:
    protocol = protocol_of(patient)
    rung = rung_on(patient, due_on)
    return PlannedCycle(
        number=number,
        due_on=due_on,
        earliest_on=due_on - dt.timedelta(days=protocol.cycle.start_window.before),
        latest_on=due_on + dt.timedelta(days=protocol.delay.limit_days),
        firm=firm,
        rung=rung,
        label=protocol.reductions.ladder[rung].label,
        doses=doses_of_rung(protocol, rung, due_on),
    )


def _day(on: dt.date, window: Window, firm: bool) -> PlannedDay:
    return PlannedDay(on, on - dt.timedelta(days=window.before), on + dt.timedelta(days=window.after), firm)


def _follow_up(
    number: int, on: dt.date, window: Window, *, last: bool, done: FollowUpVisit | None, latest: int
) -> FollowUpDue:
    day = _day(on, window, firm=True)
    passed_over = done is None and number < latest
    return FollowUpDue(number, on, day.window_from, day.window_to, last, done, passed_over)
