"""The doses of the DLT window are doses that were possible, and agree with the doses of the cycle."""

from typing import Any

import pytest

from accounts.models import User
from patients.evaluability import MissingKind, PatientStanding, Standing
from patients.models import Patient, WindowAssessment
from patients.operations import (
    assess_window,
    correct_discontinuation,
    correct_window_assessment,
    discontinue,
    interrupt_dosing,
    record_doses,
    resume_dosing,
)
from patients.operations.assessments import loaded_patient, standing_now
from reminders.candidates import candidates
from reminders.items import Kind
from reminders.patient_items import items_of_patient, with_schedule
from tests.cast import moment
from tests.patients.steps import day, treated
from tests.patients.test_events import refusal
from trials.models import Site


@pytest.fixture
def patient(site_a: Site, coordinator_a: User) -> Patient:
    """Treated from day 1: the window ends on day 28, lenalidomide is planned on days 1 to 21."""
    return treated(site_a, coordinator_a)


def enter(patient: Patient, by: User, taken: int, number: int = 29) -> WindowAssessment:
    return assess_window(patient=patient, taken=taken, by=by, at=moment(day(number)))


def correct(patient: Patient, by: User, taken: int) -> WindowAssessment:
    made = WindowAssessment.objects.get(patient=patient)
    return correct_window_assessment(assessment=made, taken=taken, reason="diary", by=by, at=moment(day(31)))


def end(patient: Patient, by: User, on: int, recorded: int) -> Any:
    at = moment(day(recorded))
    return discontinue(patient=patient, reason_code="patient-request", on=day(on), by=by, at=at)


def count(patient: Patient, by: User, taken: int, **more: Any) -> None:
    cycle = patient.cycles.get()
    record_doses(cycle=cycle, agent="lenalidomide", taken=taken, by=by, at=moment(day(30)), **more)


def standing(patient: Patient, number: int = 31) -> PatientStanding:
    return standing_now(loaded_patient(patient), moment(day(number)))


def window_is_due(patient: Patient) -> bool:
    today = day(31)
    return any(
        item.kind is Kind.WINDOW
        for candidate in candidates(patient.study, [patient.site_id], today)
        for found in with_schedule(Patient.objects.filter(pk=candidate.patient_id))
        for item in items_of_patient(found, candidate, today, today)
    )


def test_no_more_doses_than_until_treatment_ended(patient: Patient, coordinator_a: User) -> None:
    end(patient, coordinator_a, on=3, recorded=4)
    with refusal("doses-out-of-range"):
        enter(patient, coordinator_a, 4)
    enter(patient, coordinator_a, 3)
    assert standing(patient).standing == Standing.NOT_EVALUABLE
    with refusal("doses-out-of-range"):
        correct(patient, coordinator_a, 21)


def test_days_of_an_interruption_are_no_doses(patient: Patient, coordinator_a: User) -> None:
    missed = interrupt_dosing(
        cycle=patient.cycles.get(), agent="lenalidomide", from_day=day(15), to_day=None, reason="rash",
        by=coordinator_a, at=moment(day(15)),
    )  # fmt: skip
    with refusal("doses-out-of-range"):
        enter(patient, coordinator_a, 15)
    resume_dosing(interruption=missed, to_day=day(18), by=coordinator_a, at=moment(day(18)))
    with refusal("doses-out-of-range"):
        enter(patient, coordinator_a, 18)
    enter(patient, coordinator_a, 17)
    assert standing(patient).standing == Standing.EVALUABLE_NO_DLT


def test_an_interruption_of_the_other_agent_takes_none_away(patient: Patient, coordinator_a: User) -> None:
    interrupt_dosing(
        cycle=patient.cycles.get(), agent="dexamethasone", from_day=day(1), to_day=day(28), reason="glucose",
        by=coordinator_a, at=moment(day(2)),
    )  # fmt: skip
    assert enter(patient, coordinator_a, 21).taken == 21


def test_a_late_backdated_end_of_treatment_asks_for_the_doses_again(patient: Patient, coordinator_a: User) -> None:
    enter(patient, coordinator_a, 21)
    assert (standing(patient).standing, window_is_due(patient)) == (Standing.EVALUABLE_NO_DLT, False)
    end(patient, coordinator_a, on=3, recorded=30)
    found = standing(patient)
    assert (found.standing, [m.kind for m in found.missing]) == (Standing.PENDING, [MissingKind.WINDOW_ASSESSMENT])
    assert found.reason == "The doses entered for the DLT window do not fit it any more: correct them."
    assert window_is_due(patient)
    correct(patient, coordinator_a, 3)
    assert (standing(patient).standing, window_is_due(patient)) == (Standing.NOT_EVALUABLE, False)


def test_an_end_corrected_to_an_earlier_day_asks_for_them_too(patient: Patient, coordinator_a: User) -> None:
    ended = end(patient, coordinator_a, on=20, recorded=21)
    enter(patient, coordinator_a, 20)
    correct_discontinuation(
        discontinuation=ended, reason_code="patient-request", on=day(10), detail="", reason="typo", by=coordinator_a,
        at=moment(day(30)),
    )  # fmt: skip
    assert standing(patient).standing == Standing.PENDING
    assert window_is_due(patient)


def test_an_interruption_recorded_later_asks_for_them_only_where_they_do_not_fit(
    patient: Patient, coordinator_a: User
) -> None:
    enter(patient, coordinator_a, 18)
    for first, last, expected in ((19, 21, Standing.EVALUABLE_NO_DLT), (10, 10, Standing.PENDING)):
        interrupt_dosing(
            cycle=patient.cycles.get(), agent="lenalidomide", from_day=day(first), to_day=day(last), reason="rash",
            by=coordinator_a, at=moment(day(30)),
        )  # fmt: skip
        assert standing(patient).standing == expected
        assert window_is_due(patient) == (expected == Standing.PENDING)


def test_no_more_in_the_window_than_in_the_cycle(patient: Patient, coordinator_a: User) -> None:
    count(patient, coordinator_a, 3)
    with refusal("doses-disagree"):
        enter(patient, coordinator_a, 21, 30)
    enter(patient, coordinator_a, 3, 30)
    with refusal("doses-disagree"):
        correct(patient, coordinator_a, 4)


def test_no_fewer_in_the_cycle_than_in_the_window(patient: Patient, coordinator_a: User) -> None:
    enter(patient, coordinator_a, 18)
    with refusal("doses-disagree"):
        count(patient, coordinator_a, 17)
    count(patient, coordinator_a, 21)
    with refusal("doses-disagree"):
        count(patient, coordinator_a, 17, reason="diary")
    correct(patient, coordinator_a, 17)
    count(patient, coordinator_a, 17, reason="diary")
