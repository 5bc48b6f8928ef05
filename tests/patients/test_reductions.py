"""Rule 10: one rung down at a time, as often as the protocol says; rule 12: re-treatment is one of them."""

import datetime as dt

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from accounts.models import User
from audit.context import acting
from patients import schedule
from patients.models import AdverseEvent, DoseReduction, Patient
from patients.operations import discontinue, record_follow_up, reduce_dose, retreat
from tests.cast import DAY_ONE, moment
from tests.patients.by_hand import by_hand
from tests.patients.steps import again, day, registered, screened, start, treated
from trials.errors import Forbidden, Refused
from trials.models import Site

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient(site_a: Site, coordinator_a: User) -> Patient:
    return treated(site_a, coordinator_a)


def event_of(patient: Patient, by: User) -> AdverseEvent:
    with acting(by, "test"):
        return AdverseEvent.objects.create(
            study=patient.study,
            patient=patient,
            term="Rash",
            grade=3,
            onset_on=day(3),
            recorded_at=moment(day(3)),
            recorded_by=by,
        )


def reduced(patient: Patient, by: User, on: dt.date, **other: object) -> DoseReduction:
    given = {"cause": "other", "explanation": "tired", **other}
    return reduce_dose(patient=patient, effective_on=on, by=by, at=moment(on), **given)  # type: ignore[arg-type]


def refusal(patient: Patient, by: User, on: dt.date, **other: object) -> Refused:
    with pytest.raises(Refused) as refused:
        reduced(patient, by, on, **other)
    return refused.value


# --- works ---


@pytest.mark.req("R3-4.3.4", "EMA-A5.2.1")
def test_one_rung_down_with_its_event_and_reason(patient: Patient, coordinator_a: User) -> None:
    event = event_of(patient, coordinator_a)
    made = reduced(patient, coordinator_a, day(5), cause="adverse_event", event=event, explanation="Rash grade 3")
    assert (made.number, made.from_rung, made.to_rung, made.event) == (1, 2, 3, event)
    assert schedule.next_cycle(again(patient), list(again(patient).cycles.all())).label == "5 mg"


@pytest.mark.req("R3-4.3.4", "EMA-A5.2.1")
def test_a_reduction_never_changes_the_level_at_which_the_patient_counts(patient: Patient, coordinator_a: User) -> None:
    for number in (5, 7):
        reduced(patient, coordinator_a, day(number))
    assert (again(patient).assigned_level.ordinal, again(patient).slot.cohort.level.ordinal) == (1, 1)


# --- refused ---


@pytest.mark.req("R3-4.3.4", "EMA-6.1.4", "P11-10f")
def test_the_third_reduction_is_refused_and_says_what_to_do_instead(patient: Patient, coordinator_a: User) -> None:
    for number in (5, 7):
        reduced(patient, coordinator_a, day(number))
    refused = refusal(patient, coordinator_a, day(9))
    assert refused.code == "reduction-maximum"
    assert refused.sentence == (
        "The protocol allows 2 dose reductions and A-001 has had 2. Discontinue treatment instead."
    )
    assert DoseReduction.objects.count() == 2


def test_a_reduction_because_of_an_event_names_it(patient: Patient, coordinator_a: User) -> None:
    refused = refusal(patient, coordinator_a, day(5), cause="adverse_event")
    assert (refused.code, refused.field) == ("reduction-needs-event", "event")


def test_a_reduction_names_its_reason(patient: Patient, coordinator_a: User) -> None:
    refused = refusal(patient, coordinator_a, day(5), explanation=" ")
    assert (refused.code, refused.field) == ("reason-needed", "explanation")


def test_another_patients_event_is_no_reason(patient: Patient, site_a: Site, coordinator_a: User) -> None:
    other = event_of(screened(site_a, coordinator_a), coordinator_a)
    assert refusal(patient, coordinator_a, day(5), cause="adverse_event", event=other).code == "other-patients-event"


@pytest.mark.parametrize(("on", "code"), [(1, "reduction-too-early"), (58, "reduction-too-late")])
def test_a_reduction_takes_effect_within_this_cycle_or_with_the_next(
    on: int, code: str, patient: Patient, coordinator_a: User
) -> None:
    assert refusal(patient, coordinator_a, day(on)).code == code


def test_reductions_come_one_after_another(patient: Patient, coordinator_a: User) -> None:
    reduced(patient, coordinator_a, day(10))
    assert refusal(patient, coordinator_a, day(10)).code == "reduction-too-early"


def test_only_a_dose_that_is_given_can_be_reduced(site_a: Site, coordinator_a: User) -> None:
    assert refusal(registered(site_a, coordinator_a), coordinator_a, day(2)).code == "not-on-treatment"


def test_re_treatment_is_not_a_cause_to_choose(patient: Patient, coordinator_a: User) -> None:
    assert refusal(patient, coordinator_a, day(5), cause="retreatment").code == "no-such-cause"


def test_who_does_not_treat_reduces_nothing(patient: Patient, coordinator_b: User, statistician: User) -> None:
    for person in (coordinator_b, statistician):
        with pytest.raises(Forbidden):
            reduced(patient, person, day(5))


# --- re-treatment ---


def stopped(patient: Patient, by: User, reason: str = "unacceptable-adverse-events", on: int = 20) -> None:
    discontinue(patient=patient, reason_code=reason, on=day(on), by=by, at=moment(day(on)))


def resumed(patient: Patient, by: User, on: dt.date) -> DoseReduction:
    return retreat(patient=patient, starts_on=on, explanation="recovered", by=by, at=moment(on))


def code_of_retreat(patient: Patient, by: User, on: dt.date) -> str:
    with pytest.raises(Refused) as refused:
        resumed(patient, by, on)
    return refused.value.code


def test_re_treatment_one_rung_lower_counts_as_a_reduction(patient: Patient, coordinator_a: User) -> None:
    stopped(patient, coordinator_a)
    made = resumed(patient, coordinator_a, day(60))
    patient = again(patient)
    assert (made.number, made.cause, made.to_rung, patient.status) == (1, "retreatment", 3, "on_treatment")
    assert patient.discontinuations.get().retreated_on == day(60)
    planned = schedule.next_cycle(patient, list(patient.cycles.all()))
    assert (planned.number, planned.due_on, planned.label) == (2, day(60), "5 mg")
    assert start(patient, day(61), coordinator_a).due_on == day(60)
    assert schedule.follow_up_visits(again(patient)) == []


def test_re_treatment_can_end_too_and_event_monitoring_counts_on(patient: Patient, coordinator_a: User) -> None:
    stopped(patient, coordinator_a)
    visit = day(20 + 91)
    record_follow_up(patient=patient, done_on=visit, alive=True, by=coordinator_a, at=moment(visit))
    resumed(patient, coordinator_a, day(120))
    start(patient, day(120), coordinator_a)
    stopped(patient, coordinator_a, on=130)
    planned = schedule.follow_up_visits(again(patient))
    assert (planned[0].number, planned[0].on) == (2, day(130 + 91))
    assert again(patient).status == "event_monitoring"
    resumed(patient, coordinator_a, day(140))
    start(patient, day(140), coordinator_a)
    stopped(patient, coordinator_a, on=150)
    assert code_of_retreat(patient, coordinator_a, day(160)) == "reduction-maximum"


def test_no_re_treatment_after_another_reason(patient: Patient, coordinator_a: User) -> None:
    stopped(patient, coordinator_a, reason="patient-request")
    assert code_of_retreat(patient, coordinator_a, day(60)) == "retreatment-not-allowed"


def test_no_re_treatment_after_progression(patient: Patient, coordinator_a: User) -> None:
    stopped(patient, coordinator_a)
    visit = day(111)
    record_follow_up(
        patient=patient, done_on=visit, alive=True, progressed_on=day(100), by=coordinator_a, at=moment(visit)
    )
    assert code_of_retreat(patient, coordinator_a, day(120)) == "progressed"


def test_no_re_treatment_while_on_treatment_or_before_the_end(patient: Patient, coordinator_a: User) -> None:
    assert code_of_retreat(patient, coordinator_a, day(60)) == "not-in-event-monitoring"
    stopped(patient, coordinator_a)
    assert code_of_retreat(patient, coordinator_a, day(20)) == "retreatment-too-early"


# --- the database, whoever asks ---


INSERT_REDUCTION = """
    INSERT INTO patients_dosereduction (patient_id, study_id, number, from_rung, to_rung, effective_on, cause,
                                        explanation, recorded_at, recorded_by_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now(), %s)
"""


def reduction_by_hand(
    patient: Patient, by: User, number: int, from_rung: int, to_rung: int, cause: str = "other", why: str = "x"
) -> None:
    values = [patient.pk, patient.study_id, number, from_rung, to_rung, day(5), cause, why, by.pk]
    with transaction.atomic():
        by_hand(INSERT_REDUCTION, values, by)


def test_the_database_takes_a_right_reduction(patient: Patient, coordinator_a: User) -> None:
    reduction_by_hand(patient, coordinator_a, 1, 2, 3)
    assert DoseReduction.objects.get().to_rung == 3


@pytest.mark.req("EMA-4.1", "P11-10f")
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((3, 4, 5), "no more dose reductions than the protocol allows"),
        ((1, 2, 4), "one_rung_down|one rung down"),
        ((1, 0, 1), "one rung down the protocol's ladder"),
        ((2, 2, 3), "one rung down the protocol's ladder"),
        ((1, 2, 3, "adverse_event"), "reduction_names_its_event"),
        ((1, 2, 3, "other", ""), "reduction_names_its_reason"),
    ],
)
def test_the_database_refuses(values: tuple[int, ...], message: str, patient: Patient, coordinator_a: User) -> None:
    with pytest.raises(IntegrityError, match=message):
        reduction_by_hand(patient, coordinator_a, *values)  # type: ignore[arg-type]


def test_the_database_refuses_re_treatment_without_a_lower_dose(patient: Patient, coordinator_a: User) -> None:
    stopped(patient, coordinator_a)
    with pytest.raises(IntegrityError, match="re-treatment is at a lower dose"), transaction.atomic():
        by_hand(
            "UPDATE patients_discontinuation SET retreated_on = %s WHERE patient_id = %s",
            [DAY_ONE + dt.timedelta(days=60), patient.pk],
            coordinator_a,
        )
