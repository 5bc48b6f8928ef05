from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.operations import deactivate_person
from audit.context import acting
from tests.cast import DAY_ONE, ApiClient, moment, person
from trials.models import Membership, Role, Site, Study
from trials.operations import grant_role

pytestmark = pytest.mark.django_db


def test_a_client_reads_its_studies(study: Study, edc_a: ApiClient) -> None:
    answer = edc_a.get("studies/").json()
    assert [found["key"] for found in answer["results"]] == ["LEN-MAG-01"]
    assert answer["results"][0]["today"] == "2026-01-05"


@pytest.mark.req("P11-10d")
def test_a_client_without_a_role_sees_no_study(study: Study) -> None:
    stranger = ApiClient(person("stranger", "A stranger"))
    assert stranger.get("studies/").json()["results"] == []
    assert stranger.get("studies/LEN-MAG-01/cohorts/").status_code == 404


def test_the_levels_say_what_is_given(study: Study, edc_a: ApiClient) -> None:
    levels = edc_a.get("studies/LEN-MAG-01/levels/").json()["results"]
    assert [level["label"] for level in levels] == ["10 mg", "15 mg", "25 mg"]
    assert levels[1]["doses"][0] == {
        "agent": "lenalidomide",
        "amount": "15.000",
        "unit": "mg",
        "route": "oral",
        "days": list(range(1, 22)),
    }


def test_the_cohorts_show_their_slots(study: Study, edc_a: ApiClient) -> None:
    cohort = edc_a.get("studies/LEN-MAG-01/cohorts/1/").json()
    assert (cohort["level"], cohort["size"], [slot["state"] for slot in cohort["slots"]]) == (1, 1, ["open"])


@pytest.mark.req("P11-10d", "P11-10h")
def test_nobody_gets_in_without_a_token(study: Study) -> None:
    assert APIClient().get("/api/v1/studies/").status_code == 401


@pytest.mark.req("P11-10h")
def test_a_person_signed_in_to_the_pages_is_nobody_to_the_api(study: Study, coordinator_a: User) -> None:
    browser = APIClient()
    browser.force_login(coordinator_a)
    assert browser.get("/api/v1/studies/").status_code == 401


@pytest.mark.req("P11-10h", "P11-10d")
def test_a_closed_client_gets_no_answer(study: Study, site_a: Site, edc_a: ApiClient, rung: User) -> None:
    deactivate_person(person=User.objects.get(username="edc-a"), reason="contract ended", by=rung, at=moment(DAY_ONE))
    assert edc_a.get("studies/").status_code == 401


def test_the_schema_and_its_page_need_no_outside_host(client: APIClient) -> None:
    assert client.get("/api/v1/schema/").status_code == 200
    page = client.get("/api/v1/docs/").content.decode()
    assert "http://" not in page
    assert "https://" not in page


# --- a write sent again ---


@pytest.fixture
def screened(study: Study, edc_a: ApiClient) -> dict[str, Any]:
    """What the client sent and was answered."""
    sent = {
        "path": "studies/LEN-MAG-01/patients/",
        "body": {"site": "A", "screened_on": "2026-01-05"},
        "key": "one-key-1",
    }
    assert edc_a.post(**sent).status_code == 201
    return sent


@pytest.mark.req("R3-4.2.5", "EMA-6.1.2", "P11-10h")
def test_a_write_sent_again_gets_its_first_answer(screened: dict[str, Any], edc_a: ApiClient) -> None:
    answer = edc_a.post(**screened)
    assert (answer.status_code, answer["Idempotent-Replay"], answer.json()["code"]) == (201, "true", "A-001")


def test_no_old_answer_for_a_client_whose_role_has_ended(
    study: Study, screened: dict[str, Any], edc_a: ApiClient, rung: User
) -> None:
    with acting(rung, "contract ended"):
        Membership.objects.filter(user__username="edc-a").update(ended_at=moment(DAY_ONE))
    assert edc_a.post(**screened).status_code == 404


def test_no_old_answer_about_a_site_that_the_client_has_left(
    study: Study, screened: dict[str, Any], edc_a: ApiClient, site_b: Site, rung: User
) -> None:
    client = User.objects.get(username="edc-a")
    with acting(rung, "it moves"):
        Membership.objects.filter(user=client).update(ended_at=moment(DAY_ONE))
    grant_role(study=study, person=client, role=Role.EDC, site=site_b, by=rung, at=moment(DAY_ONE))
    answer = edc_a.post(**screened)
    assert answer.status_code == 404
    assert "A-001" not in answer.content.decode()


# --- what is not there ---


def test_a_study_that_is_not_live_yet_has_nothing_to_tell(draft_study: Study, rung: User) -> None:
    early = person("edc-early", "An early client")
    grant_role(study=draft_study, person=early, role=Role.EDC, by=rung, at=moment(DAY_ONE))
    client = ApiClient(early)
    for path in ("levels", "cohorts", "patients", "events", "recommendations", "decisions"):
        answer = client.get(f"studies/LEN-MAG-01/{path}/")
        assert (answer.status_code, answer.json()["results"]) == (200, []), path
    assert client.get("studies/LEN-MAG-01/levels/1/").status_code == 404


@pytest.mark.parametrize("path", ["patients/A%00/", "patients/A%00/cycles/", "patients/A%00/events/"])
def test_an_address_with_what_no_code_has_is_not_found(study: Study, edc_a: ApiClient, path: str) -> None:
    assert edc_a.http.get(f"/api/v1/studies/LEN-MAG-01/{path}").status_code == 404
