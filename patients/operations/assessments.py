"""Judgements: whether an event is a DLT, whether a window was finished with enough doses, and who is replaced."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from patients.evaluability import (
    PatientStanding,
    Standing,
    Window,
    dlt_rules,
    enough_exposure,
    fired_rule,
    is_about,
    lost_in_window,
    newest_judgement,
    planned_in_window,
    standing_of,
    within,
)
from patients.infusions import given_in, planned_infusions
from patients.models import AdverseEvent, DltAssessment, DosesTaken, Patient, WindowAssessment
from patients.operations.safety import stop_at_level_of
from patients.queries import with_dlt_data
from patients.schedule import dlt_window, planned_dose_days
from trials.clock import day_of
from trials.days import day_words
from trials.errors import Refused
from trials.models import Slot
from trials.operations import add_replacement_slot
from trials.permissions import Permission, allowed, require
from trials.protocol import DltRule
from trials.queries import lock_study


@operation
def assess_dlt(*, event: AdverseEvent, is_dlt: bool, by: User, at: dt.datetime, rationale: str = "") -> DltAssessment:
    """Judge whether an event is a DLT. The judgement is appended; the newest one stands.

    'DLT' counts at once, whoever judges, and may close dose levels in this very transaction. 'Not a DLT' against a
    rule that fires needs a rationale, and counts when made or confirmed by somebody who may confirm, for the facts
    as they are now: they are kept with the judgement. Raises Refused:
    not-registered, outside-window, rationale-needed, needs-investigator, judged-so-already.
    """
    patient_site = event.patient.site
    may_confirm = allowed(by, Permission.CONFIRM_DLT, event.study, patient_site)
    if not may_confirm:
        require(by, Permission.ASSESS_DLT, event.study, patient_site)
    study = lock_study(event.study)
    event = loaded_event(event)
    rule = fired_rule(event.patient, event) if event.patient.version else None
    if is_dlt:
        _require_in_window(event)
    inside = _lies_in_window(event)
    _require_new_judgement(event, is_dlt, rule, inside, may_confirm, rationale.strip())
    judgement = DltAssessment.objects.create(
        event=event,
        patient=event.patient,
        study=study,
        is_dlt=is_dlt,
        rule=rule.code if rule else "",
        term=event.term,
        detail=event.detail,
        grade=event.grade,
        onset_on=event.onset_on,
        relations={a.agent: a.relation for a in event.attributions.all()},
        in_window=inside,
        rationale=rationale.strip(),
        confirmed=may_confirm,
        assessed_at=at,
        assessed_by=by,
    )
    stop_at_level_of(event.patient, by=by, at=at)
    return judgement


@operation
def assess_window(*, patient: Patient, taken: int, by: User, at: dt.datetime) -> WindowAssessment:
    """Enter how many of the planned doses of the exposure agent were taken in the DLT window, once it has closed.

    Where treatment ended inside the window with too few doses, this is possible at once. Raises Refused: not-started,
    window-open, already-assessed, doses-out-of-range, doses-disagree.
    """
    require(by, Permission.RECORD_CLINICAL, patient.study, patient.site)
    study = lock_study(patient.study)
    patient = loaded_patient(patient)
    if getattr(patient, "window_assessment", None) is not None:
        raise Refused("already-assessed", "The doses of the DLT window are entered already. Correct them instead.")
    made = _assessment(patient, taken, day_of(at, patient.site.time_zone))
    made.study, made.assessed_at, made.assessed_by = study, at, by
    made.save(force_insert=True)
    stop_at_level_of(patient, by=by, at=at)
    return made


@operation
def correct_window_assessment(
    *, assessment: WindowAssessment, taken: int, reason: str, by: User, at: dt.datetime
) -> WindowAssessment:
    """Correct the doses taken in the DLT window, or enter them anew where the window has moved since.

    Raises Refused: reason-needed, nothing-changed, window-open, doses-out-of-range, doses-disagree.
    """
    require(by, Permission.RECORD_CLINICAL, assessment.study, assessment.patient.site)
    if not reason.strip():
        raise Refused("reason-needed", "Say why this is corrected.", field="reason")
    lock_study(assessment.study)
    patient = loaded_patient(assessment.patient)
    stored = patient.window_assessment
    now_is = _assessment(patient, taken, day_of(at, patient.site.time_zone))
    changed = [n for n in ("taken", "planned", "closed_on") if getattr(stored, n) != getattr(now_is, n)]
    if not changed:
        raise Refused("nothing-changed", f"{taken} of {stored.planned} doses is what is recorded.", field="taken")
    for name in changed:
        setattr(stored, name, getattr(now_is, name))
    stored.assessed_at, stored.assessed_by = at, by
    stored.save(update_fields=[*changed, "assessed_at", "assessed_by"])
    stop_at_level_of(patient, by=by, at=at)
    return stored


@operation
def replace_patient(*, patient: Patient, by: User, at: dt.datetime) -> Slot:
    """Add a place to the open cohort for somebody instead of a patient who is not evaluable.

    Raises Refused: not-registered, not-replaceable, cohort-closed, already-replaced.
    """
    require(by, Permission.SCREEN_PATIENTS, patient.study, patient.site)
    lock_study(patient.study)
    standing = standing_now(loaded_patient(patient), at)
    if standing.standing != Standing.NOT_EVALUABLE:
        label = Standing(standing.standing).label
        raise Refused(
            "not-replaceable",
            f"{patient.code} is {label}: {standing.reason} Only a patient who is not evaluable is replaced.",
        )
    assert standing.patient.slot is not None  # registered patients have one
    return add_replacement_slot(slot=standing.patient.slot, by=by, at=at)


def standing_now(patient: Patient, at: dt.datetime) -> PatientStanding:
    """The standing of a loaded patient at a moment, on the day it is at the patient's site."""
    if patient.version is None:
        raise Refused("not-registered", f"{patient.code} is not registered. Register the patient first.")
    return standing_of(patient, day_of(at, patient.site.time_zone))


def loaded_patient(patient: Patient) -> Patient:
    """The patient read afresh, with all that evaluability needs."""
    [loaded] = with_dlt_data(Patient.objects.filter(pk=patient.pk))
    return loaded


def loaded_event(event: AdverseEvent) -> AdverseEvent:
    """The event read afresh within its patient."""
    patient = loaded_patient(event.patient)
    fresh = next(e for e in patient.adverse_events.all() if e.pk == event.pk)
    fresh.patient = patient
    return fresh


def _lies_in_window(event: AdverseEvent) -> bool:
    patient = event.patient
    return patient.version is not None and within(dlt_window(patient, list(patient.cycles.all())), event.onset_on)


def _require_in_window(event: AdverseEvent) -> None:
    patient = event.patient
    if patient.version is None:
        raise Refused("not-registered", f"{patient.code} is not registered. Register the patient first.")
    window = dlt_window(patient, list(patient.cycles.all()))
    if window is None:
        what = f"cycle {dlt_rules(patient).dlt.window.cycle}" if patient.cycles.all() else "treatment"
        sentence = f"No DLT window of {patient.code} is open: {what} has not started. Judge it not a DLT."
        raise Refused("outside-window", sentence, field="is_dlt")
    first, last = window
    if not first <= event.onset_on <= last:
        raise Refused(
            "outside-window",
            f"It began on {day_words(event.onset_on)}, outside the DLT window from {day_words(first)} to"
            f" {day_words(last)}. If the day is wrong, correct it first; else judge it not a DLT.",
            field="is_dlt",
        )


def _require_new_judgement(
    event: AdverseEvent, is_dlt: bool, rule: DltRule | None, inside: bool, may_confirm: bool, rationale: str
) -> None:
    if rule is not None and not is_dlt and not rationale:
        raise Refused(
            "rationale-needed", f"Rule {rule.code} fires ({rule.text}): say why it is not a DLT.", field="rationale"
        )
    stands = newest_judgement(event)
    if stands is None:
        return
    if stands.is_dlt and stands.confirmed and not is_dlt and not may_confirm:
        raise Refused(
            "needs-investigator",
            f"{stands.assessed_by} judged it a DLT. Only an investigator can judge otherwise.",
            field="is_dlt",
        )
    same = stands.is_dlt == is_dlt and is_about(stands, event, rule, inside=inside)
    if same and (stands.confirmed or not may_confirm) and rationale in ("", stands.rationale):
        words = "a DLT" if is_dlt else "not a DLT"
        raise Refused("judged-so-already", f"{stands.assessed_by} judged it {words} already.", field="is_dlt")


def _assessment(patient: Patient, taken: int, today: dt.date) -> WindowAssessment:
    """What there is to record about the patient's window as it is now; not saved."""
    window = _window_of(patient)
    planned = len(planned_in_window(patient, window))
    possible = planned - len(lost_in_window(patient, window))
    if not 0 <= taken <= possible:
        why = "" if possible == planned else f"; {possible} were possible, as treatment was interrupted or ended"
        sentence = f"{planned} doses were planned in the window{why}: enter 0 to {possible}."
        raise Refused("doses-out-of-range", sentence, field="taken")
    _require_agreement(patient, window, taken)
    _require_every_infusion(patient, window, taken)
    made = WindowAssessment(patient=patient, study=patient.study, closed_on=window[1], planned=planned, taken=taken)
    if today <= window[1] and not (_stopped_inside(patient, window) and not enough_exposure(patient, made)):
        raise Refused(
            "window-open",
            f"The DLT window goes on until {day_words(window[1])}. Enter the doses from the day after.",
            field="taken",
        )
    return made


def _require_agreement(patient: Patient, window: Window, taken: int) -> None:
    """No more doses in the window than are recorded for its cycles; only where they are recorded for all of them."""
    agent = dlt_rules(patient).dlt.minimum_exposure.agent
    treated = [c for c in patient.cycles.all() if c.number > 0]
    cycles = [c for c in treated if any(within(window, d) for d in planned_dose_days(patient, c, agent))]
    counted = DosesTaken.objects.filter(cycle__in=cycles, agent=agent).values_list("taken", flat=True)
    if len(counted) == len(cycles) and taken > sum(counted):
        numbers = " and ".join(str(cycle.number) for cycle in cycles)
        raise Refused(
            "doses-disagree",
            f"{sum(counted)} doses are recorded for cycle {numbers}, so {taken} cannot have been taken in the window."
            " Correct the doses of the cycle first, if they are wrong.",
            field="taken",
        )


def _require_every_infusion(patient: Patient, window: Window, taken: int) -> None:
    """Where each dose of the exposure agent is recorded on its own: all of them are, and the number is theirs."""
    protocol = dlt_rules(patient)
    agent = protocol.dlt.minimum_exposure.agent
    if not protocol.given_singly(agent):
        return
    days, cycles = planned_in_window(patient, window), list(patient.cycles.all())
    planned = [i for i in planned_infusions(patient, cycles) if i.dose.agent == agent and i.planned_on in days]
    still = next((infusion for infusion in planned if infusion.open), None)
    if still is not None:
        raise Refused(
            "infusions-open",
            f"Record the {still.noun} of {day_words(still.planned_on)} first, as given or not given.",
            field="taken",
        )
    given = given_in(patient, cycles, agent, days)
    if taken != given:
        raise Refused(
            "doses-disagree",
            f"{given} of them are recorded as given in the DLT window: enter {given}, or correct them first.",
            field="taken",
        )


def _window_of(patient: Patient) -> Window:
    window = dlt_window(patient, list(patient.cycles.all())) if patient.version else None
    if window is None:
        raise Refused("not-started", f"{patient.code} has not started treatment: there is no DLT window yet.")
    return window


def _stopped_inside(patient: Patient, window: Window) -> bool:
    return any(d.on <= window[1] for d in patient.discontinuations.all())
