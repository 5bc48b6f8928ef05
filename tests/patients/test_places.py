"""Which places can be taken and when treatment can be planned: replacements that are not needed, far-off starts."""

import datetime as dt

import pytest

from accounts.models import User
from dosing.operations import issue_recommendation
from patients.models import Patient
from patients.operations import (
    correct_window_assessment,
    register_patient,
    replace_patient,
    reserve_for_patient,
)
from patients.operations.registration import held_slot
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import on_treatment, window_closed
from tests.patients.steps import again, eligible, registered
from trials.errors import Refused
from trials.models import Slot, Study

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


@pytest.fixture
def replaced(study: Study, coordinator_a: User) -> tuple[Patient, dt.date]:
    """Not evaluable after 20 % of the doses, and a place added for somebody else."""
    patient = on_treatment(study, coordinator_a, DAY_ONE)
    on = window_closed(patient, coordinator_a, share=0.2)
    replace_patient(patient=again(patient), by=coordinator_a, at=moment(on))
    return again(patient), on


def _counts_after_all(patient: Patient, by: User, on: dt.date, taken: int = 21) -> None:
    assessment = again(patient).window_assessment
    correct_window_assessment(assessment=assessment, taken=taken, reason="diary found", by=by, at=moment(on))


def test_the_place_of_a_replacement_is_given_out(
    study: Study, replaced: tuple[Patient, dt.date], coordinator_a: User
) -> None:
    patient, on = replaced
    someone = registered(study.sites.get(code="A"), coordinator_a, on)
    assert someone.slot.replaces == patient.slot


def test_a_replacement_that_is_not_needed_any_more_is_not_waited_for(
    study: Study, replaced: tuple[Patient, dt.date], pi: User, coordinator_a: User
) -> None:
    patient, on = replaced
    _counts_after_all(patient, coordinator_a, on)
    assert issue_recommendation(study=study, by=pi, at=moment(on)).number == 1


def test_a_replacement_that_is_not_needed_any_more_is_not_given_out(
    study: Study, replaced: tuple[Patient, dt.date], coordinator_a: User
) -> None:
    patient, on = replaced
    _counts_after_all(patient, coordinator_a, on)
    other = eligible(study.sites.get(code="A"), coordinator_a, on)
    with pytest.raises(Refused, match="The one slot is used") as refused:
        register_patient(patient=other, planned_start=on, by=coordinator_a, at=moment(on))
    assert refused.value.code == "no-open-slot"
    with pytest.raises(Refused) as not_held:
        reserve_for_patient(patient=other, by=coordinator_a, at=moment(on))
    assert not_held.value.code == "no-open-slot"

    _counts_after_all(patient, coordinator_a, on, taken=3)
    assert register_patient(patient=other, planned_start=on, by=coordinator_a, at=moment(on)).slot.replaces


def test_a_reservation_of_a_place_that_is_not_needed_any_more_counts_no_longer(
    study: Study, replaced: tuple[Patient, dt.date], coordinator_a: User
) -> None:
    patient, on = replaced
    other = eligible(study.sites.get(code="A"), coordinator_a, on)
    slot: Slot = reserve_for_patient(patient=other, by=coordinator_a, at=moment(on))
    assert held_slot(again(other), moment(on)) == slot
    _counts_after_all(patient, coordinator_a, on)
    assert held_slot(again(other), moment(on)) is None
    with pytest.raises(Refused) as refused:
        register_patient(patient=other, planned_start=on, by=coordinator_a, at=moment(on))
    assert refused.value.code == "no-open-slot"


def test_treatment_starts_within_ninety_days_of_registration(study: Study, coordinator_a: User) -> None:
    patient = eligible(study.sites.get(code="A"), coordinator_a)
    for start in (DAY_ONE + 91 * DAY, dt.date(9999, 12, 20)):
        with pytest.raises(Refused, match="within 90 days") as refused:
            register_patient(patient=patient, planned_start=start, by=coordinator_a, at=moment(DAY_ONE))
        assert (refused.value.code, refused.value.field) == ("start-too-far", "planned_start")
    last = DAY_ONE + 90 * DAY
    assert (
        register_patient(patient=patient, planned_start=last, by=coordinator_a, at=moment(DAY_ONE)).planned_start
        == last
    )
