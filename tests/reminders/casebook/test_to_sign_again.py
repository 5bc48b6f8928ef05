"""A casebook that changed since it was signed waits for the principal investigator again, and for nobody else."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from patients.models import Consent, Patient
from patients.operations import record_consent, screen_patient
from reminders.casebook import casebook_of, to_sign_again
from reminders.operations.casebook import sign_casebook
from reminders.to_sign import to_sign
from tests.cast import DAY_ONE, PASSWORD, moment
from tests.dosing.steps import evaluated
from trials.models import Study

pytestmark = [pytest.mark.django_db, pytest.mark.req("P11-70")]
ASKED = [("The casebook of A-001", "changed since it was signed", ("principal_investigator",))]


@pytest.fixture
def patient(study: Study, coordinator_a: User) -> Patient:
    found, _ = evaluated(study, coordinator_a, DAY_ONE)
    return Patient.objects.select_related("study", "site").get(pk=found.pk)


@pytest.fixture
def other(patient: Patient, coordinator_a: User) -> Patient:
    """Somebody in screening, who has consented."""
    at = moment(DAY_ONE)
    found = screen_patient(study=patient.study, site=patient.site, screened_on=DAY_ONE, by=coordinator_a, at=at)
    record_consent(patient=found, signed_on=DAY_ONE, form_version="1", by=coordinator_a, at=at)
    return found


def sign(patient: Patient, by: User) -> None:
    seen = casebook_of(patient).sha256
    sign_casebook(patient=patient, seen_sha256=seen, password=PASSWORD, by=by, at=moment(DAY_ONE))


def change(patient: Patient, by: User, form_version: str = "another") -> None:
    signed_on = Consent.objects.get(patient=patient).signed_on
    record_consent(
        patient=patient, signed_on=signed_on, form_version=form_version, reason="misread", by=by, at=moment(DAY_ONE)
    )  # fmt: skip


def waiting(person: User) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.what, one.detail, one.roles) for one in to_sign(person) if "casebook" in one.what]


def test_it_is_listed_from_the_change_until_it_is_signed_again(
    patient: Patient, pi: User, coordinator_a: User, medical_monitor: User
) -> None:
    assert waiting(pi) == []  # when it is signed for the first time is the investigator's choice
    sign(patient, pi)
    assert waiting(pi) == []
    change(patient, coordinator_a)
    assert waiting(pi) == ASKED
    assert waiting(medical_monitor) == waiting(coordinator_a) == []
    sign(patient, pi)
    assert waiting(pi) == []


def test_a_change_that_was_undone_asks_for_nothing(patient: Patient, pi: User, coordinator_a: User) -> None:
    before = Consent.objects.get(patient=patient).form_version
    sign(patient, pi)
    change(patient, coordinator_a)
    assert waiting(pi) == ASKED
    change(patient, coordinator_a, before)
    assert waiting(pi) == []


def test_what_is_recorded_about_somebody_else_asks_for_nothing(
    patient: Patient, other: Patient, pi: User, coordinator_a: User
) -> None:
    sign(patient, pi)
    change(other, coordinator_a)
    assert waiting(pi) == []


def test_of_other_studies_nothing_is_read(patient: Patient, pi: User, coordinator_a: User) -> None:
    sign(patient, pi)
    change(patient, coordinator_a)
    assert [found.code for found in to_sign_again([patient.study_id])] == ["A-001"]
    assert to_sign_again([patient.study_id + 1]) == []


def test_the_page_leads_to_it_and_so_does_today(patient: Patient, pi: User, coordinator_a: User) -> None:
    sign(patient, pi)
    change(patient, coordinator_a)
    browser = Client()
    browser.force_login(pi)
    page = browser.get("/signatures/").content.decode()
    assert "The casebook of A-001" in page
    assert "/studies/LEN-MAG-01/patients/A-001/casebook/" in page
    number = len(to_sign(pi))
    assert f"{number} thing" in browser.get("/studies/LEN-MAG-01/").content.decode()


def test_as_many_queries_for_two_as_for_one(patient: Patient, other: Patient, pi: User, coordinator_a: User) -> None:
    counts = []
    for one in (patient, other):
        sign(one, pi)
        change(one, coordinator_a)
        with CaptureQueriesContext(connection) as asked:
            found = to_sign_again([patient.study_id])
        counts.append((len(found), len(asked)))
    assert counts[0][0] == 1
    assert counts[1] == (2, counts[0][1])
