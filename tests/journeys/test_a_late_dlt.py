"""A DLT that is told late: the decision that was signed stands as it was, is marked, and is asked about again."""

import datetime as dt

import pytest
from django.core.management import call_command

from accounts.models import User
from dosing.queries.replay import replay
from patients.models import Patient
from reminders.operations import plan_reminders
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import decide, evaluated
from tests.journeys.people import Someone
from trials import clock
from trials.models import Study
from trials.operations import move_rehearsal_day

pytestmark = pytest.mark.browser

SIGNED, LATE = 2, "20"


@pytest.fixture
def first_at_15_mg(
    study: Study, pi: User, medical_monitor: User, statistician: User, coordinator_a: User, rung: User
) -> Patient:
    """One patient at 10 mg and one at 15 mg without a DLT; decision 2, to escalate to 25 mg, is signed."""
    _, on = evaluated(study, coordinator_a, DAY_ONE)
    decide(study, on)
    patient, on = evaluated(study, coordinator_a, on)
    decide(study, on)
    move_rehearsal_day(study=study, days=(on - DAY_ONE).days + 1, by=rung, at=moment(on + dt.timedelta(days=1)))
    return patient


def test_a_late_dlt_marks_the_signed_decision_tells_the_signers_and_asks_for_a_new_one(
    first_at_15_mg: Patient, study: Study, rung: User, mia: Someone, rivera: Someone, okafor: Someone
) -> None:
    given_the_decision_was_signed_on_other_data(rivera)
    when_a_dlt_of_the_window_that_has_closed_is_recorded(mia, first_at_15_mg)
    then_the_decision_says_what_changed_and_stands(rivera, first_at_15_mg)
    and_the_signers_are_told(study, rung, rivera, okafor)
    and_a_new_recommendation_is_asked_for_and_signed(mia, rivera, okafor)
    then_every_stored_recommendation_is_repeated_by_the_engine(study)


def given_the_decision_was_signed_on_other_data(rivera: Someone) -> None:
    rivera.open(f"decisions/{SIGNED}/")
    assert rivera.heading() == "Escalate to 25 mg"
    assert not rivera.page.get_by_role("heading", name="Inputs changed since signing").is_visible()


def when_a_dlt_of_the_window_that_has_closed_is_recorded(mia: Someone, patient: Patient) -> None:
    began = patient.cycles.get(number=1).started_on + dt.timedelta(days=20)
    mia.open(f"patients/{patient.code}/event/")
    mia.fill("Began on", began.isoformat())
    mia.type_event("Febrile neutropenia", 3)
    mia.choose("Your judgement", "It is a DLT")
    mia.press("Save")
    mia.sees("Febrile neutropenia, grade 3")


def then_the_decision_says_what_changed_and_stands(rivera: Someone, patient: Patient) -> None:
    rivera.open(f"decisions/{SIGNED}/")
    rivera.sees("Inputs changed since signing", "The signed decision is not altered by it.")
    rivera.sees(f"{patient.code} at 15 mg: evaluable, no DLT → DLT")
    assert rivera.heading() == "Escalate to 25 mg"
    rivera.open("decisions/")
    marked = rivera.page.get_by_role("row").filter(has_text="inputs changed since signing")
    assert marked.get_by_role("link").all_inner_texts() == ["Escalate to 25 mg", f"PDF\ndossier of decision {SIGNED}"]


def and_the_signers_are_told(study: Study, rung: User, *signers: Someone) -> None:
    """The worker's sweep plans the messages; here it is called for once."""
    study.refresh_from_db()
    plan_reminders(study=study, by=rung, at=clock.now(study))
    for signer in signers:
        signer.open()
        signer.sees("Data behind decision 2 changed since it was signed")
    signers[0].open("reminders/")
    signers[0].sees("changed")
    told = study.reminders.filter(item__startswith="inputs").values_list("person__full_name", flat=True)
    assert sorted(told) == sorted(signer.full_name for signer in signers)


def and_a_new_recommendation_is_asked_for_and_signed(mia: Someone, rivera: Someone, okafor: Someone) -> None:
    mia.open("study/")
    mia.sees("A signed decision has to be reconsidered")
    mia.press("Ask for the recommendation")
    lower = mia.heading()
    assert lower == "De-escalate to 10 mg"
    rivera.decide(1)
    okafor.sign_too()
    okafor.sees("Cohort 4 is open at 10 mg: 1 slot is free.")


def then_every_stored_recommendation_is_repeated_by_the_engine(study: Study) -> None:
    assert study.recommendations.count() == 3
    assert replay(study) == []
    call_command("replay", study.key)
