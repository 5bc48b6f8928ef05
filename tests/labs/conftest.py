"""One patient on treatment, and ways to have more of everything."""

import datetime as dt

import pytest
from django.test import Client

from accounts.models import User
from audit.context import acting
from patients.models import Cycle, Patient
from patients.operations import (
    check_eligibility,
    record_consent,
    register_patient,
    screen_patient,
    start_cycle,
)
from tests.cast import DAY_ONE, moment
from trials.models import Cohort, Site, Slot, Study


def screened(study: Study, site: Site, by: User, day: dt.date = DAY_ONE) -> Patient:
    return screen_patient(study=study, site=site, screened_on=day, by=by, at=moment(day))


def registered(study: Study, site: Site, by: User, day: dt.date = DAY_ONE) -> Patient:
    """A patient with consent, eligible and registered to start that day; a slot is added where none is free."""
    cohort = study.cohorts.open().get()
    if not cohort.slots.unused().exists():
        add_slot(cohort, by)
    patient = screened(study, site, by, day)
    record_consent(patient=patient, signed_on=day, form_version="1.0", by=by, at=moment(day))
    answers = {criterion.code: True for criterion in study.protocol.eligibility}
    check_eligibility(patient=patient, answers=answers, checked_on=day, by=by, at=moment(day))
    return register_patient(patient=patient, planned_start=day, by=by, at=moment(day))


def add_slot(cohort: Cohort, by: User) -> Slot:
    """A place for another patient, as if one were replaced."""
    replaced = cohort.slots.filter(replaced_by=None).latest("number")
    with acting(by, "room for another patient of a test"):
        return Slot.objects.create(
            study=cohort.study, cohort=cohort, number=cohort.slots.count() + 1, replaces=replaced
        )


def on_treatment(study: Study, site: Site, by: User, cycles: int = 1) -> Patient:
    """A patient whose cycles all started on the day they were due, the first on DAY_ONE."""
    patient = registered(study, site, by)
    for number in range(cycles):
        start(patient, DAY_ONE + dt.timedelta(days=28 * number), by)
    return Patient.objects.get(pk=patient.pk)


def start(patient: Patient, day: dt.date, by: User) -> Cycle:
    return start_cycle(patient=patient, started_on=day, by=by, at=moment(day))


def move_to(study: Study, day: dt.date, by: User) -> None:
    """Set the rehearsal's day."""
    with acting(by, "move the rehearsal's day"):
        Study.objects.filter(pk=study.pk).update(rehearsal_day=day)


@pytest.fixture
def patient(study: Study, site_a: Site, coordinator_a: User) -> Patient:
    """A-001, at 10 mg, whose cycle 1 started on DAY_ONE."""
    return on_treatment(study, site_a, coordinator_a)


@pytest.fixture
def browser() -> Client:
    return Client()
