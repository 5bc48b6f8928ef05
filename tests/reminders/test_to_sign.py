"""What needs one's signature: across studies, in any order, gone once it is signed or declined."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from dosing.models import Recommendation
from dosing.operations import issue_recommendation
from reminders.to_sign import to_sign
from tests.cast import DAY_ONE, moment
from tests.dosing.conftest import trial  # noqa: F401  the study with everybody who signs
from tests.dosing.steps import evaluated, propose, sign_as
from tests.dosing.test_going_live import SIGNERS, holder, real_study, sign  # noqa: F401
from trials.models import Study

pytestmark = pytest.mark.django_db
PI, MONITOR = "principal_investigator", "medical_monitor"


@pytest.fixture
def issued(trial: Study, pi: User, coordinator_a: User) -> tuple[Recommendation, dt.date]:  # noqa: F811
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    return issue_recommendation(study=trial, by=pi, at=moment(on)), on


def listed(person: User) -> list[tuple[str, str]]:
    return [(row.what, row.detail) for row in to_sign(person)]


def test_a_recommendation_waits_for_those_who_decide(
    issued: tuple[Recommendation, dt.date], pi: User, medical_monitor: User, statistician: User, coordinator_a: User
) -> None:
    told = [("Recommendation 1: Escalate to 15 mg", "to be decided on")]
    assert listed(pi) == listed(medical_monitor) == told
    assert listed(statistician) == listed(coordinator_a) == []


@pytest.mark.parametrize(("first", "second"), [(PI, MONITOR), (MONITOR, PI)])
def test_signers_sign_in_any_order_and_are_listed_until_they_have(
    issued: tuple[Recommendation, dt.date], pi: User, medical_monitor: User, first: str, second: str
) -> None:
    people = {PI: pi, MONITOR: medical_monitor}
    decision = propose(*issued)
    what = "Decision 1: 15 mg, as recommended"
    assert listed(people[first]) == listed(people[second]) == [(what, "proposed by Dr Ana Rivera; 0 of 2 signed")]
    decision = sign_as(decision, first, issued[1])
    assert listed(people[first]) == []
    assert listed(people[second]) == [(what, "proposed by Dr Ana Rivera; 1 of 2 signed")]
    sign_as(decision, second, issued[1])
    assert listed(people[second]) == []


def page(person: User, path: str = "/signatures/") -> str:
    browser = Client()
    browser.force_login(person)
    return browser.get(path).content.decode()


def test_the_page_lists_it_and_today_leads_to_it(
    issued: tuple[Recommendation, dt.date], pi: User, coordinator_a: User
) -> None:
    shown = page(pi)
    assert "1 thing needs your signature" in shown
    assert "/studies/LEN-MAG-01/decisions/1/" in shown
    assert "1 thing needs your signature" in page(pi, "/studies/LEN-MAG-01/")
    assert "Nothing needs your signature" in page(coordinator_a)
    assert "your signature" not in page(coordinator_a, "/studies/LEN-MAG-01/")


def test_the_number_of_queries_is_the_same_with_more_to_sign(issued: tuple[Recommendation, dt.date], pi: User) -> None:
    with CaptureQueriesContext(connection) as few:
        to_sign(pi)
    propose(*issued)
    with CaptureQueriesContext(connection) as more:
        to_sign(pi)
    assert len(more) <= len(few) + 1
    assert len(more) < 9


def test_without_signing_in_there_is_no_list() -> None:
    assert Client().get("/signatures/").status_code == 302


def test_a_set_up_waits_for_those_whom_it_names(real_study: Study) -> None:  # noqa: F811
    first, second = SIGNERS
    assert listed(holder(first)) == [("The set-up, protocol version 1", "0 of 2 signed")]
    sign(real_study, first)
    assert listed(holder(first)) == []
    assert listed(holder(second)) == [("The set-up, protocol version 1", "1 of 2 signed")]
