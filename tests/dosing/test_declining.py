"""A signature that is asked for can be declined, with a reason: of a decision, of a set-up, of an amendment."""

import datetime as dt

import pytest
from django.test import Client

from accounts.canonical import sha256_of
from accounts.models import DeclinedSignature, Signature, User
from audit.context import acting
from dosing.dossier.contents import dossier_of, recommendation_for
from dosing.models import Decision
from dosing.operations import issue_recommendation
from dosing.operations.decline import decline_decision
from dosing.queries.record import decision_record
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import evaluated, propose, sign_as
from tests.dosing.test_going_live import changed, holder, real_study, sign  # noqa: F401  the study that is set up
from trials.errors import Forbidden, Refused
from trials.models import Role, Study
from trials.operations.decline import decline_set_up

pytestmark = pytest.mark.django_db
PI, MONITOR = "principal_investigator", "medical_monitor"
WHY = "the event of A-001 is not judged as it happened"


@pytest.fixture
def waiting(trial: Study, pi: User, coordinator_a: User) -> tuple[Decision, dt.date]:
    """'Escalate to 15 mg', signed by the principal investigator."""
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    with acting(pi, "the test's day"):
        Study.objects.filter(pk=trial.pk).update(rehearsal_day=on)
    return sign_as(propose(issue_recommendation(study=trial, by=pi, at=moment(on)), on), PI, on), on


def decline(
    waiting: tuple[Decision, dt.date], by: User, role: str = MONITOR, reason: str = WHY, seen: str = ""
) -> DeclinedSignature:
    decision, on = waiting
    seen = seen or sha256_of(decision_record(decision))
    return decline_decision(decision=decision, role=role, reason=reason, shown_sha256=seen, by=by, at=moment(on))


def test_a_decision_that_a_signer_declines_is_withdrawn(
    waiting: tuple[Decision, dt.date], medical_monitor: User
) -> None:
    declined = decline(waiting, medical_monitor)
    decision = Decision.objects.get()
    assert decision.status == Decision.Status.WITHDRAWN
    assert decision.withdrawn_reason == f"Dr Laila Okafor, medical monitor, declined to sign: {WHY}"
    assert (declined.printed_name, declined.role, declined.reason) == ("Dr Laila Okafor", MONITOR, WHY)
    assert declined.record_sha256 == sha256_of(decision_record(decision))
    assert Signature.objects.count() == 1


def test_the_dossier_holds_who_declined_and_why(
    waiting: tuple[Decision, dt.date], trial: Study, medical_monitor: User
) -> None:
    decline(waiting, medical_monitor)
    found = recommendation_for(trial, 1)
    assert found is not None
    [decision] = dossier_of(found)["decisions"]
    assert [(d["person"], d["role"], d["reason"]) for d in decision["declined"]] == [("medical-monitor", MONITOR, WHY)]


@pytest.mark.parametrize(
    ("who", "role", "reason", "code"),
    [
        ("medical_monitor", MONITOR, "  ", "reason-needed"),
        ("pi", PI, WHY, "already-signed"),
        ("statistician", "statistician", WHY, "role-not-asked"),
    ],
)
def test_what_is_refused(
    waiting: tuple[Decision, dt.date], request: pytest.FixtureRequest, who: str, role: str, reason: str, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        decline(waiting, request.getfixturevalue(who), role, reason)
    assert refused.value.code == code
    assert not DeclinedSignature.objects.exists()


def test_nobody_declines_in_a_role_of_somebody_else(waiting: tuple[Decision, dt.date], statistician: User) -> None:
    with pytest.raises(Forbidden):
        decline(waiting, statistician, MONITOR)


def test_nobody_declines_what_they_were_not_shown(waiting: tuple[Decision, dt.date], medical_monitor: User) -> None:
    with pytest.raises(Refused, match="not the one that your page showed"):
        decline(waiting, medical_monitor, seen="0" * 64)


def client(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def test_the_page_takes_the_reason_and_shows_it(
    waiting: tuple[Decision, dt.date], medical_monitor: User, pi: User
) -> None:
    browser, address = client(medical_monitor), "/studies/LEN-MAG-01/decisions/1/decline/"
    assert address in browser.get("/studies/LEN-MAG-01/decisions/1/").content.decode()
    page = browser.get(address).content.decode()
    assert "Decline as Dr Laila Okafor" in page
    seen = sha256_of(decision_record(waiting[0]))
    empty = browser.post(address, {"reason": "", "role": MONITOR, "shown_sha256": seen})
    assert empty.status_code == 409
    done = browser.post(address, {"reason": WHY, "role": MONITOR, "shown_sha256": seen})
    assert done.status_code == 302
    shown = client(pi).get("/studies/LEN-MAG-01/decisions/1/").content.decode()
    assert f"Declined: “{WHY}”" in shown
    assert client(pi).get(address).status_code == 302


def test_a_stranger_learns_nothing(waiting: tuple[Decision, dt.date], outsider: User, coordinator_a: User) -> None:
    assert client(outsider).get("/studies/LEN-MAG-01/decisions/1/decline/").status_code == 404
    assert client(coordinator_a).get("/studies/LEN-MAG-01/decisions/1/decline/").status_code == 403


# --- A set-up ---


def decline_draft(study: Study, role: Role, reason: str = WHY, by: User | None = None) -> DeclinedSignature:
    return decline_set_up(
        study=study, role=role, seen_sha256=study.versions.get().sha256, reason=reason, by=by or holder(role),
        at=moment(DAY_ONE),
    )  # fmt: skip


def test_a_draft_that_is_declined_waits_and_says_why(real_study: Study) -> None:  # noqa: F811
    decline_draft(real_study, Role.STATISTICIAN)
    page = client(holder(Role.DATA_MANAGER)).get("/studies/LEN-MAG-01/setup/").content.decode()
    assert f"Declined: “{WHY}”" in page
    assert real_study.versions.get().status == "draft"


def test_who_declined_can_sign_after_all(real_study: Study) -> None:  # noqa: F811
    decline_draft(real_study, Role.STATISTICIAN)
    assert sign(real_study, Role.STATISTICIAN).role == "statistician"
    with pytest.raises(Refused, match="signed already"):
        decline_draft(real_study, Role.STATISTICIAN)


def test_a_changed_draft_is_asked_for_anew(real_study: Study) -> None:  # noqa: F811
    decline_draft(real_study, Role.STATISTICIAN)
    changed(real_study)
    page = client(holder(Role.DATA_MANAGER)).get("/studies/LEN-MAG-01/setup/").content.decode()
    assert WHY not in page


def test_a_draft_is_declined_by_those_who_are_asked(real_study: Study) -> None:  # noqa: F811
    with pytest.raises(Refused, match="do not hold"):
        decline_draft(real_study, Role.STATISTICIAN, by=holder(Role.MEDICAL_MONITOR))
    with pytest.raises(Refused, match="Say why"):
        decline_draft(real_study, Role.STATISTICIAN, reason=" ")


def test_the_set_ups_page_takes_the_reason(real_study: Study) -> None:  # noqa: F811
    browser, seen = client(holder(Role.STATISTICIAN)), real_study.versions.get().sha256
    assert "/setup/decline/" in browser.get("/studies/LEN-MAG-01/setup/sign/").content.decode()
    assert browser.get("/studies/LEN-MAG-01/setup/decline/").status_code == 200
    answer = browser.post(
        "/studies/LEN-MAG-01/setup/decline/", {"reason": WHY, "role": "statistician", "shown_sha256": seen}
    )
    assert answer.status_code == 302
    assert DeclinedSignature.objects.get().record_kind == "trials.setup"
    assert client(holder(Role.MEDICAL_MONITOR)).get("/studies/LEN-MAG-01/setup/decline/").status_code == 302
