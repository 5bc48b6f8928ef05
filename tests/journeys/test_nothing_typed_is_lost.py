"""What a person has typed survives a refusal, a wrong password and the end of a session."""

import datetime as dt

import pytest
from playwright.sync_api import expect

from accounts.models import User
from dosing.models import Decision
from dosing.operations import issue_recommendation
from patients.models import AdverseEvent, Patient
from tests.cast import DAY_ONE, PASSWORD, moment
from tests.dosing.steps import evaluated, on_treatment
from tests.journeys.people import Someone
from trials.models import Study
from trials.operations import move_rehearsal_day

pytestmark = pytest.mark.browser

TOMORROW = "2026-01-13"
DETAIL = "Found at the visit of the ninth"


@pytest.fixture
def patient(study: Study, coordinator_a: User, rung: User) -> Patient:
    """In the DLT window at 10 mg; it is day 8."""
    treated = on_treatment(study, coordinator_a, DAY_ONE)
    move_rehearsal_day(study=study, days=7, by=rung, at=moment(DAY_ONE))
    return treated


@pytest.mark.req("R3-4.2.1")
def test_a_refused_form_keeps_everything(patient: Patient, mia: Someone) -> None:
    given_an_event_is_typed(mia, patient, began_on=TOMORROW)
    mia.press("Save")
    mia.sees("It cannot have begun after today")
    then_the_event_is_still_there(mia, began_on=TOMORROW)
    assert not AdverseEvent.objects.exists()
    mia.fill("Began on", "2026-01-12")
    mia.press("Save")
    mia.sees("Fatigue, grade 2")


def test_the_end_of_a_session_in_the_middle_of_a_form_keeps_everything(patient: Patient, mia: Someone) -> None:
    given_an_event_is_typed(mia, patient, began_on="2026-01-11")
    mia.page.context.clear_cookies(name="rung_session")
    mia.press("Save")
    expect(mia.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert not AdverseEvent.objects.exists()
    mia.fill("Username", "coordinator-a")
    mia.fill("Password", PASSWORD)
    mia.press("Sign in")
    mia.sees("was kept. It is not saved yet.")
    then_the_event_is_still_there(mia, began_on="2026-01-11")
    mia.press("Save")
    mia.sees("Fatigue, grade 2")


def test_a_session_that_ends_before_the_last_answers_are_typed_keeps_them_too(patient: Patient, mia: Someone) -> None:
    """The page asks the server about the rules while one types; that it is answered by the sign-in changes nothing."""
    mia.open(f"patients/{patient.code}/event/")
    mia.type_event("Fatigue", 2)
    mia.page.context.clear_cookies(name="rung_session")
    mia.fill("More precisely", DETAIL)
    with mia.page.expect_response("**/sign-in/**"):
        mia.fill("Began on", "2026-01-11")
        mia.page.get_by_label("Serious").check()
    mia.sees("You have been signed out. What you typed is still here")
    then_the_event_is_still_there(mia, began_on="2026-01-11")
    mia.press("Save")
    mia.fill("Username", "coordinator-a")
    mia.fill("Password", PASSWORD)
    mia.press("Sign in")
    then_the_event_is_still_there(mia, began_on="2026-01-11")


def test_somebody_else_who_signs_in_at_the_same_browser_sees_nothing_of_it(
    patient: Patient, mia: Someone, pi: User
) -> None:
    given_an_event_is_typed(mia, patient, began_on="2026-01-11")
    mia.page.context.clear_cookies(name="rung_session")
    mia.sign_in(pi.username, PASSWORD)
    mia.open(f"patients/{patient.code}/event/")
    expect(mia.page.get_by_role("combobox", name="What happened")).to_have_value("")
    expect(mia.page.get_by_label("More precisely")).to_have_value("")


def test_a_wrong_password_keeps_the_choice_and_the_comment(
    study: Study, coordinator_a: User, rung: User, pi: User, rivera: Someone
) -> None:
    given_a_recommendation_to_escalate(study, coordinator_a, pi, rung)
    rivera.open("decision/")
    rivera.choose("Choose", "Stay at 10 mg")
    rivera.fill("Patients in the next cohort", "2")
    rivera.fill("Comment", "The first patient was unusually fit.")
    rivera.sign("not my password")
    rivera.sees("Not signed yet")
    assert not Decision.objects.exists()
    expect(rivera.page.get_by_role("radio", name="Stay at 10 mg")).to_be_checked()
    expect(rivera.page.get_by_label("Patients in the next cohort")).to_have_value("2")
    expect(rivera.page.get_by_label("Comment")).to_have_value("The first patient was unusually fit.")
    expect(rivera.page.get_by_label("Password")).to_have_value("")
    rivera.sign()
    rivera.sees("You have signed.", "10 mg, lower than recommended, 2 patients in the next cohort")


def given_an_event_is_typed(mia: Someone, patient: Patient, began_on: str) -> None:
    mia.open(f"patients/{patient.code}/event/")
    mia.type_event("Fatigue", 2)
    mia.fill("More precisely", DETAIL)
    mia.fill("Began on", began_on)
    mia.page.get_by_label("Serious").check()


def then_the_event_is_still_there(mia: Someone, began_on: str) -> None:
    page = mia.page
    expect(page.get_by_role("combobox", name="What happened")).to_have_value("Fatigue")
    expect(page.locator("input[name=shown_term]")).to_have_value("Fatigue")
    expect(page.get_by_label("More precisely")).to_have_value(DETAIL)
    expect(page.get_by_role("group", name="Grade").get_by_role("radio", checked=True)).to_have_value("2")
    expect(page.get_by_label("Began on")).to_have_value(began_on)
    expect(page.get_by_label("Related to lenalidomide")).to_have_value("probable")
    expect(page.get_by_label("Related to dexamethasone")).to_have_value("unrelated")
    expect(page.get_by_label("Serious")).to_be_checked()


def given_a_recommendation_to_escalate(study: Study, coordinator_a: User, pi: User, rung: User) -> None:
    _, on = evaluated(study, coordinator_a, DAY_ONE)
    move_rehearsal_day(study=study, days=(on - DAY_ONE).days, by=rung, at=moment(on))
    issue_recommendation(study=study, by=pi, at=moment(on) - dt.timedelta(minutes=1))
