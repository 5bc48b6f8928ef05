"""No treatment after a death that is recorded; and consent that does not move behind registration."""

import pytest

from accounts.models import User
from patients.models import Patient
from patients.operations import discontinue, record_consent, reduce_dose, retreat, start_cycle
from patients.operations.cycles import cycle_that_can_start
from tests.cast import moment
from tests.patients.events import recorded
from tests.patients.steps import again, day, treated
from tests.patients.test_events import refusal
from trials.models import Site

UNRELATED = {"lenalidomide": "unrelated", "dexamethasone": "unrelated"}


@pytest.fixture
def patient(site_a: Site, coordinator_a: User) -> Patient:
    """Treated from day 1; cycle 2 is due on day 29."""
    return treated(site_a, coordinator_a)


def dies(patient: Patient, by: User, number: int) -> None:
    recorded(patient, by, day(number), term="Sepsis", grade=5, serious=True, relations=UNRELATED)


def starts(patient: Patient, by: User, number: int) -> None:
    start_cycle(patient=again(patient), started_on=day(number), by=by, at=moment(day(60)))


def test_no_cycle_starts_after_a_recorded_death(patient: Patient, coordinator_a: User) -> None:
    dies(patient, coordinator_a, 11)
    with refusal("patient-died"):
        starts(patient, coordinator_a, 29)
    with refusal("patient-died"):
        cycle_that_can_start(again(patient))


def test_a_cycle_before_the_death_can_still_be_entered(patient: Patient, coordinator_a: User) -> None:
    dies(patient, coordinator_a, 30)
    with refusal("patient-died"):
        starts(patient, coordinator_a, 31)
    starts(patient, coordinator_a, 29)
    assert again(patient).cycles.count() == 2


def test_no_dose_is_reduced_after_a_recorded_death(patient: Patient, coordinator_a: User) -> None:
    dies(patient, coordinator_a, 11)
    with refusal("patient-died"):
        reduce_dose(
            patient=again(patient), cause="other", explanation="weak", effective_on=day(15), by=coordinator_a,
            at=moment(day(12)),
        )  # fmt: skip


def test_no_retreatment_after_a_recorded_death(patient: Patient, coordinator_a: User) -> None:
    discontinue(
        patient=patient, reason_code="unacceptable-adverse-events", on=day(5), by=coordinator_a, at=moment(day(5))
    )
    dies(patient, coordinator_a, 60)
    with refusal("patient-died"):
        retreat(patient=again(patient), starts_on=day(70), explanation="well", by=coordinator_a, at=moment(day(62)))


def test_the_consent_of_a_registered_patient_stays_before_registration(patient: Patient, coordinator_a: User) -> None:
    with refusal("consent-after-registration"):
        record_consent(
            patient=patient, signed_on=day(2), form_version="1.0", reason="typo", by=coordinator_a, at=moment(day(12))
        )
    kept = record_consent(
        patient=patient, signed_on=day(1), form_version="1.1", reason="typo", by=coordinator_a, at=moment(day(12))
    )
    assert (kept.signed_on, kept.form_version) == (day(1), "1.1")
