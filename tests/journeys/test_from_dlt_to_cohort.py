"""The newcomer's tour, walked: docs/from-dlt-to-cohort.md names the functions, the browser makes them run."""

import datetime as dt
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import expect

from accounts.models import User
from patients.models import Patient
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import decide, evaluated, on_treatment
from tests.journeys.people import Someone
from tests.journeys.tracing import Stop, Trace, stops_of
from trials.models import Study
from trials.operations import move_rehearsal_day

pytestmark = pytest.mark.browser

TOUR = Path(settings.BASE_DIR) / "docs" / "from-dlt-to-cohort.md"


@pytest.fixture
def stops() -> list[Stop]:
    return stops_of(TOUR.read_text())


@pytest.fixture
def trace(stops: list[Stop], monkeypatch: pytest.MonkeyPatch) -> Trace:
    found = Trace()
    for stop in stops:
        found.watch(stop, monkeypatch)
    return found


@pytest.fixture
def patient(
    study: Study, pi: User, medical_monitor: User, statistician: User, coordinator_a: User, rung: User
) -> Patient:
    """In the DLT window, day 10, at 15 mg: the first of cohort 2, which a signed decision opened."""
    _, on = evaluated(study, coordinator_a, DAY_ONE)
    decide(study, on)
    treated = on_treatment(study, coordinator_a, on)
    days = (on - DAY_ONE).days + 9
    move_rehearsal_day(study=study, days=days, by=rung, at=moment(on + dt.timedelta(days=9)))
    return treated


@pytest.mark.req("P11-10f", "P11-200")
def test_a_recorded_dlt_leads_to_a_signed_dose_and_an_open_cohort_by_the_way_that_the_tour_describes(
    patient: Patient, stops: list[Stop], trace: Trace, mia: Someone, maja: Someone, rivera: Someone, okafor: Someone
) -> None:
    when_the_coordinator_records_a_dlt(mia, patient.code)
    then_a_lower_dose_is_recommended_with_its_reason(mia)
    when_the_investigator_has_read_why_and_both_have_signed(rivera, okafor, patient.code)
    then_the_next_patient_gets_the_lower_dose(maja)
    assert in_this_order(stops, trace)


def when_the_coordinator_records_a_dlt(mia: Someone, code: str) -> None:
    mia.open(f"patients/{code}/")
    mia.follow("Record event")
    mia.type_event("Febrile neutropenia", 3)
    mia.sees("This looks like a DLT", "rule b")
    mia.choose("Your judgement", "It is a DLT")
    mia.press("Save")
    mia.sees("Febrile neutropenia, grade 3")


def then_a_lower_dose_is_recommended_with_its_reason(mia: Someone) -> None:
    """1 of 1 at 15 mg is a rate of 1.00, at least 0.359."""
    assert mia.ask_for_the_recommendation() == "De-escalate to 10 mg"
    mia.sees("1 of 1 had a DLT", "0.359")


def when_the_investigator_has_read_why_and_both_have_signed(rivera: Someone, okafor: Someone, code: str) -> None:
    rivera.open()
    rivera.page.get_by_role("link", name="Study", exact=True).first.click()
    rivera.follow("Read and sign")
    expect(rivera.card("Who counts").get_by_role("row").filter(has_text="current")).to_contain_text(code)
    rivera.sees("1 of 1 had a DLT", "I have reviewed the data shown here and approve 10 mg for the next cohort.")
    rivera.sign()
    okafor.sign_too()
    okafor.sees("Cohort 3 is open at 10 mg: 1 slot is free.")


def then_the_next_patient_gets_the_lower_dose(maja: Someone) -> None:
    code = maja.screen()
    maja.make_eligible()
    maja.register()
    assert maja.heading() == f"{code} gets lenalidomide 10 mg"


def in_this_order(stops: list[Stop], trace: Trace) -> bool:
    """Whether the calls hold those of the tour, each made by the one that the tour says, in the tour's order."""
    calls = iter(trace.calls)
    missed = [stop.name for stop in stops if (stop.name, stop.caller) not in calls]
    assert not missed, f"{missed[0]} did not come in its turn; called were {trace.calls}"
    return True
