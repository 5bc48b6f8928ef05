"""DLT judgements, the doses of the window, and replacing who is not evaluable."""

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from accounts.models import User
from audit.context import acting
from patients.evaluability import Standing, standing_of
from patients.models import DltAssessment, Patient, WindowAssessment
from patients.operations import (
    assess_dlt,
    assess_window,
    correct_cycle_start,
    correct_window_assessment,
    discontinue,
    replace_patient,
)
from patients.queries import patients_with_dlt_data
from tests.cast import moment
from tests.patients.events import recorded
from tests.patients.steps import day, registered, treated
from tests.patients.test_events import refusal
from trials.errors import Forbidden, Refused
from trials.models import Site, Slot, Study


@pytest.fixture
def patient(site_a: Site, coordinator_a: User) -> Patient:
    """Treated from day 1: the window ends on day 28."""
    return treated(site_a, coordinator_a)


def standing(patient: Patient, on: dt.date) -> Standing:
    [loaded] = [p for p in patients_with_dlt_data(patient.study) if p.pk == patient.pk]
    return standing_of(loaded, on).standing


def judge(event: Any, by: User, is_dlt: bool, rationale: str = "", on: int = 10) -> DltAssessment:
    return assess_dlt(event=event, is_dlt=is_dlt, rationale=rationale, by=by, at=moment(day(on)))


# --- DLT judgements ---


def test_a_coordinators_dlt_counts_at_once(patient: Patient, coordinator_a: User) -> None:
    judged = judge(recorded(patient, coordinator_a, day(5)), coordinator_a, True)
    assert (judged.is_dlt, judged.rule, judged.confirmed, judged.assessed_by) == (True, "c", False, coordinator_a)
    assert standing(patient, day(10)) == Standing.EVALUABLE_DLT


def test_a_dlt_can_be_judged_where_no_rule_fires(patient: Patient, coordinator_a: User) -> None:
    judged = judge(recorded(patient, coordinator_a, day(5), grade=2), coordinator_a, True, "dose limiting for this man")
    assert judged.rule == ""
    assert standing(patient, day(10)) == Standing.EVALUABLE_DLT


def test_not_a_dlt_against_a_rule_counts_when_an_investigator_confirms_it(
    patient: Patient, coordinator_a: User, investigator_a: User
) -> None:
    event = recorded(patient, coordinator_a, day(5))
    assert not judge(event, coordinator_a, False, "norovirus on the ward").confirmed
    assess_window(patient=patient, taken=21, by=coordinator_a, at=moment(day(29)))
    assert standing(patient, day(29)) == Standing.PENDING
    assert judge(event, investigator_a, False, "norovirus, stool culture seen").confirmed
    assert standing(patient, day(29)) == Standing.EVALUABLE_NO_DLT


@pytest.mark.parametrize("who", ["investigator_a", "pi", "medical_monitor"])
def test_these_confirm(patient: Patient, coordinator_a: User, who: str, request: pytest.FixtureRequest) -> None:
    event = recorded(patient, coordinator_a, day(5))
    assert judge(event, request.getfixturevalue(who), False, "not related after all").confirmed


@pytest.mark.parametrize("who", ["monitor", "statistician", "data_manager", "coordinator_b", "outsider"])
def test_these_do_not_judge(patient: Patient, coordinator_a: User, who: str, request: pytest.FixtureRequest) -> None:
    event = recorded(patient, coordinator_a, day(5))
    with pytest.raises(Forbidden):
        judge(event, request.getfixturevalue(who), True)
    assert not DltAssessment.objects.exists()


def test_outside_the_window_it_cannot_be_judged_a_dlt_and_the_window_is_named(
    patient: Patient, coordinator_a: User
) -> None:
    event = recorded(patient, coordinator_a, day(29))
    with pytest.raises(Refused, match="from 5 Jan 2026 to 1 Feb 2026") as refused:
        judge(event, coordinator_a, True, on=30)
    assert refused.value.code == "outside-window"
    assert judge(event, coordinator_a, False, "after the window", on=30).pk


def test_before_treatment_no_window_is_open(site_a: Site, coordinator_a: User) -> None:
    event = recorded(registered(site_a, coordinator_a), coordinator_a, day(1))
    with refusal("outside-window"):
        judge(event, coordinator_a, True)


def test_against_a_rule_a_rationale_is_needed(patient: Patient, investigator_a: User) -> None:
    event = recorded(patient, investigator_a, day(5))
    with refusal("rationale-needed"):
        judge(event, investigator_a, False, "  ")


def test_a_judgement_is_appended_and_never_changed(patient: Patient, coordinator_a: User, investigator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(5))
    first = judge(event, coordinator_a, True)
    judge(event, investigator_a, False, "norovirus")
    assert event.dlt_assessments.count() == 2
    with pytest.raises(DatabaseError), transaction.atomic():
        DltAssessment.objects.filter(pk=first.pk).update(is_dlt=False)


def test_the_database_asks_for_the_rationale_too(patient: Patient, coordinator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(5))
    bare = DltAssessment(
        event=event,
        patient=patient,
        study=patient.study,
        is_dlt=False,
        rule="c",
        confirmed=True,
        term=event.term,
        grade=event.grade,
        onset_on=event.onset_on,
        relations={},
        in_window=True,
        assessed_at=moment(day(6)),
        assessed_by=coordinator_a,
    )
    with acting(coordinator_a, "try"), pytest.raises(IntegrityError), transaction.atomic():
        bare.save()


def test_an_investigators_dlt_is_not_taken_back_by_a_coordinator(
    patient: Patient, coordinator_a: User, investigator_a: User
) -> None:
    event = recorded(patient, coordinator_a, day(5))
    judge(event, investigator_a, True)
    with refusal("needs-investigator"):
        judge(event, coordinator_a, False, "I do not think so")
    assert standing(patient, day(10)) == Standing.EVALUABLE_DLT


def test_judging_the_same_again_is_refused_but_confirming_is_not(
    patient: Patient, coordinator_a: User, investigator_a: User
) -> None:
    event = recorded(patient, coordinator_a, day(5))
    judge(event, coordinator_a, True)
    with refusal("judged-so-already"):
        judge(event, coordinator_a, True)
    assert judge(event, investigator_a, True).confirmed
    with refusal("judged-so-already"):
        judge(event, investigator_a, True)


# --- the doses of the window ---


def test_enough_doses_make_a_patient_evaluable(patient: Patient, coordinator_a: User) -> None:
    made = assess_window(patient=patient, taken=16, by=coordinator_a, at=moment(day(29)))
    assert (made.planned, made.taken, made.closed_on) == (21, 16, day(28))
    assert standing(patient, day(29)) == Standing.EVALUABLE_NO_DLT


def test_the_doses_are_entered_when_the_window_is_over(patient: Patient, coordinator_a: User) -> None:
    with pytest.raises(Refused, match="until 1 Feb 2026") as refused:
        assess_window(patient=patient, taken=21, by=coordinator_a, at=moment(day(28)))
    assert refused.value.code == "window-open"


@pytest.mark.parametrize("taken", [-1, 22])
def test_no_more_than_was_planned(patient: Patient, coordinator_a: User, taken: int) -> None:
    with refusal("doses-out-of-range"):
        assess_window(patient=patient, taken=taken, by=coordinator_a, at=moment(day(29)))


def test_the_doses_are_entered_once(patient: Patient, coordinator_a: User) -> None:
    assess_window(patient=patient, taken=21, by=coordinator_a, at=moment(day(29)))
    with refusal("already-assessed"):
        assess_window(patient=patient, taken=20, by=coordinator_a, at=moment(day(29)))


def test_without_treatment_there_is_no_window(site_a: Site, coordinator_a: User) -> None:
    with refusal("not-started"):
        assess_window(patient=registered(site_a, coordinator_a), taken=0, by=coordinator_a, at=moment(day(40)))


def test_others_may_not_enter_the_doses(patient: Patient, monitor: User, coordinator_b: User) -> None:
    for someone in (monitor, coordinator_b):
        with pytest.raises(Forbidden):
            assess_window(patient=patient, taken=21, by=someone, at=moment(day(29)))
    assert not WindowAssessment.objects.exists()


def test_who_stopped_with_enough_doses_is_assessed_after_the_window(patient: Patient, coordinator_a: User) -> None:
    stop(patient, coordinator_a, day(20))
    with refusal("window-open"):
        assess_window(patient=patient, taken=20, by=coordinator_a, at=moment(day(21)))


def test_who_stopped_early_is_assessed_at_once_if_it_was_too_little(patient: Patient, coordinator_a: User) -> None:
    stop(patient, coordinator_a, day(8))
    with refusal("doses-out-of-range"):
        assess_window(patient=patient, taken=16, by=coordinator_a, at=moment(day(9)))
    assess_window(patient=patient, taken=8, by=coordinator_a, at=moment(day(9)))
    assert standing(patient, day(9)) == Standing.NOT_EVALUABLE


def test_a_correction_of_the_doses_asks_for_a_reason_and_a_change(patient: Patient, coordinator_a: User) -> None:
    made = assess_window(patient=patient, taken=21, by=coordinator_a, at=moment(day(29)))

    def correct(taken: int, reason: str) -> WindowAssessment:
        return correct_window_assessment(
            assessment=made, taken=taken, reason=reason, by=coordinator_a, at=moment(day(30))
        )

    with refusal("reason-needed"):
        correct(8, "")
    with refusal("nothing-changed"):
        correct(21, "counted again")
    assert correct(8, "diary found").taken == 8
    assert standing(patient, day(30)) == Standing.NOT_EVALUABLE


def test_when_the_window_moves_the_doses_are_asked_for_again(patient: Patient, coordinator_a: User) -> None:
    made = assess_window(patient=patient, taken=21, by=coordinator_a, at=moment(day(29)))
    cycle = patient.cycles.get()
    correct_cycle_start(
        cycle=cycle, started_on=day(2), reason="started a day late", by=coordinator_a, at=moment(day(30))
    )
    assert standing(patient, day(30)) == Standing.PENDING
    again = correct_window_assessment(
        assessment=made, taken=21, reason="the window moved", by=coordinator_a, at=moment(day(30))
    )
    assert again.closed_on == day(29)
    assert standing(patient, day(30)) == Standing.EVALUABLE_NO_DLT


# --- replacing ---


def stop(patient: Patient, by: User, on: dt.date) -> None:
    discontinue(patient=patient, reason_code="patient-request", on=on, by=by, at=moment(on))


def test_who_is_not_evaluable_is_replaced_once(patient: Patient, coordinator_a: User) -> None:
    stop(patient, coordinator_a, day(8))
    assess_window(patient=patient, taken=8, by=coordinator_a, at=moment(day(9)))
    slot = replace_patient(patient=patient, by=coordinator_a, at=moment(day(9)))
    assert slot.replaces == patient.slot
    assert slot.cohort == patient.slot.cohort  # type: ignore[union-attr]
    with refusal("already-replaced"):
        replace_patient(patient=patient, by=coordinator_a, at=moment(day(9)))
    assert Slot.objects.filter(replaces__isnull=False).count() == 1


def test_who_may_still_count_is_not_replaced(patient: Patient, coordinator_a: User) -> None:
    with refusal("not-replaceable"):
        replace_patient(patient=patient, by=coordinator_a, at=moment(day(9)))
    recorded(patient, coordinator_a, day(9), is_dlt=True)
    with refusal("not-replaceable"):
        replace_patient(patient=patient, by=coordinator_a, at=moment(day(9)))


def test_others_may_not_replace(patient: Patient, coordinator_b: User, monitor: User) -> None:
    for someone in (coordinator_b, monitor):
        with pytest.raises(Forbidden):
            replace_patient(patient=patient, by=someone, at=moment(day(9)))


def test_evaluability_is_read_in_a_constant_number_of_queries(
    study: Study, patient: Patient, coordinator_a: User, django_assert_num_queries: Any
) -> None:
    recorded(patient, coordinator_a, day(5), is_dlt=True)
    recorded(patient, coordinator_a, day(6), grade=2)
    with django_assert_num_queries(12):
        [standing_of(p, day(9)) for p in patients_with_dlt_data(study)]
