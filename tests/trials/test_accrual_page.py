import datetime as dt

import pytest
from django.test import Client

from accounts.models import User
from trials.errors import Refused
from trials.models import Study
from trials.operations import resume_accrual, suspend_accrual

pytestmark = pytest.mark.django_db
PAGE = "/studies/LEN-MAG-01/accrual/"


def test_the_pi_suspends_and_resumes_registration(study: Study, pi: User, client: Client) -> None:
    client.force_login(pi)
    assert "Suspend registration" in client.get(PAGE).content.decode()
    assert client.post(PAGE, {"reason": "Drug supply", "to": "suspend"}).status_code == 302
    assert "Drug supply" in client.get(PAGE).content.decode()
    assert "Drug supply" in client.get("/studies/LEN-MAG-01/study/").content.decode()
    assert client.post(PAGE, {"reason": "It is back", "to": "resume"}).status_code == 302
    assert Study.objects.get(pk=study.pk).accrual_suspended_at is None


def test_a_reason_is_needed_and_asked_for_at_its_field(study: Study, pi: User, client: Client) -> None:
    client.force_login(pi)
    answer = client.post(PAGE, {"reason": " ", "to": "suspend"})
    assert answer.status_code == 409
    assert "Say why accrual is suspended" in answer.content.decode()
    assert Study.objects.get(pk=study.pk).accrual_suspended_at is None


def test_suspending_twice_is_refused_and_what_was_typed_stays(
    study: Study, pi: User, client: Client, at: dt.datetime
) -> None:
    suspend_accrual(study=study, reason="Drug supply", by=pi, at=at)
    client.force_login(pi)
    answer = client.post(PAGE, {"reason": "Written on an old page", "to": "suspend"})
    assert answer.status_code == 409
    assert "Written on an old page" in answer.content.decode()


def test_a_coordinator_gets_no_such_page(study: Study, coordinator_a: User, client: Client) -> None:
    client.force_login(coordinator_a)
    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/studies/LEN-MAG-01/study/").content.decode()


def test_an_outsider_does_not_learn_that_the_study_exists(study: Study, outsider: User, client: Client) -> None:
    client.force_login(outsider)
    assert client.get(PAGE).status_code == 404


def test_what_a_signed_decision_holds_is_not_resumed_by_hand(
    study: Study, rung: User, pi: User, at: dt.datetime
) -> None:
    suspend_accrual(study=study, reason="Decision 3: hold registration", by=rung, at=at)
    with pytest.raises(Refused, match="the next signed decision ends it"):
        resume_accrual(study=study, reason="I want to", by=pi, at=at)
