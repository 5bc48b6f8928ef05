"""Recommendations and decisions over REST: to read, and never to sign."""

import datetime as dt

import pytest
from django.urls import get_resolver

from accounts.models import User
from dosing.models import Decision
from dosing.operations import issue_recommendation, renew_recommendation
from tests.cast import DAY_ONE, ApiClient, moment
from tests.dosing.steps import evaluated, on_treatment, propose, sign_as, walk, with_dlt
from trials.models import Study

pytestmark = pytest.mark.django_db
ROOT = "studies/LEN-MAG-01"


@pytest.fixture
def half_signed(trial: Study, pi: User, coordinator_a: User) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    sign_as(propose(issued, on), "principal_investigator", on)


def test_a_client_reads_recommendations(half_signed: None, edc_a: ApiClient) -> None:
    [found] = edc_a.get(f"{ROOT}/recommendations/").json()["results"]
    assert (found["number"], found["action"], found["level"], found["kind"]) == (1, "escalate", 2, "dose")
    assert found["inputs"]["tally"] == {"treated": [1, 0, 0], "dlts": [0, 0, 0]}
    assert found["reason"] == "0 of 1 had a DLT: 0.00 is at most 0.236, so escalate to 15 mg"
    assert edc_a.get(f"{ROOT}/recommendations/1/").json() == found


def test_a_client_reads_decisions_with_their_signatures(half_signed: None, edc_a: ApiClient) -> None:
    [found] = edc_a.get(f"{ROOT}/decisions/").json()["results"]
    assert (found["recommendation"], found["choice"], found["level"], found["status"]) == (1, "accept", 2, "proposed")
    assert found["roles_required"] == ["principal_investigator", "medical_monitor"]
    [signature] = found["signatures"]
    assert (signature["role"], signature["signer"]) == ("principal_investigator", "pi")
    assert (signature["printed_name"], signature["valid"]) == ("Dr Ana Rivera", True)
    assert found["opened_cohort"] is None


def test_another_sites_patients_are_left_out_and_the_counts_are_whole(
    trial: Study, edc_a: ApiClient, edc_b: ApiClient, pi: User, coordinator_a: User, coordinator_b: User
) -> None:
    on = walk(trial, coordinator_a, "T")
    on_treatment(trial, coordinator_b, on, site="B")
    issue_recommendation(study=trial, by=pi, at=moment(on))
    for client, codes in ((edc_a, ["A-001"]), (edc_b, ["B-001"])):
        found = client.get(f"{ROOT}/recommendations/2/").json()
        assert [p["patient"] for p in found["inputs"]["patients"]] == codes
        assert found["inputs"]["pending"] == [1, 0, 0]


def test_signing_is_not_to_be_had(half_signed: None, trial: Study, edc_a: ApiClient) -> None:
    decision = trial.decisions.get()
    for path in ("decisions/", f"decisions/{decision.pk}/", "recommendations/", "recommendations/1/"):
        assert edc_a.post(f"{ROOT}/{path}", {"role": "medical_monitor", "password": "x"}).status_code == 405
        for method in ("put", "patch", "delete"):
            call = getattr(edc_a.http, method)
            answer = call(
                f"/api/v1/{ROOT}/{path}", {"status": "signed"}, format="json", HTTP_IDEMPOTENCY_KEY=method * 3
            )
            assert answer.status_code == 405
    for path in (f"decisions/{decision.pk}/sign/", f"decisions/{decision.pk}/signatures/", "signatures/", "sign/"):
        assert edc_a.post(f"{ROOT}/{path}").status_code == 404
    decision.refresh_from_db()
    assert decision.status == "proposed"


def test_no_address_of_the_api_speaks_of_signing() -> None:
    def addresses(resolver: object, before: str = "") -> list[str]:
        found = []
        for entry in resolver.url_patterns:  # type: ignore[attr-defined]
            path = before + str(entry.pattern)
            found += addresses(entry, path) if hasattr(entry, "url_patterns") else [path]
        return found

    api = [path for path in addresses(get_resolver()) if path.startswith("api/")]
    assert api
    assert not [path for path in api if "sign" in path or "propose" in path]


def test_a_stranger_finds_nothing(half_signed: None, outsider: User) -> None:
    assert ApiClient(outsider).get(f"{ROOT}/decisions/").status_code == 404


def test_a_client_reads_as_many_decisions_with_as_many_queries(
    trial: Study, edc_a: ApiClient, coordinator_a: User, django_assert_max_num_queries: object
) -> None:
    walk(trial, coordinator_a, "NTN")
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        assert len(edc_a.get(f"{ROOT}/decisions/").json()["results"]) == 3


def test_another_sites_patients_are_not_named_in_what_people_wrote(
    trial: Study, edc_a: ApiClient, edc_b: ApiClient, pi: User, coordinator_a: User
) -> None:
    """Withdrawn since the data of A-001 changed; then a hold with a comment on A-001."""
    patient, on = evaluated(trial, coordinator_a, DAY_ONE)
    propose(issue_recommendation(study=trial, by=pi, at=moment(on)), on)
    with_dlt(patient, coordinator_a, DAY_ONE + dt.timedelta(days=5))
    issued = renew_recommendation(study=trial, by=pi, at=moment(on))
    assert issued is not None
    propose(issued, on, Decision.Choice.HOLD, comment="A-001 is looked at again")
    withdrawn, held = edc_a.get(f"{ROOT}/decisions/").json()["results"]
    assert "A-001" in withdrawn["withdrawn_reason"]
    assert held["comment"] == "A-001 is looked at again"
    withdrawn, held = edc_b.get(f"{ROOT}/decisions/").json()["results"]
    assert "A-001" not in withdrawn["withdrawn_reason"]
    assert held["comment"] == "A-••• is looked at again"
