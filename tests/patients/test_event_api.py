"""Adverse events, DLT judgements and the DLT window over REST: the pages' operations, the same refusals."""

from typing import Any

import pytest

from accounts.models import User
from patients.models import AdverseEvent, DltAssessment, Patient, WindowAssessment
from tests.cast import ApiClient
from tests.patients.events import RELATED, recorded
from tests.patients.steps import day, screened, treated
from tests.patients.test_pages import move_to
from trials.models import Site, Study

pytestmark = pytest.mark.django_db

HERE = "studies/LEN-MAG-01/"
DIARRHEA = {"term": "diarrhea", "grade": 3, "onset_on": "2026-01-05", "relations": RELATED}


@pytest.fixture
def patient(site_a: Site, coordinator_a: User) -> Patient:
    return treated(site_a, coordinator_a)


def test_an_event_is_recorded_judged_corrected_and_resolved(patient: Patient, edc_a: ApiClient) -> None:
    answer = edc_a.post(f"{HERE}patients/A-001/events/", DIARRHEA)
    assert answer.status_code == 201
    event = answer.json()
    assert (event["patient"], event["term"], event["relations"]) == ("A-001", "Diarrhea", RELATED)
    one = f"{HERE}events/{event['id']}/"
    judged = edc_a.post(f"{one}dlt-assessments/", {"is_dlt": True})
    assert judged.status_code == 201
    assert [(j["is_dlt"], j["rule"], j["confirmed"]) for j in judged.json()["dlt_assessments"]] == [(True, "c", False)]
    corrected = edc_a.post(f"{one}correct/", {"grade": 4, "reason": "misread"})
    assert (corrected.status_code, corrected.json()["grade"], corrected.json()["relations"]) == (200, 4, RELATED)
    assert edc_a.post(f"{one}resolve/", {"resolved_on": "2026-01-05"}).json()["resolved_on"] == "2026-01-05"
    assert edc_a.get(one).json()["grade"] == 4
    assert [e["id"] for e in edc_a.get(f"{HERE}patients/A-001/events/").json()["results"]] == [event["id"]]
    assert [j["event"] for j in edc_a.get(f"{HERE}dlt-assessments/").json()["results"]] == [event["id"]]


def test_recorded_and_judged_at_once(patient: Patient, edc_a: ApiClient) -> None:
    answer = edc_a.post(f"{HERE}patients/A-001/events/", {**DIARRHEA, "is_dlt": True})
    assert answer.status_code == 201
    assert DltAssessment.objects.get().is_dlt


def test_events_are_found_by_patient_and_grade(patient: Patient, coordinator_a: User, edc_a: ApiClient) -> None:
    recorded(patient, coordinator_a, day(1))
    recorded(patient, coordinator_a, day(1), term="Nausea", grade=1)

    def found(**query: Any) -> list[str]:
        return [e["term"] for e in edc_a.get(f"{HERE}events/", **query).json()["results"]]

    assert found() == ["Diarrhea", "Nausea"]
    assert found(minimum_grade=2) == ["Diarrhea"]
    assert found(patient="A-002") == []


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"term": "Runny tummy"}, "term-unknown", "term"),
        ({"onset_on": "2026-01-06"}, "date-in-future", "onset_on"),
        ({"relations": {"lenalidomide": "possible"}}, "relation-needed", "relation_dexamethasone"),
        ({"is_dlt": False}, "rationale-needed", "rationale"),
    ],
)
def test_a_refusal_is_409_with_code_and_sentence(
    patient: Patient, edc_a: ApiClient, change: dict[str, Any], code: str, field: str
) -> None:
    answer = edc_a.post(f"{HERE}patients/A-001/events/", {**DIARRHEA, **change})
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["field"]) == (code, field)
    assert not AdverseEvent.objects.exists()


def test_what_is_no_grade_is_400(patient: Patient, edc_a: ApiClient) -> None:
    answer = edc_a.post(f"{HERE}patients/A-001/events/", {**DIARRHEA, "grade": 6})
    assert (answer.status_code, list(answer.json())) == (400, ["grade"])


def test_before_registration_it_is_refused(site_a: Site, coordinator_a: User, edc_a: ApiClient) -> None:
    screened(site_a, coordinator_a)
    assert edc_a.post(f"{HERE}patients/A-001/events/", DIARRHEA).json()["code"] == "not-registered"


def test_another_sites_client_sees_and_writes_nothing(patient: Patient, coordinator_a: User, edc_b: ApiClient) -> None:
    event = recorded(patient, coordinator_a, day(1))
    assert edc_b.get(f"{HERE}events/").json()["results"] == []
    assert edc_b.get(f"{HERE}events/{event.pk}/").status_code == 404
    assert edc_b.get(f"{HERE}dlt-assessments/").json()["results"] == []
    assert edc_b.post(f"{HERE}patients/A-001/events/", DIARRHEA).status_code == 404
    assert edc_b.post(f"{HERE}events/{event.pk}/dlt-assessments/", {"is_dlt": True}).status_code == 404
    assert not DltAssessment.objects.exists()


def test_a_retry_writes_once(patient: Patient, edc_a: ApiClient) -> None:
    first, second = (edc_a.post(f"{HERE}patients/A-001/events/", DIARRHEA, key="event-0001") for _ in range(2))
    assert first.json() == second.json()
    assert AdverseEvent.objects.count() == 1


def test_the_doses_of_the_window_and_their_correction(
    patient: Patient, study: Study, rung: User, edc_a: ApiClient
) -> None:
    path = f"{HERE}patients/A-001/dlt-window/"
    assert edc_a.post(path, {"taken": 21}).json()["code"] == "window-open"
    move_to(study, day(29), rung)
    assert edc_a.post(path, {"taken": 21}).json()["planned"] == 21
    assert edc_a.post(path, {"taken": 20}).json()["code"] == "already-assessed"
    assert edc_a.post(path, {"taken": 20, "reason": "diary found"}).status_code == 201
    assert WindowAssessment.objects.get().taken == 20
    assert edc_a.get(path).json()["results"][0]["taken"] == 20
