"""What a site does for one patient next, and on which day: worked out from the schedule, as a coordinator would."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from accounts.models import User
from labs.operations import collect_sample, miss_sample
from labs.queries import samples_of
from patients import schedule
from patients.evaluability import fell_short, lost_in_window, planned_in_window
from patients.infusions import given_in
from patients.models import AdverseEvent, Attribution, Cycle, DoseReduction, Patient
from patients.operations import (
    discontinue,
    interrupt_dosing,
    record_doses,
    record_follow_up,
    record_outcome,
    reduce_dose,
    review_continuation,
    start_cycle,
)
from patients.operations.assessments import assess_window
from patients.operations.events import record_adverse_event, resolve_adverse_event
from reminders.rehearsal.course import Course, Happening
from reminders.rehearsal.given import infusions, measurements
from reminders.rehearsal.tasks import ONE_DAY, Task
from reminders.rehearsal.visits import activities, has_come, on_a_day_since
from trials.protocol import OutcomeMeasure, Protocol


def agenda(patient: Patient, course: Course, coordinator: User, investigator: User) -> Iterator[Task]:
    """Every task that is not done yet; of one day, in the order in which they are to be done.

    `patient` comes loaded by `player.loaded`.
    """
    cycles = list(patient.cycles.all())
    yield from _events(patient, course, cycles, coordinator, investigator)
    yield from _leaving(patient, course, cycles, investigator)
    yield from _review(patient, cycles, investigator)
    yield from _cycle_starts(patient, course, cycles, coordinator)
    yield from measurements(patient, course, cycles, coordinator)
    yield from infusions(patient, course, cycles, coordinator)
    yield from _doses(patient, course, cycles, coordinator)
    yield from _window(patient, course, cycles, coordinator)
    yield from activities(patient, cycles, coordinator)
    yield from _samples(patient, course, cycles, coordinator)
    yield from _outcomes(patient, course, cycles, coordinator)
    visit = schedule.next_follow_up(patient)
    if visit is not None:
        yield Task(visit.on, partial(record_follow_up, patient=patient, done_on=visit.on, alive=True, by=coordinator))


def _review(patient: Patient, cycles: list[Cycle], by: User) -> Iterator[Task]:
    """The continuation review, which lets treatment go on."""
    due_on = schedule.continuation_review_due(patient, cycles)
    if due_on is not None and schedule.review_of(patient) is None:
        yield Task(
            due_on,
            partial(
                review_continuation,
                patient=patient,
                reviewed_on=due_on,
                continues=True,
                explanation="Treatment is tolerated, and helps",
                by=by,
            ),
        )


def _cycle_starts(patient: Patient, course: Course, cycles: list[Cycle], by: User) -> Iterator[Task]:
    planned = schedule.next_cycle(patient, cycles)
    if planned is not None:
        on = planned.due_on + dt.timedelta(days=dict(course.late).get(planned.number, 0))
        yield Task(on, partial(start_cycle, patient=patient, started_on=on, by=by))


def _doses(patient: Patient, course: Course, cycles: list[Cycle], by: User) -> Iterator[Task]:
    """The doses of a cycle that are counted at its end."""
    protocol, ended_on = schedule.protocol_of(patient), schedule.treatment_ended_on(patient)
    for cycle in cycles:
        recorded = {doses.agent for doses in cycle.doses_taken.all()}
        last = schedule.cycle_end(patient, cycle)
        for dose in protocol.cycle_doses(cycle.number, cycle.rung):
            if dose.agent in recorded or protocol.given_singly(dose.agent):
                continue
            days = schedule.planned_dose_days(patient, cycle, dose.agent)
            stopped = [i for i in patient.interruptions.all() if i.cycle_id == cycle.pk and i.agent == dose.agent]
            possible = [day for day in days if ended_on is None or day <= ended_on]
            taken = [d for d in possible if not any(i.from_day <= d <= (i.to_day or last) for i in stopped)]
            count = len(taken) - _left_out(patient, course, cycles, cycle, dose.agent)
            on = min(last, ended_on or last) + ONE_DAY
            yield Task(on, partial(record_doses, cycle=cycle, agent=dose.agent, taken=max(0, count), by=by), plain=True)


def _left_out(patient: Patient, course: Course, cycles: list[Cycle], cycle: Cycle, agent: str) -> int:
    """How many doses of the DLT window the patient did not take: all of them in the window's first cycle."""
    dlt, window = schedule.protocol_of(patient).dlt, schedule.dlt_window(patient, cycles)
    if (
        window is None
        or course.taken is None
        or (cycle.number, agent) != (dlt.window.cycle, dlt.minimum_exposure.agent)
    ):
        return 0
    return max(0, _possible_in(patient, window) - course.taken)


def _possible_in(patient: Patient, window: tuple[dt.date, dt.date]) -> int:
    return len(planned_in_window(patient, window)) - len(lost_in_window(patient, window))


def _window(patient: Patient, course: Course, cycles: list[Cycle], by: User) -> Iterator[Task]:
    """The doses taken in the DLT window: after its end, or as soon as it is clear that they were too few."""
    window, ended_on = schedule.dlt_window(patient, cycles), schedule.treatment_ended_on(patient)
    if window is None or hasattr(patient, "window_assessment") or _has_dlt(patient, course):
        return
    agent = schedule.protocol_of(patient).dlt.minimum_exposure.agent
    if schedule.protocol_of(patient).given_singly(agent):
        taken = given_in(patient, cycles, agent, planned_in_window(patient, window))
    else:
        possible = _possible_in(patient, window)
        taken = possible if course.taken is None else min(possible, course.taken)
    last = ended_on if ended_on is not None and fell_short(patient, window) else window[1]
    yield Task(last + ONE_DAY, partial(assess_window, patient=patient, taken=taken, by=by))


def _has_dlt(patient: Patient, course: Course) -> bool:
    cycle = schedule.protocol_of(patient).dlt.window.cycle
    return any(event.cycle == cycle and event.dlt for event in course.events)


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
    protocol = schedule.protocol_of(patient)
    relations = {
        agent.code: what.relation if agent.investigational else Attribution.Relation.UNLIKELY
        for agent in protocol.agents
    }
    if what.cycle == 0 and protocol.lead_in is not None:
        alone = protocol.lead_in.agents
        relations |= {code: Attribution.Relation.UNRELATED for code in relations if code not in alone}
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
                reason_code=reason_of_toxicity(schedule.protocol_of(patient)),
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


def reason_of_toxicity(protocol: Protocol) -> str:
    """The protocol's reason for ending treatment because of an adverse event; its last one where none says so."""
    reasons = [*protocol.discontinuation]
    said = (r for r in reasons if any(word in f"{r.code} {r.text}".lower() for word in ("toxic", "adverse")))
    return next(said, reasons[-1]).code


def _samples(patient: Patient, course: Course, cycles: list[Cycle], by: User) -> Iterator[Task]:
    for due in samples_of(patient, dt.date.min):
        if due.collection is not None or not has_come(due.timepoint, None, patient, cycles):
            continue
        on = on_a_day_since(patient, due.planned_on)
        if due.code in course.missed_samples or on > due.window_to:
            reason = "The patient could not come before the window closed"
            yield Task(
                max(on, due.window_to + ONE_DAY),
                partial(miss_sample, patient=patient, timepoint=due.code, reason=reason, by=by),
            )
        else:
            tubes = [tube.code for tube in due.tubes]
            yield Task(
                on,
                partial(collect_sample, patient=patient, timepoint=due.code, collected_on=on, tubes=tubes, by=by),
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
            if not has_come(timepoint, None, patient, cycles):
                continue
            value = _value(measure, course, timepoint.cycle or 0, patient)
            on = on_a_day_since(patient, day.on)
            yield Task(
                on,
                partial(
                    record_outcome,
                    patient=patient,
                    measure=measure.code,
                    timepoint=timepoint.code,
                    measured_on=on,
                    value=value,
                    by=by,
                ),
                routine=True,
            )


def _value(measure: OutcomeMeasure, course: Course, cycle: int, patient: Patient) -> Decimal:
    """An invented value: from a start that differs by patient, towards the better end as cycles go by."""
    low, high = _range(measure)
    spread = (sum(map(ord, patient.code + measure.code)) % 17) / 100
    worse, better = (high, low) if measure.better == "lower" else (low, high)
    start = worse + (better - worse) * (0.25 + spread)
    reached = course.improves * min(cycle, 12) / 12
    value = start + (better - start) * reached
    step = Decimal(1) if measure.unit in ("", "points") else Decimal("0.1")
    rounded = Decimal(str(value)).quantize(step)
    return min(max(rounded, measure.minimum or rounded), measure.maximum or rounded)


def _range(measure: OutcomeMeasure) -> tuple[float, float]:
    """From where to where values are invented."""
    if measure.minimum is None:
        high = float(measure.maximum) if measure.maximum is not None else 100.0
        return min(0.0, high - 100), high
    low = float(measure.minimum)
    return low, float(measure.maximum) if measure.maximum is not None else low + 100
