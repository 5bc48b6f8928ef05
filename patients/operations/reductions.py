"""Dose reductions down the protocol's ladder, and re-treatment, which is one of them.

A reduction never changes the dose level at which the patient counts.
"""

import datetime as dt

from accounts.models import User
from audit.context import operation
from patients import schedule
from patients.models import AdverseEvent, Cycle, Discontinuation, DoseReduction, Patient
from patients.operations.checks import alive_on, given, lock_patient, own_event
from patients.schedule import cycle_words, protocol_on
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission


@operation
def reduce_dose(
    *,
    patient: Patient,
    cause: str,
    explanation: str,
    effective_on: dt.date,
    by: User,
    at: dt.datetime,
    event: AdverseEvent | None = None,
) -> DoseReduction:
    """Reduce the dose by one rung from `effective_on` on. cause: a `DoseReduction.Cause` other than re-treatment."""
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    if patient.status != Patient.Status.ON_TREATMENT:
        raise Refused(
            "not-on-treatment",
            f"{patient.code} is not on treatment ({patient.get_status_display()}); "
            "only a dose that is being given can be reduced.",
        )
    if cause not in (DoseReduction.Cause.ADVERSE_EVENT, DoseReduction.Cause.OTHER):
        raise Refused("no-such-cause", "Choose an adverse event or another reason.", field="cause")
    explanation = given(explanation, "reason-needed", "Say why the dose is reduced.", "explanation")
    own_event(patient, event)
    if cause == DoseReduction.Cause.ADVERSE_EVENT and event is None:
        raise Refused(
            "reduction-needs-event", "Choose the adverse event; record it first where it is not listed.", field="event"
        )
    alive_on(patient, effective_on)
    _takes_effect_in_time(patient, effective_on)
    return _one_rung_down(patient, cause, explanation, effective_on, by, at, event)


@operation
def retreat(*, patient: Patient, starts_on: dt.date, explanation: str, by: User, at: dt.datetime) -> DoseReduction:
    """Resume treatment one rung lower after unacceptable toxicity without progression; it counts as a reduction.

    starts_on: the day on which the next cycle is due.
    """
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    ended = check_retreatment(patient)
    explanation = given(explanation, "reason-needed", "Say why treatment is resumed.", "explanation")
    _starts_after_the_end(patient, ended, starts_on)
    reduction = _one_rung_down(patient, DoseReduction.Cause.RETREATMENT, explanation, starts_on, by, at, ended.event)
    ended.retreated_on = starts_on
    ended.save(update_fields=["retreated_on"])
    patient.status = Patient.Status.ON_TREATMENT if patient.cycles.all() else Patient.Status.REGISTERED
    patient.save(update_fields=["status"])
    return reduction


def reduction_refusal(patient: Patient, on: dt.date) -> Refused | None:
    """Why the dose cannot be reduced once more: the protocol's maximum or the lowest rung; None where it can be.

    on: the day on which the reduction would take effect. The patient comes `with_plan()`.
    """
    plan = protocol_on(patient, on).reductions
    made = len(patient.reductions.all())
    if made >= plan.maximum:
        return Refused(
            "reduction-maximum",
            f"The protocol allows {plan.maximum} dose reductions and {patient.code} has had {made}. "
            "Discontinue treatment instead.",
        )
    if schedule.lowest_rung_so_far(patient) + 1 >= len(plan.ladder):
        return Refused(
            "lowest-rung",
            f"{plan.ladder[-1].label} is the lowest dose of the protocol. Discontinue treatment instead.",
        )
    return None


def _one_rung_down(
    patient: Patient,
    cause: str,
    explanation: str,
    effective_on: dt.date,
    by: User,
    at: dt.datetime,
    event: AdverseEvent | None,
) -> DoseReduction:
    refusal = reduction_refusal(patient, effective_on)
    if refusal is not None:
        raise refusal
    rung = schedule.lowest_rung_so_far(patient)
    return DoseReduction.objects.create(
        patient=patient,
        study=patient.study,
        number=len(patient.reductions.all()) + 1,
        from_rung=rung,
        to_rung=rung + 1,
        effective_on=effective_on,
        cause=cause,
        event=event,
        explanation=explanation,
        recorded_at=at,
        recorded_by=by,
    )


def _takes_effect_in_time(patient: Patient, effective_on: dt.date) -> None:
    """After the start of the present cycle and not after the next one can start."""
    cycles: list[Cycle] = list(patient.cycles.all())
    present, following = cycles[-1], schedule.next_cycle(patient, cycles)
    made = max((r.effective_on for r in patient.reductions.all()), default=present.started_on)
    earliest = max(present.started_on, made) + dt.timedelta(days=1)
    if effective_on < earliest:
        raise Refused(
            "reduction-too-early",
            f"{cycle_words(present.number).capitalize()} started on {day_words(present.started_on)} "
            f"at {present.dose_label}. The reduction takes effect on {day_words(earliest)} at the earliest.",
            field="effective_on",
        )
    if following is not None and effective_on > following.latest_on:
        raise Refused(
            "reduction-too-late",
            f"Cycle {following.number} starts by {day_words(following.latest_on)}; the reduction takes effect by then.",
            field="effective_on",
        )


def check_retreatment(patient: Patient) -> Discontinuation:
    """The discontinuation that re-treatment follows; refused where the protocol does not allow it."""
    ended = schedule.discontinuation_in_force(patient)
    if ended is None or patient.status != Patient.Status.EVENT_MONITORING:
        raise Refused(
            "not-in-event-monitoring", f"{patient.code} is not in event monitoring; there is nothing to resume."
        )
    protocol = protocol_on(patient, ended.on)
    reason = protocol.discontinuation_reason(ended.reason_code)
    if not (protocol.retreatment.allowed and reason.allows_retreatment):
        raise Refused(
            "retreatment-not-allowed",
            f"Treatment ended with “{reason.text}”, after which the protocol allows no re-treatment. "
            "Go on with event monitoring.",
        )
    if any(visit.progressed_on for visit in patient.follow_up_visits.all()):
        raise Refused(
            "progressed", f"{patient.code} has progressed; there is no re-treatment. Go on with event monitoring."
        )
    alive_on(patient, dt.date.max)
    return ended


def _starts_after_the_end(patient: Patient, ended: Discontinuation, starts_on: dt.date) -> None:
    last = max([ended.on, *(visit.done_on for visit in patient.follow_up_visits.all())])
    if starts_on <= last:
        raise Refused(
            "retreatment-too-early",
            f"Re-treatment starts after {day_words(last)}, the end of treatment or the last event-monitoring visit.",
            field="starts_on",
        )
