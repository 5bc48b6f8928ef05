"""'Not a DLT' stands only for what was judged: a correction that makes it something else asks for a new judgement."""

import datetime as dt
from typing import Any

import pytest

from accounts.models import User
from patients.evaluability import MissingKind, PatientStanding, Standing
from patients.models import AdverseEvent, DltAssessment, Patient
from patients.operations import assess_dlt, assess_window, correct_adverse_event, correct_cycle_start
from patients.operations.assessments import loaded_event, loaded_patient, standing_now
from reminders.candidates import candidates
from tests.cast import moment
from tests.patients.events import RELATED, recorded
from tests.patients.steps import day, treated
from tests.patients.test_events import refusal
from trials.models import Site


@pytest.fixture
def patient(site_a: Site, coordinator_a: User) -> Patient:
    """Treated from day 1; the window has ended on day 28 and its doses are entered."""
    patient = treated(site_a, coordinator_a)
    assess_window(patient=patient, taken=21, by=coordinator_a, at=moment(day(29)))
    return patient


def standing(patient: Patient, number: int) -> PatientStanding:
    return standing_now(loaded_patient(patient), moment(day(number)))


def judged_not(event: AdverseEvent, by: User, number: int = 30) -> DltAssessment:
    return assess_dlt(event=event, is_dlt=False, rationale="no loperamide was given", by=by, at=moment(day(number)))


def corrected(event: AdverseEvent, by: User, **changes: Any) -> AdverseEvent:
    return correct_adverse_event(event=event, changes=changes, reason="the source says so", by=by, at=moment(day(31)))


def is_asked_for(patient: Patient) -> bool:
    """Whether the judgement is among what is due, found without loading the patient whole."""
    found = candidates(patient.study, [patient.site_id], day(31))
    return any(candidate.judgements for candidate in found)


def test_a_judgement_keeps_what_was_judged(patient: Patient, coordinator_a: User, investigator_a: User) -> None:
    judged = judged_not(recorded(patient, coordinator_a, day(10), at_day=day(30)), investigator_a)
    assert (judged.term, judged.grade, judged.onset_on) == ("Diarrhea", 3, day(10))
    assert (judged.relations, judged.in_window) == (RELATED, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"term": "Hepatic failure"},
        {"grade": 4},
        {"relations": {"lenalidomide": "definite"}},
        {"detail": "with bleeding"},
    ],
    ids=["term", "grade", "relation", "detail"],
)
def test_another_toxicity_is_judged_anew(
    patient: Patient, coordinator_a: User, investigator_a: User, changes: dict[str, Any]
) -> None:
    event = recorded(patient, coordinator_a, day(10), at_day=day(30))
    judged_not(event, investigator_a)
    assert (standing(patient, 31).standing, is_asked_for(patient)) == (Standing.EVALUABLE_NO_DLT, False)
    event = corrected(event, coordinator_a, **changes)
    found = standing(patient, 31)
    assert (found.standing, [m.kind for m in found.missing]) == (Standing.PENDING, [MissingKind.JUDGEMENT])
    assert is_asked_for(patient)
    judged_not(event, investigator_a, 31)
    assert (standing(patient, 31).standing, is_asked_for(patient)) == (Standing.EVALUABLE_NO_DLT, False)


def test_a_grade_raised_in_two_steps_is_judged_anew(
    patient: Patient, coordinator_a: User, investigator_a: User
) -> None:
    event = recorded(patient, coordinator_a, day(10), at_day=day(30))
    judged_not(event, investigator_a)
    event = corrected(event, coordinator_a, grade=2)
    assert standing(patient, 31).standing == Standing.EVALUABLE_NO_DLT
    corrected(event, coordinator_a, grade=4)
    assert standing(patient, 31).standing == Standing.PENDING


def test_another_day_in_the_window_changes_nothing(patient: Patient, coordinator_a: User, investigator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(10), at_day=day(30))
    judged_not(event, investigator_a)
    event = corrected(event, coordinator_a, onset_on=day(12), serious=True)
    assert standing(patient, 31).standing == Standing.EVALUABLE_NO_DLT
    with refusal("judged-so-already"):
        judged_not(loaded_event(event), investigator_a, 31)


def test_not_a_dlt_because_it_began_later_does_not_hold_inside_the_window(
    patient: Patient, coordinator_a: User, investigator_a: User
) -> None:
    event = recorded(patient, coordinator_a, day(29), at_day=day(30))
    judged_not(event, investigator_a)
    corrected(event, coordinator_a, onset_on=day(20))
    assert standing(patient, 31).standing == Standing.PENDING
    assert is_asked_for(patient)


def test_not_a_dlt_because_it_began_later_does_not_hold_when_the_window_moves_over_it(
    site_a: Site, coordinator_a: User, investigator_a: User
) -> None:
    patient = treated(site_a, coordinator_a)
    judged_not(recorded(patient, coordinator_a, day(29)), investigator_a)
    correct_cycle_start(
        cycle=patient.cycles.get(), started_on=day(1) + dt.timedelta(days=2), reason="wrong day", by=coordinator_a,
        at=moment(day(31)),
    )  # fmt: skip
    assess_window(patient=loaded_patient(patient), taken=21, by=coordinator_a, at=moment(day(32)))
    assert standing(patient, 32).standing == Standing.PENDING
