"""Steps of a patient's way, by the operations: screened, eligible, registered, treated."""

import datetime as dt

from accounts.models import User
from patients.models import Cycle, Patient
from patients.operations import (
    check_eligibility,
    record_consent,
    register_patient,
    screen_patient,
    start_cycle,
)
from tests.cast import DAY_ONE, moment
from trials.models import Site

MET = {"adult": True, "anti-mag": True, "pregnancy-prevention": True, "earlier-lenalidomide": True}


def day(number: int) -> dt.date:
    """Day 1 is DAY_ONE."""
    return DAY_ONE + dt.timedelta(days=number - 1)


def screened(site: Site, by: User, on: dt.date = DAY_ONE) -> Patient:
    return screen_patient(study=site.study, site=site, screened_on=on, by=by, at=moment(on))


def eligible(site: Site, by: User, on: dt.date = DAY_ONE) -> Patient:
    patient = screened(site, by, on)
    record_consent(patient=patient, signed_on=on, form_version="1.0", by=by, at=moment(on))
    check_eligibility(patient=patient, answers=MET, checked_on=on, by=by, at=moment(on))
    return again(patient)


def registered(site: Site, by: User, on: dt.date = DAY_ONE, start: dt.date | None = None) -> Patient:
    return register_patient(patient=eligible(site, by, on), planned_start=start or on, by=by, at=moment(on))


def treated(site: Site, by: User, on: dt.date = DAY_ONE, cycles: int = 1) -> Patient:
    """Registered, and so many cycles started, each on the day it was due."""
    patient = registered(site, by, on)
    for number in range(cycles):
        start(patient, on + dt.timedelta(days=28 * number), by)
    return again(patient)


def start(patient: Patient, on: dt.date, by: User, late: int = 0) -> Cycle:
    """Start the next cycle on a day, recorded so many days late."""
    return start_cycle(patient=patient, started_on=on, by=by, at=moment(on + dt.timedelta(days=late)))


def again(patient: Patient) -> Patient:
    """The patient as the database has it now, with the plan."""
    return Patient.objects.with_plan().get(pk=patient.pk)
