"""A signature looks the same on page, PDF and API; and says at once where it covers nothing any more."""

import datetime as dt
import hashlib
import json
from typing import Any

import psycopg
import pytest
from django.test import Client

from accounts.canonical import canonical_json
from accounts.models import Signature, User
from dosing.dossier.contents import dossier_of, recommendation_for
from dosing.dossier.printed import dossier_pdf, printed_of
from dosing.models import Decision
from dosing.operations import issue_recommendation
from dosing.words import STATEMENT_VERSION, statement
from tests.cast import DAY_ONE, ApiClient, moment
from tests.databases import Database
from tests.dosing.steps import evaluated, propose, sign_all
from trials.models import DoseLevel, ProtocolVersion, Study
from trials.readiness import STATEMENT_VERSION as SET_UP_STATEMENT
from trials.readiness import statement as set_up_statement

SENTENCE = "I have reviewed the data shown here and approve 15 mg for the next cohort."


def signed_by_all(study: Study, pi: User, coordinator: User) -> Decision:
    _, on = evaluated(study, coordinator, DAY_ONE)
    return sign_all(propose(issue_recommendation(study=study, by=pi, at=moment(on)), on), on)


def page_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.get("/studies/LEN-MAG-01/decisions/1/").content.decode()


def printed(study: Study) -> dict[str, Any]:
    found = recommendation_for(study, 1)
    assert found is not None
    assert dossier_pdf(dossier_of(found)).startswith(b"%PDF")
    return printed_of(dossier_of(found))


def in_the_api(edc: ApiClient) -> list[dict[str, Any]]:
    signatures: list[dict[str, Any]] = edc.get("studies/LEN-MAG-01/decisions/").json()["results"][0]["signatures"]
    return signatures


@pytest.mark.django_db
@pytest.mark.req("P11-50")
def test_name_meaning_and_time_with_its_zone_stand_on_page_pdf_and_api(
    trial: Study, pi: User, coordinator_a: User, edc_a: ApiClient
) -> None:
    signed_by_all(trial, pi, coordinator_a)
    [on_the_page, on_paper, by_api] = page_of(pi), printed(trial)["decisions"][0]["signatures"][0], in_the_api(edc_a)[0]
    time = on_paper["time"]
    assert time.endswith((" EST", " EDT"))
    assert f"Approval: “{SENTENCE}” · {time}" in on_the_page
    assert on_paper["name"] == by_api["printed_name"] == "Dr Ana Rivera"
    assert on_paper["meaning"] == f"Approval: “{SENTENCE}”"
    assert (by_api["meaning"], by_api["statement"], by_api["time"]) == ("approval", SENTENCE, time)
    assert (by_api["valid"], by_api["state"], on_paper["valid"]) == (True, "valid", True)
    stored = Signature.objects.get(signer=pi)
    assert by_api["stands_on"] == {"position": stored.stands_on_position, "hash": stored.stands_on_hash}


@pytest.fixture
def changed_by_the_owner(own_database: Database, request: pytest.FixtureRequest) -> Study:
    """The tables' owner changed the size of the cohort that was signed."""
    study: Study = request.getfixturevalue("study")
    request.getfixturevalue("medical_monitor")
    signed_by_all(study, request.getfixturevalue("pi"), request.getfixturevalue("coordinator_a"))
    owner: psycopg.Connection = request.getfixturevalue("owner_connection")
    owner.execute("ALTER TABLE dosing_decision DISABLE TRIGGER USER")
    owner.execute("UPDATE dosing_decision SET cohort_size = 3")
    return study


@pytest.mark.req("P11-70")
def test_a_signature_that_covers_nothing_any_more_says_so_on_page_pdf_and_api(
    changed_by_the_owner: Study, pi: User, edc_a: ApiClient
) -> None:
    page = page_of(pi)
    assert page.count("no longer covers this") == 2
    assert page.count("The record is no longer what was signed.") == 2
    paper = printed(changed_by_the_owner)
    assert (
        "The signature of Dr Ana Rivera does not verify. The record is no longer what was signed." in paper["warnings"]
    )
    assert [s["valid"] for s in paper["decisions"][0]["signatures"]] == [False, False]
    assert [(s["valid"], s["state"], s["because"]) for s in in_the_api(edc_a)] == [
        (False, "stale", "The record is no longer what was signed.")
    ] * 2


# --- Each statement has its version; a changed word needs another ---

SHA256_OF_STATEMENTS = {
    "dose decision 1": "97f6377c6321a849",
    "set-up 1": "9bf62571b7b2c074",
}


def test_the_version_of_a_statement_names_one_text() -> None:
    level = DoseLevel(ordinal=1, label="10 mg")
    kinds, choices = ("dose", "mtd", "monitoring"), Decision.Choice.values
    said = [statement(kind, choice, one) for kind in kinds for choice in choices for one in (level, None)]
    assert digest(said) == SHA256_OF_STATEMENTS[STATEMENT_VERSION]


def test_the_version_of_the_set_ups_statement_names_one_text() -> None:
    study = Study(key="X")
    said = [set_up_statement(ProtocolVersion(study=study, number=number)) for number in (1, 2)]
    assert digest(said) == SHA256_OF_STATEMENTS[SET_UP_STATEMENT]


def digest(said: list[str]) -> str:
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()[:16]


@pytest.mark.django_db
def test_the_versions_stand_with_the_signature(trial: Study, pi: User, coordinator_a: User) -> None:
    signed_by_all(trial, pi, coordinator_a)
    signature = Signature.objects.get(signer=pi)
    assert (signature.statement_version, signature.record_version) == ("dose decision 1", "recommendation 1")
    assert json.loads(signature.record_json)["recommendation"]["number"] == 1
    assert signature.signed_at.tzinfo is not None
    assert signature.signed_at - dt.datetime.now(dt.UTC) < dt.timedelta(minutes=1)
