"""Days on which an agent was not given although planned."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from patients import schedule
from patients.models import Cycle, Interruption, Patient
from patients.operations.checks import given, lock_patient, not_in_future
from patients.operations.given_doses import no_dose_between
from patients.operations.safety import stop_at_level_of
from patients.schedule import cycle_words, protocol_on
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission


@operation
def interrupt_dosing(
    *, cycle: Cycle, agent: str, from_day: dt.date, to_day: dt.date | None, reason: str, by: User, at: dt.datetime
) -> Interruption:
    """Record days without an agent, first and last included. to_day: None while dosing has not resumed."""
    patient = lock_patient(cycle.patient, Permission.RECORD_CLINICAL, by)
    reason = given(reason, "reason-needed", "Say why dosing was interrupted.", "reason")
    days = schedule.planned_dose_days(patient, cycle, agent)
    if not days:
        raise Refused("no-such-agent", f"{agent} is not given in {cycle_words(cycle.number)}.", field="agent")
    not_in_future(from_day, patient, at, "from_day")
    _within_cycle(patient, cycle, from_day, to_day)
    to_day = to_day or _end_of_treatment(patient, from_day)
    no_dose_between(patient, cycle, agent, from_day, to_day)
    name = protocol_on(patient, cycle.started_on).agent(agent).name
    _no_overlap(cycle, agent, name, from_day, to_day)
    interruption = Interruption.objects.create(
        cycle=cycle,
        patient=patient,
        study=patient.study,
        agent=agent,
        from_day=from_day,
        to_day=to_day,
        reason=reason,
        recorded_at=at,
        recorded_by=by,
    )
    stop_at_level_of(patient, by=by, at=at)  # doses entered for the DLT window may not have been possible
    return interruption


@operation
def resume_dosing(*, interruption: Interruption, to_day: dt.date, by: User, at: dt.datetime) -> Interruption:
    """End an interruption: `to_day` is the last day without the agent."""
    patient = lock_patient(interruption.patient, Permission.RECORD_CLINICAL, by)
    interruption = Interruption.objects.select_related("cycle").get(pk=interruption.pk)
    if interruption.to_day is not None:
        raise Refused(
            "already-resumed", f"This interruption ended on {day_words(interruption.to_day)} already.", field="to_day"
        )
    not_in_future(to_day, patient, at, "to_day")
    _within_cycle(patient, interruption.cycle, interruption.from_day, to_day)
    interruption.to_day = to_day
    interruption.save(update_fields=["to_day"])
    stop_at_level_of(patient, by=by, at=at)
    return interruption


def _end_of_treatment(patient: Patient, from_day: dt.date) -> dt.date | None:
    """The day that ends an interruption recorded after treatment ended, as the end of treatment ends an open one."""
    ended_on = schedule.treatment_ended_on(patient)
    if ended_on is not None and from_day > ended_on:
        raise Refused(
            "treatment-ended",
            f"Treatment ended on {day_words(ended_on)}; give a day up to then.",
            field="from_day",
        )
    return ended_on


def _within_cycle(patient: Patient, cycle: Cycle, from_day: dt.date, to_day: dt.date | None) -> None:
    if to_day is not None and to_day < from_day:
        raise Refused(
            "ends-before-it-begins",
            f"The last day without dose is before the first, {day_words(from_day)}.",
            field="to_day",
        )
    following = patient.cycles.filter(number=cycle.number + 1).first()
    if from_day < cycle.started_on or (following is not None and from_day >= following.started_on):
        raise Refused(
            "outside-the-cycle",
            f"{day_words(from_day)} is not in {cycle_words(cycle.number)}, which started on "
            f"{day_words(cycle.started_on)}. Choose the cycle of that day.",
            field="from_day",
        )
    if following is not None and to_day is not None and to_day >= following.started_on:
        raise Refused(
            "outside-the-cycle",
            f"Cycle {following.number} started on {day_words(following.started_on)}. Give a last day before it.",
            field="to_day",
        )


def _no_overlap(cycle: Cycle, agent: str, name: str, from_day: dt.date, to_day: dt.date | None) -> None:
    for other in cycle.interruptions.filter(agent=agent):
        if from_day <= (other.to_day or dt.date.max) and other.from_day <= (to_day or dt.date.max):
            raise Refused(
                "interruptions-overlap",
                f"An interruption of {name} from {day_words(other.from_day)} covers some of these days already.",
                field="from_day",
            )
