import datetime as dt
from typing import Any

import pytest

from accounts.models import User
from labs.models import Collection
from patients.models import Patient
from tests.cast import DAY_ONE, ApiClient
from tests.labs.conftest import move_to

pytestmark = pytest.mark.django_db

SAMPLES, COLLECTIONS = "studies/LEN-MAG-01/samples/", "studies/LEN-MAG-01/collections/"


def on(day: int) -> str:
    return (DAY_ONE + dt.timedelta(days=day - 1)).isoformat()


def collected(**more: Any) -> dict[str, Any]:
    return {
        "patient": "A-001", "timepoint": "after-1", "outcome": "collected", "collected_on": on(28),
        "tubes": ["edta", "serum"], **more,
    }  # fmt: skip


@pytest.fixture
def day_28(patient: Patient, coordinator_a: User) -> Patient:
    """A-001 on day 28 of cycle 1."""
    move_to(patient.study, dt.date.fromisoformat(on(28)), coordinator_a)
    return patient


# --- read ---


def test_the_schedule_says_what_is_due_when_and_in_which_tubes(day_28: Patient, edc_a: ApiClient) -> None:
    samples = edc_a.get(SAMPLES).json()["results"]
    assert [s["timepoint"] for s in samples] == [
        "pre-treatment", *(f"after-{cycle}" for cycle in (1, 2, 3, 6, 9, 12)),
    ]  # fmt: skip
    due = samples[1]
    assert (due["patient"], due["site"], due["state"], due["firm"]) == ("A-001", "A", "due", True)
    assert (due["planned_on"], due["window_from"], due["window_to"]) == (on(28), on(25), on(35))
    assert due["tubes"][0] == {
        "code": "edta", "volume_ml": "10", "colour": "purple", "additive": "EDTA", "purpose": "immediate analysis",
        "label_code": "LEN-MAG-01.A-001.C01.EDTA",
    }  # fmt: skip


def test_the_schedule_can_be_narrowed(day_28: Patient, edc_a: ApiClient) -> None:
    assert [s["timepoint"] for s in edc_a.get(SAMPLES, state="due").json()["results"]] == ["after-1"]
    assert edc_a.get(SAMPLES, patient="A-999").json()["results"] == []
    refused = edc_a.get(SAMPLES, state="late")
    assert refused.status_code == 400
    assert "'late' is no state of a sample; it is one of upcoming, due" in refused.json()["state"][0]


def test_a_client_sees_its_sites_only(day_28: Patient, edc_a: ApiClient, edc_b: ApiClient) -> None:
    edc_a.post(COLLECTIONS, collected())
    assert len(edc_a.get(COLLECTIONS).json()["results"]) == 1
    assert edc_b.get(SAMPLES).json()["results"] == []
    assert edc_b.get(COLLECTIONS).json()["results"] == []


# --- write ---


def test_a_collection_is_written_by_the_same_operation(day_28: Patient, edc_a: ApiClient) -> None:
    answer = edc_a.post(COLLECTIONS, collected(tubes=["edta"]))
    assert answer.status_code == 201
    assert answer.json()["tubes"] == [
        {"kind": "edta", "label": "LEN-MAG-01.A-001.C01.EDTA", "collected": True},
        {"kind": "serum", "label": "LEN-MAG-01.A-001.C01.SERUM", "collected": False},
    ]
    assert Collection.objects.get().recorded_by.username == "edc-a"


def test_a_missed_sample_is_written_with_its_reason(day_28: Patient, edc_a: ApiClient) -> None:
    missed = {"patient": "A-001", "timepoint": "after-1", "outcome": "missed", "missed_reason": "No vein found"}
    assert edc_a.post(COLLECTIONS, missed).json()["missed_reason"] == "No vein found"


def test_a_refusal_is_409_with_code_sentence_and_field(day_28: Patient, edc_a: ApiClient) -> None:
    refused = edc_a.post(COLLECTIONS, collected(collected_on=on(20)))
    assert refused.status_code == 409
    assert (refused.json()["code"], refused.json()["field"]) == ("out-of-window", "out_of_window_reason")
    assert "lies outside the window" in refused.json()["detail"]
    without_reason = {"patient": "A-001", "timepoint": "after-1", "outcome": "missed"}
    assert edc_a.post(COLLECTIONS, without_reason).json()["code"] == "reason-needed"
    assert edc_a.post(COLLECTIONS, collected(timepoint="after-24")).json()["code"] == "not-planned"
    assert not Collection.objects.exists()


def test_a_collected_sample_without_its_day_is_bad_input(day_28: Patient, edc_a: ApiClient) -> None:
    body = collected()
    del body["collected_on"]
    assert edc_a.post(COLLECTIONS, body).status_code == 400


def test_the_same_key_writes_once(day_28: Patient, edc_a: ApiClient) -> None:
    first, again = (edc_a.post(COLLECTIONS, collected(), key="retry-0001") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert edc_a.post(COLLECTIONS, collected()).json()["code"] == "already-recorded"


def test_another_sites_patient_is_not_found(day_28: Patient, edc_b: ApiClient) -> None:
    assert edc_b.post(COLLECTIONS, collected()).status_code == 404
