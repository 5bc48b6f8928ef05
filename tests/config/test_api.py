"""What all of the API shares: refusals, sign-in of clients, the document and its page."""

import json
import re
from typing import Any

import pytest
from django.http import Http404
from django.test import Client

from config.api import refusal_handler
from trials.errors import Forbidden, Refused

pytestmark = pytest.mark.django_db


def answer_to(error: Exception) -> tuple[int, Any]:
    answer = refusal_handler(error, {})
    assert answer is not None
    return answer.status_code, answer.data


def test_a_refusal_is_a_conflict_with_its_code_and_sentence() -> None:
    assert answer_to(Refused("no-open-slot", "No slot is open; wait for the decision.")) == (
        409,
        {"code": "no-open-slot", "detail": "No slot is open; wait for the decision."},
    )


def test_a_refusal_of_one_field_names_it() -> None:
    _, answer = answer_to(Refused("in-the-future", "Choose a day up to today.", field="started_on"))
    assert answer["field"] == "started_on"


def test_what_a_role_does_not_allow_keeps_its_sentence() -> None:
    status, answer = answer_to(Forbidden("Only the principal investigator signs."))
    assert (status, str(answer["detail"])) == (403, "Only the principal investigator signs.")


def test_what_is_not_there_is_404() -> None:
    assert answer_to(Http404())[0] == 404


def test_a_fault_of_ours_is_loud() -> None:
    assert refusal_handler(ZeroDivisionError(), {}) is None


def test_a_stranger_gets_no_token(client: Client) -> None:
    answer = client.post(
        "/api/v1/token/", {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "nothing"}
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token"])
def test_no_grant_but_client_credentials_is_offered(client: Client, grant: str) -> None:
    answer = client.post("/api/v1/token/", {"grant_type": grant, "username": "a", "password": "b", "code": "c"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_the_document_describes_the_api(client: Client) -> None:
    document = client.get("/api/v1/schema/", HTTP_ACCEPT="application/json")
    assert document.status_code == 200
    assert json.loads(document.content)["info"]["title"] == "Rung"


def test_the_documents_page_needs_no_outside_host_and_no_inline_script(client: Client) -> None:
    page = client.get("/api/v1/docs/")
    assert page.status_code == 200
    html = page.content.decode()
    assert re.findall(r"""(?:src|href)=["'](?:https?:)?//""", html) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", html) == []
