import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.operations import deactivate_person
from tests.cast import DAY_ONE, ApiClient, moment, person
from trials.models import Site, Study

pytestmark = pytest.mark.django_db


def test_a_client_reads_its_studies(study: Study, edc_a: ApiClient) -> None:
    answer = edc_a.get("studies/").json()
    assert [found["key"] for found in answer["results"]] == ["LEN-MAG-01"]
    assert answer["results"][0]["today"] == "2026-01-05"


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


def test_nobody_gets_in_without_a_token(study: Study) -> None:
    assert APIClient().get("/api/v1/studies/").status_code == 401


def test_a_person_signed_in_to_the_pages_is_nobody_to_the_api(study: Study, coordinator_a: User) -> None:
    browser = APIClient()
    browser.force_login(coordinator_a)
    assert browser.get("/api/v1/studies/").status_code == 401


def test_a_closed_client_gets_no_answer(study: Study, site_a: Site, edc_a: ApiClient, rung: User) -> None:
    deactivate_person(person=User.objects.get(username="edc-a"), reason="contract ended", by=rung, at=moment(DAY_ONE))
    assert edc_a.get("studies/").status_code == 401


def test_the_schema_and_its_page_need_no_outside_host(client: APIClient) -> None:
    assert client.get("/api/v1/schema/").status_code == 200
    page = client.get("/api/v1/docs/").content.decode()
    assert "http://" not in page
    assert "https://" not in page
