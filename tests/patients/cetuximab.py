"""The cetuximab trial in tests: live, two sites in Europe, a coordinator, and the steps of its patients."""

import datetime as dt
from pathlib import Path

import pytest

from accounts.models import User
from dosing.operations import go_live
from patients.activities import DueActivity, Which, due_activities
from patients.models import ActivityRecord, Cycle, Patient
from patients.operations import (
    check_eligibility,
    record_activities,
    record_consent,
    register_patient,
    screen_patient,
    start_cycle,
)
from tests.cast import DAY_ONE, ApiClient, _client_system, _member, definition_in, moment
from trials.models import Role, Site, Study
from trials.operations import add_site, adopt_protocol

CETUXIMAB = Path(__file__).parents[2] / "trials" / "protocols" / "lenalidomide-cetuximab.yaml"
CRITERIA = ("metastatic", "adult", "biopsy", "pregnancy-prevention", "earlier-lenalidomide", "cetuximab-reaction")
MET = dict.fromkeys(CRITERIA, True)
# Screened and registered a week before treatment: there is time for the first biopsy, from day -25 to -22.
REGISTERED_ON = DAY_ONE
LEAD_IN_ON = DAY_ONE + dt.timedelta(days=7)  # Monday 12 January 2026
CYCLE_1_ON = LEAD_IN_ON + dt.timedelta(days=21)  # Monday 2 February 2026


@pytest.fixture
def cet_study(rung: User, at: dt.datetime) -> Study:
    definition = definition_in(CETUXIMAB)
    version = adopt_protocol(definition=definition, rehearsal_day=DAY_ONE, by=rung, at=at)
    add_site(study=version.study, code="Z", name="Seefeld", time_zone="Europe/Zurich", by=rung, at=at)
    add_site(study=version.study, code="A", name="Anchorage", time_zone="America/Anchorage", by=rung, at=at)
    go_live(study=version.study, by=rung, at=at)
    return Study.objects.get(pk=version.study_id)


@pytest.fixture
def cet_site(cet_study: Study) -> Site:
    return cet_study.sites.get(code="Z")


@pytest.fixture
def cet_coordinator(cet_study: Study, cet_site: Site) -> User:
    return _member(cet_study, "cet-coordinator", "Lena Frei", Role.COORDINATOR, cet_site)


@pytest.fixture
def cet_investigator(cet_study: Study, cet_site: Site) -> User:
    return _member(cet_study, "cet-investigator", "Dr Urs Keller", Role.INVESTIGATOR, cet_site)


@pytest.fixture
def cet_monitor(cet_study: Study) -> User:
    return _member(cet_study, "cet-monitor", "Noor Haddad", Role.MONITOR)


@pytest.fixture
def cet_edc(cet_study: Study, cet_site: Site) -> ApiClient:
    return _client_system(cet_study, "cet-edc", cet_site)


@pytest.fixture
def cet_patient(cet_site: Site, cet_coordinator: User) -> Patient:
    """Registered on DAY_ONE, the lead-in planned for a week later."""
    return cet_registered(cet_site, cet_coordinator)


@pytest.fixture
def in_lead_in(cet_patient: Patient, cet_coordinator: User) -> Patient:
    begin(cet_patient, LEAD_IN_ON, cet_coordinator)
    return fresh(cet_patient)


@pytest.fixture
def in_cycle_1(in_lead_in: Patient, cet_coordinator: User) -> Patient:
    begin(in_lead_in, CYCLE_1_ON, cet_coordinator)
    return fresh(in_lead_in)


def cet_registered(
    site: Site, by: User, on: dt.date = REGISTERED_ON, start: dt.date = LEAD_IN_ON, screened_on: dt.date | None = None
) -> Patient:
    first = screened_on or on
    patient = screen_patient(study=site.study, site=site, screened_on=first, by=by, at=moment(first))
    record_consent(patient=patient, signed_on=first, form_version="1.0", by=by, at=moment(on))
    check_eligibility(patient=patient, answers=MET, checked_on=on, by=by, at=moment(on))
    register_patient(patient=fresh(patient), planned_start=start, by=by, at=moment(on))
    return fresh(patient)


def begin(patient: Patient, on: dt.date, by: User) -> Cycle:
    """Start the next cycle, or the lead-in, on a day."""
    return start_cycle(patient=patient, started_on=on, by=by, at=moment(on))


def fresh(patient: Patient) -> Patient:
    return Patient.objects.with_plan().get(pk=patient.pk)


def cycles_of(patient: Patient) -> list[Cycle]:
    return list(patient.cycles.all())


def due_of(patient: Patient, today: dt.date = DAY_ONE) -> dict[str, DueActivity]:
    """The patient's activities by name, as the database has them now."""
    now = fresh(patient)
    return {str(due.which): due for due in due_activities(now, cycles_of(now), now.activities.all(), today)}


def done(patient: Patient, which: str, on: dt.date, by: User, why: str = "") -> ActivityRecord:
    [record] = record_activities(
        patient=patient, which=[Which.read(which)], done_on=on, out_of_window_reason=why, by=by, at=moment(on)
    )
    return record
