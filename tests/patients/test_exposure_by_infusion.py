"""Where the exposure agent is infused, being evaluable follows from the infusions recorded."""

from decimal import Decimal

import pytest

from accounts.models import User
from patients.evaluability import Standing
from patients.models import Administration, Patient
from patients.operations import assess_window, correct_administration
from patients.operations.assessments import standing_now
from patients.queries import with_dlt_data
from tests.cast import DAY_ONE, moment
from tests.patients.dosed import dosed_content, give, miss, ready
from tests.patients.steps import day
from trials.errors import Refused
from trials.models import Site, Study
from trials.operations import add_site, adopt_protocol

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft_study(rung: User) -> Study:
    """The study with infusions, of which three quarters of the cetuximab are the minimum exposure."""
    content, at = dosed_content(), moment(DAY_ONE)
    content["dlt"]["minimum_exposure"]["agent"] = "cetuximab"
    version = adopt_protocol(definition=content, rehearsal_day=DAY_ONE, by=rung, at=at)
    add_site(study=version.study, code="A", name="Northfield", time_zone="America/New_York", by=rung, at=at)
    return version.study


def standing(patient: Patient) -> str:
    [loaded] = with_dlt_data(Patient.objects.filter(pk=patient.pk))
    return standing_now(loaded, moment(day(29))).standing


def assessed(patient: Patient, taken: int, by: User) -> str:
    try:
        assess_window(patient=patient, taken=taken, by=by, at=moment(day(29)))
    except Refused as refused:
        return refused.code
    return ""


def three_of_four(site: Site, by: User) -> Patient:
    patient = ready(site, by)
    give(patient, day(1), "745", by)
    give(patient, day(8), "465", by)
    miss(patient, day(15), by)
    give(patient, day(22), "465", by)
    return patient


def test_the_number_is_that_of_the_infusions(site_a: Site, coordinator_a: User) -> None:
    patient = three_of_four(site_a, coordinator_a)
    assert standing(patient) == Standing.PENDING
    assert assessed(patient, 4, coordinator_a) == "doses-out-of-range"
    assert assessed(patient, 2, coordinator_a) == "doses-disagree"
    assert assessed(patient, 3, coordinator_a) == ""
    assert standing(patient) == Standing.EVALUABLE_NO_DLT


def test_every_infusion_of_the_window_is_recorded_first(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    give(patient, day(1), "745", coordinator_a)
    assert assessed(patient, 1, coordinator_a) == "infusions-open"


def test_an_infusion_corrected_afterwards_asks_for_the_number_again(site_a: Site, coordinator_a: User) -> None:
    patient = three_of_four(site_a, coordinator_a)
    assessed(patient, 3, coordinator_a)
    correction = {"why": "Was given", "reason": "Wrong form", "by": coordinator_a, "at": moment(day(30))}
    correct_administration(
        administration=Administration.objects.get(day=15), given_on=day(15), given_amount=Decimal(465), **correction
    )
    assert standing(patient) == Standing.PENDING
    correct_administration(
        administration=Administration.objects.get(day=15), given_on=None, given_amount=None, **correction
    )
    correct_administration(
        administration=Administration.objects.get(day=22), given_on=None, given_amount=None, **correction
    )
    assert standing(patient) == Standing.PENDING
