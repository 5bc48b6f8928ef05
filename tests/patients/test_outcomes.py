"""Outcome measures with a value per visit."""

from decimal import Decimal

import pytest
from django.db import transaction
from django.db.utils import IntegrityError
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.models import Entry
from patients.models import OutcomeValue, Patient
from patients.operations import correct_outcome, record_outcome, record_outcomes
from patients.outcome_series import outcome_series
from tests.cast import moment
from tests.patients.by_hand import by_hand
from tests.patients.steps import again, day, treated
from trials.errors import Forbidden, Refused
from trials.models import Site

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient(site_a: Site, coordinator_a: User) -> Patient:
    return treated(site_a, coordinator_a)


def measured(
    patient: Patient,
    by: User,
    value: str = "4.5",
    measure: str = "serum-igm",
    timepoint: str = "pre-treatment",
    on: int = 1,
) -> OutcomeValue:
    return record_outcome(
        patient=patient,
        measure=measure,
        timepoint=timepoint,
        measured_on=day(on),
        value=Decimal(value),
        by=by,
        at=moment(day(max(on, 1))),
    )


def code_of(patient: Patient, by: User, **given: object) -> str:
    with pytest.raises(Refused) as refused:
        measured(patient, by, **given)  # type: ignore[arg-type]
    return refused.value.code


def test_values_make_a_series_in_the_order_of_time(patient: Patient, coordinator_a: User) -> None:
    measured(patient, coordinator_a, "3.1", timepoint="after-3", on=85)
    measured(patient, coordinator_a, "4.5")
    series = {s.measure.code: s for s in outcome_series(again(patient), day(60))}
    assert [(p.title, p.day, p.value) for p in series["serum-igm"].points] == [
        ("Pre-treatment", 0, Decimal("4.500")),
        ("After cycle 3", 84, Decimal("3.100")),
    ]
    assert series["proprioception"].points == ()


def test_a_visits_values_are_recorded_together_or_not_at_all(patient: Patient, coordinator_a: User) -> None:
    given = {"serum-igm": Decimal("4"), "proprioception": Decimal("9")}
    with pytest.raises(Refused) as refused:
        record_outcomes(
            patient=patient,
            timepoint="pre-treatment",
            measured_on=day(1),
            values=given,
            by=coordinator_a,
            at=moment(day(1)),
        )
    assert (refused.value.code, refused.value.field) == ("value-out-of-range", "proprioception")
    assert refused.value.sentence == (
        "9 is not possible; Proprioception (vibration perception at the great toe, tuning fork 0 to 8) is "
        "at least 0 and at most 8 points."
    )
    assert OutcomeValue.objects.count() == 0


def test_values_that_cannot_be(patient: Patient, coordinator_a: User) -> None:
    assert code_of(patient, coordinator_a, measure="mood") == "no-such-measure"
    assert code_of(patient, coordinator_a, timepoint="after-1") == "no-such-timepoint"
    assert code_of(patient, coordinator_a, timepoint="after-24") == "no-such-timepoint"
    assert code_of(patient, coordinator_a, value="-1") == "value-out-of-range"
    assert code_of(patient, coordinator_a, on=-3) == "before-screening"
    measured(patient, coordinator_a)
    assert code_of(patient, coordinator_a) == "already-recorded"


def test_a_correction_says_why_and_keeps_the_old_value(patient: Patient, coordinator_a: User) -> None:
    value = measured(patient, coordinator_a)
    with pytest.raises(Refused, match="Say why"):
        correct_outcome(outcome=value, value=Decimal("5"), reason="", by=coordinator_a, at=moment(day(2)))
    correct_outcome(outcome=value, value=Decimal("5"), reason="typing error", by=coordinator_a, at=moment(day(2)))
    entry = Entry.objects.newest_first()[0]
    assert (entry.changed_fields["value"], entry.reason) == ((4.5, 5.0), "typing error")


def test_refused_by_role(patient: Patient, coordinator_b: User, monitor: User) -> None:
    for person in (coordinator_b, monitor):
        with pytest.raises(Forbidden):
            measured(patient, person)


def test_the_page_records_what_was_measured(client: Client, patient: Patient, coordinator_a: User) -> None:
    client.force_login(coordinator_a)
    url = reverse("patients:outcome", args=[patient.study.key, patient.code])
    typed = {"timepoint": "pre-treatment", "measured_on": "2026-01-05", "serum-igm": "4.5", "proprioception": ""}
    assert client.post(url, typed).status_code == 302
    value = OutcomeValue.objects.get()
    wrong = client.post(url, {**typed, "proprioception": "9", "serum-igm": ""})
    assert (wrong.status_code, OutcomeValue.objects.count()) == (409, 1)
    assert 'value="9"' in wrong.content.decode()
    correct = reverse("patients:correct-outcome", args=[patient.study.key, patient.code, value.pk])
    assert 'value="4.5"' in client.get(correct).content.decode()
    assert client.post(correct, {"serum-igm": "5.5", "reason": "typing error"}).status_code == 302
    assert OutcomeValue.objects.get().value == Decimal("5.5")


def test_the_database_keeps_one_value_a_visit(patient: Patient, coordinator_a: User) -> None:
    value = measured(patient, coordinator_a)
    again_ = """
        INSERT INTO patients_outcomevalue (patient_id, study_id, measure, timepoint, measured_on, value, recorded_at,
                                           recorded_by_id)
        SELECT patient_id, study_id, measure, timepoint, measured_on, 7, now(), recorded_by_id
        FROM patients_outcomevalue WHERE id = %s
    """
    with pytest.raises(IntegrityError, match="outcome_value_once"), transaction.atomic():
        by_hand(again_, [value.pk], coordinator_a)
