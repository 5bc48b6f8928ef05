"""What a site does for one patient next, and on which day: worked out from the schedule, as a coordinator would."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from accounts.models import User
from labs.operations import collect_sample, miss_sample
from labs.queries import samples_of
from patients import schedule
from patients.evaluability import lost_in_window, planned_in_window
from patients.models import AdverseEvent, Cycle, DoseReduction, Patient
from patients.operations import (
    discontinue,
    interrupt_dosing,
    record_doses,
    record_follow_up,
    record_outcome,
    reduce_dose,
    start_cycle,
)
from patients.operations.assessments import assess_window
from patients.operations.events import record_adverse_event, resolve_adverse_event
from reminders.demo.script import Course, Happening
from trials.protocol import OutcomeMeasure

ONE_DAY = dt.timedelta(days=1)
Do = Callable[..., object]


@dataclass(frozen=True)
class Task:
    """Something to do on a day. routine: it may be left undone in the last days, so that the demo has things due."""

    on: dt.date
    do: Do
    routine: bool = False


def agenda(patient: Patient, course: Course, coordinator: User, investigator: User) -> Iterator[Task]:
    """Every task that is not done yet, in no particular order. `patient` comes loaded by `load.with_all`."""
    cycles = list(patient.cycles.all())
    yield from _events(patient, course, cycles, coordinator, investigator)
    yield from _cycle_starts(patient, course, cycles, coordinator)
    yield from _doses(patient, course, cycles, coordinator)
    yield from _window(patient, course, cycles, coordinator)
    yield from _leaving(patient, course, cycles, investigator)
    yield from _samples(patient, course, coordinator)
    yield from _outcomes(patient, course, cycles, coordinator)
    visit = schedule.next_follow_up(patient)
    if visit is not None:
        yield Task(visit.on, partial(record_follow_up, patient=patient, done_on=visit.on, alive=True, by=coordinator))


def _cycle_starts(patient: Patient, course: Course, cycles: list[Cycle], by: User) -> Iterator[Task]:
    planned = schedule.next_cycle(patient, cycles)
    if planned is not None:
        on = planned.due_on + dt.timedelta(days=dict(course.late).get(planned.number, 0))
        yield Task(on, partial(start_cycle, patient=patient, started_on=on, by=by))


def _doses(patient: Patient, course: Course, cycles: list[Cycle], by: User) -> Iterator[Task]:
    ended_on = schedule.treatment_ended_on(patient)
    for cycle in cycles:
        recorded = {doses.agent for doses in cycle.doses_taken.all()}
        last = schedule.cycle_end(patient, cycle)
        for dose in schedule.protocol_of(patient).cycle_doses(cycle.number, cycle.rung):
            days = schedule.planned_dose_days(patient, cycle, dose.agent)
            stopped = [i for i in patient.interruptions.all() if i.cycle_id == cycle.pk and i.agent == dose.agent]
            possible = [day for day in days if ended_on is None or day <= ended_on]
            taken = [d for d in possible if not any(i.from_day <= d <= (i.to_day or last) for i in stopped)]
            if dose.agent not in recorded:
                count = min(len(taken), course.taken) if cycle.number == 1 else len(taken)
                on = min(last, ended_on or last) + ONE_DAY
                yield Task(on, partial(record_doses, cycle=cycle, agent=dose.agent, taken=count, by=by))


def _window(patient: Patient, course: Course, cycles: list[Cycle], by: User) -> Iterator[Task]:
    window = schedule.dlt_window(patient, cycles)
    if window is None or hasattr(patient, "window_assessment"):
        return
    if any(event.cycle == 1 and event.dlt for event in course.events):
        return
    taken = min(course.taken, len(planned_in_window(patient, window)) - len(lost_in_window(patient, window)))
    yield Task(window[1] + ONE_DAY, partial(assess_window, patient=patient, taken=taken, by=by))


def _events(
    patient: Patient, course: Course, cycles: list[Cycle], coordinator: User, investigator: User
) -> Iterator[Task]:
    recorded = {(event.term, event.onset_on): event for event in patient.adverse_events.all()}
    for happening in course.events:
        cycle = schedule.cycle_numbered(cycles, happening.cycle)
        if cycle is None:
            continue
        onset = cycle.started_on + dt.timedelta(days=happening.day - 1)
        event = recorded.get((happening.term, onset))
        if event is None:
            yield Task(onset + ONE_DAY, partial(_record, patient, happening, onset, coordinator))
        else:
            yield from _what_follows(patient, happening, event, cycles, coordinator, investigator)


def _record(patient: Patient, what: Happening, onset: dt.date, by: User, *, at: dt.datetime) -> AdverseEvent:
    relations = {
        agent.code: what.relation if agent.investigational else "unlikely"
        for agent in schedule.protocol_of(patient).agents
    }
    return record_adverse_event(
        patient=patient,
        term=what.term,
        grade=what.grade,
        onset_on=onset,
        relations=relations,
        serious=what.serious,
        is_dlt=what.dlt,
        by=by,
        at=at,
    )


def _what_follows(
    patient: Patient, what: Happening, event: AdverseEvent, cycles: list[Cycle], coordinator: User, investigator: User
) -> Iterator[Task]:
    cycle = schedule.cycle_numbered(cycles, what.cycle)
    assert cycle is not None  # the event began in it
    next_day = event.onset_on + ONE_DAY
    if what.ends_treatment and not patient.discontinuations.all():
        yield Task(
            next_day,
            partial(
                discontinue,
                patient=patient,
                reason_code="unacceptable-adverse-events",
                on=event.onset_on,
                event=event,
                by=investigator,
            ),
        )
    if what.reduces:
        held = [i for i in patient.interruptions.all() if i.cycle_id == cycle.pk]
        last = schedule.cycle_end(patient, cycle)
        agents = [a.code for a in schedule.protocol_of(patient).agents if a.investigational]
        if not held and event.onset_on < last:
            yield Task(
                next_day,
                partial(
                    interrupt_dosing,
                    cycle=cycle,
                    agent=agents[0],
                    from_day=next_day,
                    to_day=last,
                    by=coordinator,
                    reason=f"{event.term} grade {event.grade}",
                ),
            )
        if not any(r.event_id == event.pk for r in patient.reductions.all()):
            yield Task(
                next_day + ONE_DAY,
                partial(
                    reduce_dose,
                    patient=patient,
                    cause=DoseReduction.Cause.ADVERSE_EVENT,
                    event=event,
                    by=investigator,
                    explanation=f"{event.term} grade {event.grade} in cycle {cycle.number}",
                    effective_on=last + ONE_DAY,
                ),
            )
    if what.lasts is not None and event.resolved_on is None:
        resolved = event.onset_on + dt.timedelta(days=what.lasts)
        yield Task(resolved, partial(resolve_adverse_event, event=event, resolved_on=resolved, by=coordinator))


def _leaving(patient: Patient, course: Course, cycles: list[Cycle], by: User) -> Iterator[Task]:
    if course.leaves is None or patient.discontinuations.all():
        return
    number, day, reason = course.leaves
    cycle = schedule.cycle_numbered(cycles, number)
    if cycle is not None:
        on = cycle.started_on + dt.timedelta(days=day - 1)
        yield Task(on + ONE_DAY, partial(discontinue, patient=patient, reason_code=reason, on=on, by=by))


def _samples(patient: Patient, course: Course, by: User) -> Iterator[Task]:
    for due in samples_of(patient, dt.date.min):
        if due.collection is not None:
            continue
        if due.code in course.missed_samples:
            reason = "The patient could not come before the window closed"
            yield Task(
                due.window_to + ONE_DAY, partial(miss_sample, patient=patient, timepoint=due.code, reason=reason, by=by)
            )
        else:
            tubes = [tube.code for tube in due.tubes]
            yield Task(
                due.planned_on,
                partial(
                    collect_sample,
                    patient=patient,
                    timepoint=due.code,
                    collected_on=due.planned_on,
                    tubes=tubes,
                    by=by,
                ),
                routine=True,
            )


def _outcomes(patient: Patient, course: Course, cycles: list[Cycle], by: User) -> Iterator[Task]:
    protocol = schedule.protocol_of(patient)
    done = {(value.measure, value.timepoint) for value in patient.outcomes.all()}
    for measure in protocol.outcome_measures:
        for timepoint in measure.timepoints:
            day = schedule.timepoint_day(timepoint, patient, cycles)
            if day is None or (measure.code, timepoint.code) in done:
                continue
            value = _value(measure, course, timepoint.cycle or 0, patient)
            yield Task(
                day.on,
                partial(
                    record_outcome,
                    patient=patient,
                    measure=measure.code,
                    timepoint=timepoint.code,
                    measured_on=day.on,
                    value=value,
                    by=by,
                ),
                routine=True,
            )


def _value(measure: OutcomeMeasure, course: Course, cycle: int, patient: Patient) -> Decimal:
    """An invented value: from a start that differs by patient, towards the better end as cycles go by."""
    low, high = float(measure.minimum or 0), float(measure.maximum or 100)
    spread = (sum(map(ord, patient.code + measure.code)) % 17) / 100
    worse, better = (high, low) if measure.better == "lower" else (low, high)
    start = worse + (better - worse) * (0.25 + spread)
    reached = course.improves * min(cycle, 12) / 12
    value = start + (better - start) * reached
    step = Decimal("0.1") if measure.unit == "g/L" else Decimal(1)
    return Decimal(str(value)).quantize(step)
