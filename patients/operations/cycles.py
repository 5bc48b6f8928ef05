"""Cycles with their actual start, and the doses taken in them."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from patients import schedule
from patients.models import Cycle, DosesTaken, Patient, WindowAssessment
from patients.operations.checks import (
    alive_on,
    lock_patient,
    not_in_future,
    reason_given,
    registered,
    today_of,
)
from patients.operations.given_doses import doses_still_fit
from patients.operations.safety import stop_at_level_of
from patients.schedule import PlannedCycle, cycle_words, dlt_protocol, protocol_on
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission


@operation
def start_cycle(*, patient: Patient, started_on: dt.date, by: User, at: dt.datetime, rung: int | None = None) -> Cycle:
    """Record that the next cycle has started; later cycles, samples, visits and the DLT window follow from it.

    rung: of the reduction ladder, where the caller wants to be sure; another one than is in force is refused.
    """
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    planned = check_start(patient, started_on, at)
    in_force = schedule.rung_on(patient, started_on)
    ladder = protocol_on(patient, started_on).reductions.ladder
    if rung is not None and rung != in_force:
        raise Refused(
            "rung-not-in-force",
            f"{patient.code} gets {ladder[in_force].label} on {day_words(started_on)}. "
            "Record a dose reduction to change it.",
            field="rung",
        )
    cycle = Cycle.objects.create(
        patient=patient,
        study=patient.study,
        number=planned.number,
        due_on=planned.due_on,
        latest_on=planned.latest_on,
        started_on=started_on,
        rung=in_force,
        dose_label=ladder[in_force].label,
        recorded_at=at,
        recorded_by=by,
    )
    if patient.status == Patient.Status.REGISTERED:
        patient.status = Patient.Status.ON_TREATMENT
        patient.save(update_fields=["status"])
    return cycle


@operation
def correct_cycle_start(*, cycle: Cycle, started_on: dt.date, reason: str, by: User, at: dt.datetime) -> Cycle:
    """Correct the day on which a cycle started. The plan moves with it; the cycle after it must still fit."""
    patient = lock_patient(cycle.patient, Permission.RECORD_CLINICAL, by)
    reason_given(reason)
    cycles = list(patient.cycles.all())
    cycle = _numbered(cycles, cycle)
    following = _following(patient, cycle)
    if started_on == cycle.started_on:
        return cycle
    check_correction(patient, cycle, started_on, at)
    cycle.started_on = started_on
    cycle.recorded_at, cycle.recorded_by = at, by
    cycle.save(update_fields=["started_on", "recorded_at", "recorded_by"])
    if following is not None and not _resumed_before(patient, following):
        following.due_on, following.latest_on = _due_after(patient, cycle, started_on)
        following.save(update_fields=["due_on", "latest_on"])
    stop_at_level_of(patient, by=by, at=at)  # the DLT window has moved, and with it what counts
    return cycle


@operation
def record_cycle_doses(
    *, cycle: Cycle, taken: dict[str, int], by: User, at: dt.datetime, reason: str = ""
) -> list[DosesTaken]:
    """Record the doses of several agents of a cycle, all or none. taken: agent code → doses taken."""
    patient = lock_patient(cycle.patient, Permission.RECORD_CLINICAL, by)
    known = {doses.agent: doses for doses in DosesTaken.objects.filter(cycle=cycle)}
    return [_doses(patient, cycle, agent, count, known.get(agent), by, at, reason) for agent, count in taken.items()]


@operation
def record_doses(
    *, cycle: Cycle, agent: str, taken: int, by: User, at: dt.datetime, reason: str | None = None
) -> DosesTaken:
    """Record how many of an agent's planned doses of a cycle were taken; recording another number needs a reason."""
    patient = lock_patient(cycle.patient, Permission.RECORD_CLINICAL, by)
    known = DosesTaken.objects.filter(cycle=cycle, agent=agent).first()
    return _doses(patient, cycle, agent, taken, known, by, at, reason)


def _doses(
    patient: Patient,
    cycle: Cycle,
    agent: str,
    taken: int,
    doses: DosesTaken | None,
    by: User,
    at: dt.datetime,
    reason: str | None,
) -> DosesTaken:
    """The number of doses, recorded or (where one is known already) corrected."""
    days = schedule.planned_dose_days(patient, cycle, agent)
    if not days:
        raise Refused("no-such-agent", f"{agent} is not given in {cycle_words(cycle.number)}.", field=agent)
    name = protocol_on(patient, cycle.started_on).agent(agent).name
    _counted(patient, cycle, agent, name)
    last = min(filter(None, [today_of(patient, at), schedule.treatment_ended_on(patient)]))
    passed = sum(day <= last for day in days)
    if not 0 <= taken <= passed:
        raise Refused(
            "doses-out-of-range",
            f"{taken} doses of {name} are not possible: {passed} of the {len(days)} dosing days of "
            f"{cycle_words(cycle.number)} have passed. Give 0 to {passed}.",
            field=agent,
        )
    _agrees_with_window(patient, cycle, agent, taken)
    if doses is None:
        return DosesTaken.objects.create(
            cycle=cycle,
            patient=patient,
            study=patient.study,
            agent=agent,
            planned=len(days),
            taken=taken,
            recorded_at=at,
            recorded_by=by,
        )
    if doses.taken != taken:
        reason_given(reason)
        doses.taken = taken
        doses.recorded_at, doses.recorded_by = at, by
        doses.save()
    return doses


def _counted(patient: Patient, cycle: Cycle, agent: str, name: str) -> None:
    """Refuse a number of doses of an agent whose doses are recorded one by one."""
    if protocol_on(patient, cycle.started_on).given_singly(agent):
        raise Refused(
            "recorded-singly",
            f"{name} is not counted: each dose is recorded on its own day. Record the dose of that day.",
            field=agent,
        )


def _agrees_with_window(patient: Patient, cycle: Cycle, agent: str, taken: int) -> None:
    """No fewer doses in a cycle than were entered for the DLT window inside it."""
    entered = WindowAssessment.objects.filter(patient=patient).first()
    cycles = list(patient.cycles.all())
    window = schedule.dlt_window(patient, cycles)
    if entered is None or window is None or agent != dlt_protocol(patient, cycles).dlt.minimum_exposure.agent:
        return
    inside = window[0] >= cycle.started_on and window[1] <= schedule.cycle_end(patient, cycle)
    if inside and entered.closed_on == window[1] and taken < entered.taken:
        raise Refused(
            "doses-disagree",
            f"{entered.taken} doses are entered for the DLT window, which lies in {cycle_words(cycle.number)}, "
            "so the cycle has no fewer. Correct the doses of the window first, if they are wrong.",
            field=agent,
        )


def check_start(patient: Patient, started_on: dt.date, at: dt.datetime) -> PlannedCycle:
    """The cycle that would start on this day; refused as `start_cycle` would. The patient comes `with_plan()`."""
    planned = cycle_that_can_start(patient)
    not_in_future(started_on, patient, at, "started_on")
    _within_limits(patient, planned, started_on)
    alive_on(patient, started_on)
    if any(i.to_day is None for i in patient.interruptions.all()):
        raise Refused(
            "previous-cycle-open",
            f"An interruption in {cycle_words(planned.number - 1)} has no end. Record when dosing resumed, "
            f"then start {cycle_words(planned.number)}.",
        )
    return planned


def cycle_that_can_start(patient: Patient) -> PlannedCycle:
    """The next cycle; refused, with the way on, where none can start. The patient comes `with_plan()`."""
    registered(patient)
    cycles = list(patient.cycles.all())
    ended_on = schedule.treatment_ended_on(patient)
    if ended_on is not None:
        raise Refused(
            "treatment-ended",
            f"Treatment ended on {day_words(ended_on)}; no cycle can start. Record event-monitoring visits instead.",
        )
    planned = schedule.next_cycle(patient, cycles)
    if planned is not None:
        alive_on(patient, _earliest(patient, planned))
        return planned
    if schedule.review_of(patient) is not None:
        raise Refused(
            "continuation-declined",
            "The continuation review says that treatment does not go on. Discontinue treatment instead.",
        )
    raise Refused("continuation-review-due", "The continuation review is due. Record it before the next cycle starts.")


def _earliest(patient: Patient, planned: PlannedCycle) -> dt.date:
    """The first day on which a cycle can start; treatment may start from the day of registration."""
    assert patient.registered_at is not None
    first = planned.number == schedule.first_cycle(patient)
    return today_of(patient, patient.registered_at) if first else planned.earliest_on


def _within_limits(patient: Patient, planned: PlannedCycle, started_on: dt.date) -> None:
    """Rule 11, and not before the cycle is due."""
    earliest = _earliest(patient, planned)
    if started_on < earliest:
        raise Refused(
            "cycle-too-early",
            f"{cycle_words(planned.number).capitalize()} cannot start before {day_words(earliest)}. "
            "Give that day or a later one.",
            field="started_on",
        )
    if started_on > planned.latest_on:
        raise _too_late(patient, planned.number, planned.due_on, planned.latest_on)


def check_correction(patient: Patient, cycle: Cycle, started_on: dt.date, at: dt.datetime) -> None:
    """Between the cycles around it, within the delay limit, not after treatment ended, not in the future."""
    not_in_future(started_on, patient, at, "started_on")
    following = _following(patient, cycle)
    assert patient.registered_at is not None
    own = dt.timedelta(days=protocol_on(patient, cycle.due_on).cycle_start_window(cycle.number).before)
    first = cycle.number == schedule.first_cycle(patient)
    earliest = today_of(patient, patient.registered_at) if first else cycle.due_on - own
    if started_on < earliest:
        raise Refused(
            "cycle-too-early",
            f"{cycle_words(cycle.number).capitalize()} cannot have started before {day_words(earliest)}.",
            field="started_on",
        )
    if started_on > cycle.latest_on:
        raise _too_late(patient, cycle.number, cycle.due_on, cycle.latest_on)
    ended_on = schedule.treatment_ended_on(patient)
    if ended_on is not None and started_on > ended_on:
        raise Refused(
            "treatment-ended", f"Treatment ended on {day_words(ended_on)}; give a day up to then.", field="started_on"
        )
    doses_still_fit(patient, cycle, started_on)
    if following is None or _resumed_before(patient, following):
        return
    due_on, latest_on = _due_after(patient, cycle, started_on)
    before = dt.timedelta(days=protocol_on(patient, due_on).cycle_start_window(following.number).before)
    if not due_on - before <= following.started_on <= latest_on:
        raise Refused(
            "next-cycle-does-not-fit",
            f"Cycle {following.number} started on {day_words(following.started_on)}, but would have been due from "
            f"{day_words(due_on - before)} to {day_words(latest_on)}. Correct that cycle first, if it is wrong too.",
            field="started_on",
        )


def _due_after(patient: Patient, cycle: Cycle, started_on: dt.date) -> tuple[dt.date, dt.date]:
    """When the cycle after this one is due, and the last day on which it can start."""
    due_on = started_on + dt.timedelta(days=protocol_on(patient, started_on).cycle_length(cycle.number))
    return due_on, due_on + dt.timedelta(days=protocol_on(patient, due_on).delay.limit_days)


def _numbered(cycles: list[Cycle], cycle: Cycle) -> Cycle:
    """The cycle as it is now, among those that have started."""
    found = schedule.cycle_numbered(cycles, cycle.number)
    assert found is not None  # cycles are never deleted
    return found


def _following(patient: Patient, cycle: Cycle) -> Cycle | None:
    return next((c for c in patient.cycles.all() if c.number == cycle.number + 1), None)


def _resumed_before(patient: Patient, cycle: Cycle) -> bool:
    """Whether the cycle was due by a re-treatment, and so not by the cycle before it."""
    return any(d.retreated_on == cycle.due_on for d in patient.discontinuations.all())


def _too_late(patient: Patient, number: int, due_on: dt.date, latest_on: dt.date) -> Refused:
    weeks = protocol_on(patient, due_on).delay.limit_days / 7
    return Refused(
        "delay-limit",
        f"{cycle_words(number).capitalize()} was due on {day_words(due_on)} and could start until "
        f"{day_words(latest_on)}: a delay of more than {weeks:g} weeks ends treatment. Discontinue treatment instead.",
        field="started_on",
    )
