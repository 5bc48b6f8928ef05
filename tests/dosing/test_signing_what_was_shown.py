"""What is signed or withdrawn is what the page showed, however old the tab is."""

import datetime as dt
import re

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.canonical import sha256_of
from accounts.models import Signature, User
from audit.context import acting
from dosing.models import Decision, Recommendation
from dosing.operations import (
    issue_recommendation,
    propose_and_sign,
    sign_decision,
    withdraw_decision,
    withdraw_shown_decision,
)
from dosing.queries.record import decision_record
from tests.cast import DAY_ONE, PASSWORD, moment
from tests.dosing.steps import evaluated, propose, sign_as
from trials.errors import Refused
from trials.models import Study

pytestmark = pytest.mark.django_db
PAGE = "/studies/LEN-MAG-01/decisions/1/"
PI, MM = "principal_investigator", "medical_monitor"
CHANGED = "The decision is not the one that your page showed."


@pytest.fixture
def issued(trial: Study, pi: User, coordinator_a: User, rung: User) -> Recommendation:
    """'Escalate to 15 mg', and the study's day is the day of it."""
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    with acting(rung, "the test's day"):
        Study.objects.filter(pk=trial.pk).update(rehearsal_day=on)
    return issue_recommendation(study=trial, by=pi, at=moment(on))


@pytest.fixture
def on(issued: Recommendation) -> dt.date:
    return issued.issued_at.date()


@pytest.fixture
def shown(issued: Recommendation, on: dt.date) -> Decision:
    """'Escalate to 15 mg', signed by the medical monitor; the principal investigator's tab shows it."""
    decision = propose(issued, on)
    sign_as(decision, MM, on)
    return decision


class Tab:
    """A browser's tab on the decision's page."""

    def __init__(self, person: User) -> None:
        self.client = Client()
        self.client.force_login(person)
        self.read(self.client.get(PAGE))

    def read(self, answer: HttpResponse) -> None:
        self.text = answer.content.decode()

    def send(self, what: str, **typed: str) -> int:
        """Send one of the page's forms as it stands there; the tab shows the answer."""
        form = self.text.partition(f'action="{PAGE}{what}/"')[2].partition("</form>")[0]
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)"[^>]*value="([^"]*)"', form))
        assert "shown_sha256" in hidden
        answer = self.client.post(f"{PAGE}{what}/", hidden | typed, follow=True)
        self.read(answer)
        return answer.status_code


def hold_instead(shown: Decision, medical_monitor: User, on: dt.date) -> Decision:
    withdraw_decision(decision=shown, reason="rather hold", by=medical_monitor, at=moment(on))
    return propose_and_sign(
        recommendation=shown.recommendation, choice=Decision.Choice.HOLD, level=None, cohort_size=None, comment="wait",
        role=MM, password=PASSWORD, by=medical_monitor, at=moment(on),
    )  # fmt: skip


def signers(decision: Decision) -> set[str]:
    return set(Signature.objects.filter(record_key=str(decision.pk)).values_list("role", flat=True))


def test_an_old_tab_does_not_sign_another_decision_and_shows_it(
    shown: Decision, pi: User, medical_monitor: User, on: dt.date
) -> None:
    tab = Tab(pi)
    assert "15 mg" in tab.text
    other = hold_instead(shown, medical_monitor, on)
    assert tab.send("sign", role=PI, password=PASSWORD) == 409
    assert signers(other) == {MM}
    assert CHANGED in tab.text
    assert "hold" in tab.text
    assert tab.send("sign", role=PI, password=PASSWORD) == 200
    other.refresh_from_db()
    assert other.status == Decision.Status.SIGNED


def test_a_wrong_password_does_not_make_an_old_tab_a_new_one(
    shown: Decision, pi: User, medical_monitor: User, on: dt.date
) -> None:
    """The page that says 'no password' shows the other decision already; the form is still the old one."""
    tab = Tab(pi)
    other = hold_instead(shown, medical_monitor, on)
    assert tab.send("sign", role=PI, password="") == 409
    assert tab.send("sign", role=PI, password=PASSWORD) == 409
    assert CHANGED in tab.text
    assert signers(other) == {MM}


def test_an_old_tab_on_a_withdrawn_decision_leads_to_deciding_anew(
    shown: Decision, pi: User, medical_monitor: User, on: dt.date
) -> None:
    tab = Tab(pi)
    withdraw_decision(decision=shown, reason="rather hold", by=medical_monitor, at=moment(on))
    assert tab.send("sign", role=PI, password=PASSWORD) == 409
    assert CHANGED in tab.text
    assert "Your decision" in tab.text


def test_an_old_tab_does_not_withdraw_another_decision_and_keeps_the_reason(
    shown: Decision, pi: User, medical_monitor: User, on: dt.date
) -> None:
    tab = Tab(pi)
    other = hold_instead(shown, medical_monitor, on)
    assert tab.send("withdraw", reason="15 mg is too much") == 409
    assert CHANGED in tab.text
    assert "15 mg is too much" in tab.text
    other.refresh_from_db()
    assert other.status == Decision.Status.PROPOSED
    assert tab.send("withdraw", reason="now I mean it") == 200
    other.refresh_from_db()
    assert other.status == Decision.Status.WITHDRAWN


def test_the_first_signer_who_was_slower_sees_the_decision_that_waits(
    issued: Recommendation, pi: User, medical_monitor: User, on: dt.date
) -> None:
    tab = Tab(pi)
    sign_as(propose(issued, on), MM, on)
    assert tab.send("propose", choice="hold", comment="wait", role=PI, password=PASSWORD) == 409
    assert "Somebody has proposed a decision on it already." in tab.text
    assert tab.send("sign", role=PI, password=PASSWORD) == 200


def test_a_form_that_does_not_say_what_was_shown_signs_nothing(shown: Decision, pi: User) -> None:
    client = Client()
    client.force_login(pi)
    assert client.post(f"{PAGE}sign/", {"role": PI, "password": PASSWORD}).status_code == 409
    assert client.post(f"{PAGE}withdraw/", {"reason": "because"}).status_code == 409
    assert signers(shown) == {MM}


def test_the_record_that_was_shown_is_what_counts(shown: Decision, pi: User, on: dt.date) -> None:
    typed = {"decision": shown, "by": pi, "at": moment(on)}
    with pytest.raises(Refused) as refused:
        sign_decision(**typed, role=PI, password=PASSWORD, shown_sha256="0" * 64)
    assert refused.value.code == "changed-since-shown"
    with pytest.raises(Refused) as refused:
        withdraw_shown_decision(**typed, reason="because", shown_sha256="0" * 64)
    assert refused.value.code == "changed-since-shown"
    record = sha256_of(decision_record(Decision.objects.get(pk=shown.pk)))
    assert sign_decision(**typed, role=PI, password=PASSWORD, shown_sha256=record).status == Decision.Status.SIGNED


def test_another_recommendation_than_shown_is_not_decided_on(issued: Recommendation, pi: User, on: dt.date) -> None:
    with pytest.raises(Refused) as refused:
        propose_and_sign(
            recommendation=issued, choice=Decision.Choice.HOLD, level=None, cohort_size=None, comment="wait",
            role=PI, password=PASSWORD, by=pi, at=moment(on), shown_sha256="0" * 64,
        )  # fmt: skip
    assert refused.value.code == "changed-since-shown"
    assert not Decision.objects.exists()
