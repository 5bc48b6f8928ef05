"""A role is delegated from a day to a day, with the checks that the study asks for; page, API, operation, database."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Signature, User
from audit.context import acting
from dosing.delegation_views import LAYOUT
from dosing.dossier.paper import set_on_paper
from dosing.operations import issue_recommendation, sign_decision
from patients.operations import screen_patient
from tests.cast import ANTI_MAG, DAY_ONE, PASSWORD, ApiClient, moment, person, table_of
from tests.dosing.steps import evaluated, propose
from tests.patients.steps import screened
from trials.delegation import delegations
from trials.errors import Forbidden, Refused
from trials.models import Membership, PersonCheck, ProtocolVersion, Role, Site, Study
from trials.operations import (
    add_site,
    end_role,
    go_live,
    grant_role,
    move_rehearsal_day,
    record_identity_check,
    record_training,
    start_study,
)
from trials.permissions import TABLE, Permission, allowed, memberships
from trials.protocol_checks import read_study_file

pytestmark = [pytest.mark.django_db, pytest.mark.req("P11-10d", "P11-10g", "R3-4.3.8", "EMA-A3.1")]

TOMORROW = DAY_ONE + dt.timedelta(days=1)
A_WEEK = dt.timedelta(days=7)


def delegate(study: Study, who: User, role: Role, by: User, **more: Any) -> Membership:
    return grant_role(study=study, person=who, role=role, by=by, at=moment(DAY_ONE), **more)


def next_day(study: Study, by: User, days: int = 1) -> None:
    move_rehearsal_day(study=study, days=days, by=by, at=moment(DAY_ONE))


@pytest.fixture
def mia(study: Study, site_a: Site, rung: User) -> User:
    """Coordinator at site A for DAY_ONE only."""
    someone = person("mia", "Mia Castellano")
    delegate(study, someone, Role.COORDINATOR, rung, site=site_a, from_day=DAY_ONE, to_day=DAY_ONE)
    return someone


# --- days ---


def test_a_delegation_holds_from_its_first_day_to_its_last(study: Study, rung: User, outsider: User) -> None:
    delegate(study, outsider, Role.MONITOR, rung, from_day=TOMORROW, to_day=TOMORROW)
    held = []
    for _ in range(3):
        held.append(bool(memberships(outsider, study)))
        next_day(study, rung)
    assert held == [False, True, False]


def test_what_ended_yesterday_is_refused_today_by_page_api_and_operation(
    study: Study, site_a: Site, mia: User, rung: User
) -> None:
    client_user = person("client", "A client")
    delegate(study, client_user, Role.EDC, rung, site=site_a, from_day=DAY_ONE, to_day=DAY_ONE)
    page, api = Client(), ApiClient(client_user)
    page.force_login(mia)
    form = {"site": "A", "screened_on": DAY_ONE.isoformat()}
    assert page.get(f"/studies/{study.key}/patients/new/").status_code == 200
    assert api.post(f"studies/{study.key}/patients/", form).status_code == 201
    patient = screened(site_a, mia)

    next_day(study, rung)

    assert page.get(f"/studies/{study.key}/patients/new/").status_code == 404
    assert page.post(f"/studies/{study.key}/patients/new/", form).status_code == 404
    assert page.get(f"/studies/{study.key}/patients/{patient.code}/").status_code == 404
    assert api.get(f"studies/{study.key}/patients/").status_code == 404
    assert api.post(f"studies/{study.key}/patients/", form).status_code == 404
    with pytest.raises(Forbidden, match="Your roles at Northfield do not allow you to screen"):
        screen_patient(study=study, site=site_a, screened_on=TOMORROW, by=mia, at=moment(TOMORROW))


def test_in_a_study_that_is_no_rehearsal_the_day_is_the_databases(rung: User, outsider: User) -> None:
    study = live_study(rung, {})
    now = dt.datetime.now(ZoneInfo(study.time_zone))
    today = now.date()
    before = now - dt.timedelta(days=3)
    days = {"from_day": before.date(), "to_day": today - dt.timedelta(days=1)}
    grant_role(study=study, person=outsider, role=Role.MONITOR, by=rung, at=before, **days)
    assert memberships(outsider, study) == []
    [line] = [line for line in delegations(study, now) if line.username == "outsider"]
    assert line.state == f"ended after {days['to_day'].day} {days['to_day']:%b %Y}"
    grant_role(study=study, person=outsider, role=Role.MONITOR, by=rung, at=now, from_day=today, to_day=today)
    assert [held.role for held in memberships(outsider, study)] == [Role.MONITOR]


def test_nobody_signs_whose_delegation_is_over_not_even_by_sql(
    study: Study, coordinator_a: User, rung: User, outsider: User, statistician: User, medical_monitor: User
) -> None:
    until = DAY_ONE + 5 * A_WEEK
    delegate(study, outsider, Role.PRINCIPAL_INVESTIGATOR, rung, to_day=until)
    _, on = evaluated(study, coordinator_a, DAY_ONE)
    next_day(study, rung, (on - DAY_ONE).days)
    decision = propose(issue_recommendation(study=study, by=outsider, at=moment(on)), on)
    next_day(study, rung, (until - on).days + 1)
    with pytest.raises(Forbidden, match="do not allow you to sign"):
        _sign(decision, outsider, until + dt.timedelta(days=1))
    with pytest.raises(IntegrityError, match="not delegated to the signer today"), transaction.atomic():
        _signature_by_sql(study, outsider, str(decision.pk))
    assert not Signature.objects.filter(record_kind="dosing.decision").exists()


def _sign(decision: Any, who: User, on: dt.date) -> None:
    sign_decision(decision=decision, role=Role.PRINCIPAL_INVESTIGATOR, password=PASSWORD, by=who, at=moment(on))


def _signature_by_sql(study: Study, who: User, key: str) -> None:
    with acting(who, "past the operation"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_signature (study_id, record_kind, record_key, record_version, record_json,"
            " record_sha256, signer_id, printed_name, role, meaning, statement, statement_version, components_checked)"
            " VALUES (%s, 'dosing.decision', %s, '', '{}', repeat('0', 64), %s, 'X', 'principal_investigator',"
            " 'approval', 'x', '', '[]')",
            [study.pk, key, who.pk],
        )


# --- granting ---


@pytest.mark.parametrize(
    ("days", "code"),
    [
        ({"from_day": DAY_ONE - dt.timedelta(days=1)}, "delegation-backdated"),
        ({"to_day": DAY_ONE - dt.timedelta(days=1)}, "delegation-ends-before"),
        ({"from_day": TOMORROW, "to_day": DAY_ONE}, "delegation-ends-before"),
    ],
)
def test_days_that_cannot_be_are_refused(study: Study, rung: User, outsider: User, days: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        delegate(study, outsider, Role.MONITOR, rung, **days)
    assert refused.value.code == code


def test_other_days_for_a_role_that_is_held_ask_to_end_it_first(study: Study, rung: User, pi: User) -> None:
    with pytest.raises(Refused, match="has this role already, until it is ended"):
        delegate(study, pi, Role.PRINCIPAL_INVESTIGATOR, rung, to_day=TOMORROW)
    again = delegate(study, pi, Role.PRINCIPAL_INVESTIGATOR, rung)
    assert again == study.memberships.get(user=pi)  # the same again changes nothing


def test_a_delegation_that_ran_out_can_be_followed_by_another(
    study: Study, rung: User, mia: User, site_a: Site
) -> None:
    next_day(study, rung)
    grant_role(study=study, person=mia, role=Role.COORDINATOR, site=site_a, by=rung, at=moment(TOMORROW))
    assert allowed(mia, Permission.SCREEN_PATIENTS, study, site_a)
    assert study.memberships.filter(user=mia).count() == 2


@pytest.mark.parametrize("column", ["to_day = '2030-01-01'", "role = 'data_manager'", "site_id = NULL"])
def test_a_delegation_is_never_changed_by_anybody(study: Study, mia: User, rung: User, column: str) -> None:
    with (
        pytest.raises(IntegrityError, match="never changed"),
        acting(rung, "longer"),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE trials_membership SET {column} WHERE user_id = %s", [mia.pk])


def test_the_last_data_manager_without_an_end_stays(
    study: Study, data_manager: User, outsider: User, rung: User
) -> None:
    delegate(study, outsider, Role.DATA_MANAGER, rung, to_day=TOMORROW)
    with pytest.raises(Refused) as refused:
        end_role(membership=study.memberships.get(user=data_manager), reason="left", by=rung, at=moment(DAY_ONE))
    assert refused.value.code == "last-data-manager"


# --- checks of the person ---


def live_study(rung: User, asked: dict[str, bool]) -> Study:
    """The anti-MAG study whose file asks for checks; a rehearsal where it does, since that goes live unsigned."""
    definition, _ = read_study_file(ANTI_MAG.read_text())
    content = {**definition, "delegation": asked} if asked else definition
    day = DAY_ONE if asked else None
    study = start_study(definition=content, by=rung, at=moment(DAY_ONE), rehearsal_day=day)
    for code in ("A", "B"):
        add_site(study=study, code=code, name=f"Site {code}", time_zone="UTC", by=rung, at=moment(DAY_ONE))
    if asked:
        go_live(study=study, boundaries=table_of(max_n=20), by=rung, at=moment(DAY_ONE))
    return Study.objects.get(pk=study.pk)


def version_of(study: Study) -> ProtocolVersion:
    return study.versions.get(status="live")


@pytest.fixture
def asking(rung: User) -> Study:
    return live_study(rung, {"identity_check": True, "training": True})


def test_without_its_checks_a_role_lets_one_look_only(asking: Study, rung: User, outsider: User) -> None:
    site = asking.sites.get(code="A")
    delegate(asking, outsider, Role.COORDINATOR, rung, site=site)
    assert allowed(outsider, Permission.VIEW_PATIENTS, asking, site)
    with pytest.raises(Forbidden, match="asks for an identity check before anybody may screen"):
        screened(site, outsider)
    checked = {"study": asking, "person": outsider, "done_on": DAY_ONE, "by": rung, "at": moment(DAY_ONE)}
    record_identity_check(how="Passport seen", **checked)
    with pytest.raises(Forbidden, match="asks for training on the protocol version in force"):
        screened(site, outsider)
    record_training(version=version_of(asking), how="90 minutes by video", **checked)
    assert screened(site, outsider).code == "A-001"


def test_a_page_says_which_check_is_lacking(asking: Study, rung: User, outsider: User) -> None:
    delegate(asking, outsider, Role.COORDINATOR, rung)
    browser = Client()
    browser.force_login(outsider)
    answer = browser.get(f"/studies/{asking.key}/accrual/")
    assert answer.status_code == 403
    delegate(asking, outsider, Role.PRINCIPAL_INVESTIGATOR, rung)
    assert "identity check" in browser.get(f"/studies/{asking.key}/accrual/").content.decode()


def test_a_new_protocol_version_lapses_the_training_until_it_is_recorded(
    asking: Study, rung: User, outsider: User
) -> None:
    site, first = asking.sites.get(code="A"), version_of(asking)
    delegate(asking, outsider, Role.COORDINATOR, rung, site=site)
    checked = {"study": asking, "person": outsider, "done_on": DAY_ONE, "by": rung, "at": moment(DAY_ONE)}
    record_identity_check(how="Passport seen", **checked)
    record_training(version=first, how="By video", **checked)
    assert allowed(outsider, Permission.SCREEN_PATIENTS, asking, site)
    second = _approved_amendment(asking, rung)
    assert not allowed(outsider, Permission.SCREEN_PATIENTS, asking, site)
    assert allowed(outsider, Permission.VIEW_PATIENTS, asking, site)
    record_training(version=second, how="By video, what is new", **checked)
    assert allowed(outsider, Permission.SCREEN_PATIENTS, asking, site)


def _approved_amendment(study: Study, rung: User) -> ProtocolVersion:
    """A second version in force, as an approval leaves it; approving itself is tested with the amendments."""
    first = version_of(study)
    with acting(rung, "amended"):
        first.status = ProtocolVersion.Status.SUPERSEDED
        first.save(update_fields=["status"])
        return ProtocolVersion.objects.create(
            study=study, number=2, definition=first.definition, sha256="2" * 64, status=ProtocolVersion.Status.LIVE,
            live_at=moment(DAY_ONE), loaded_at=moment(DAY_ONE), loaded_by=rung,
        )  # fmt: skip


def test_nobody_checks_their_own_identity(asking: Study, rung: User, outsider: User) -> None:
    delegate(asking, outsider, Role.DATA_MANAGER, rung)
    with pytest.raises(Refused) as refused:
        record_identity_check(
            study=asking, person=outsider, how="It is me", done_on=DAY_ONE, by=outsider, at=moment(DAY_ONE)
        )
    assert refused.value.code == "own-identity"


def test_only_a_data_manager_records_checks(study: Study, pi: User, monitor: User) -> None:
    with pytest.raises(Forbidden):
        record_identity_check(study=study, person=monitor, how="Seen", done_on=DAY_ONE, by=pi, at=moment(DAY_ONE))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"how": " "}, "how-needed"),
        ({"done_on": TOMORROW}, "date-in-future"),
        ({}, "already-recorded"),
    ],
)
def test_a_check_that_says_nothing_is_refused(
    study: Study, rung: User, monitor: User, change: dict[str, Any], code: str
) -> None:
    given = {"study": study, "person": monitor, "how": "Seen", "done_on": DAY_ONE, "by": rung, "at": moment(DAY_ONE)}
    if not change:
        record_identity_check(**given)
    with pytest.raises(Refused) as refused:
        record_identity_check(**{**given, **change})
    assert refused.value.code == code
    assert PersonCheck.objects.count() == (0 if change else 1)


# --- the log ---


def test_the_log_tells_who_granted_what_to_whom_for_when_and_what_was_checked(
    study: Study, data_manager: User, site_a: Site, outsider: User
) -> None:
    browser = Client()
    browser.force_login(data_manager)
    given = {"role-username": "outsider", "role-role": "coordinator", "role-site": "A", "add": "role"}
    days = {"role-from_day": DAY_ONE.isoformat(), "role-to_day": TOMORROW.isoformat()}
    assert browser.post(f"/studies/{study.key}/setup/people/", {**given, **days}).status_code == 302
    check = {"person": "outsider", "what": "identity", "done_on": DAY_ONE.isoformat(), "how": "Passport seen"}
    assert browser.post(f"/studies/{study.key}/delegation/", check).status_code == 302
    page = browser.get(f"/studies/{study.key}/delegation/").content.decode()
    for said in ("Otto Fremd", "coordinator, site A", "5 Jan 2026 to 6 Jan 2026", "granted by Dana Petrov", "Passport"):
        assert said in page


def test_the_log_is_a_pdf_with_the_same_bytes_each_time(study: Study, monitor: User, mia: User) -> None:
    browser = Client()
    browser.force_login(monitor)
    answer = browser.get(f"/studies/{study.key}/delegation/log.pdf")
    assert (answer.status_code, answer["Content-Type"], answer.content[:5]) == (200, "application/pdf", b"%PDF-")
    printed = {"title": "Log", "running": "r", "foot": "f", "study": "s", "rows": [["a", "b", "c", "d", "e", ""]]}
    assert set_on_paper(LAYOUT, printed, moment(DAY_ONE)) == set_on_paper(LAYOUT, printed, moment(DAY_ONE))


def test_a_refused_check_keeps_what_was_typed(study: Study, data_manager: User, monitor: User) -> None:
    browser = Client()
    browser.force_login(data_manager)
    check = {"person": "data-manager", "what": "identity", "done_on": DAY_ONE.isoformat(), "how": "I know myself"}
    answer = browser.post(f"/studies/{study.key}/delegation/", check)
    assert answer.status_code == 409
    assert "I know myself" in answer.content.decode()
    assert "checked by somebody else" in answer.content.decode()


def test_the_table_of_permissions_is_the_one_that_operations_ask(study: Study, monitor: User) -> None:
    browser = Client()
    browser.force_login(monitor)
    page = browser.get(f"/studies/{study.key}/delegation/who-may-do-what/").content.decode()
    assert page.count("<td>yes</td>") == sum(len(granted) for granted in TABLE.values())


def test_the_number_of_queries_does_not_grow_with_the_log(
    study: Study, monitor: User, rung: User, django_assert_num_queries: Any
) -> None:
    few = _queries(study)
    for number in range(5):
        delegate(study, person(f"more-{number}", f"Person {number}"), Role.MONITOR, rung)
    with django_assert_num_queries(few):
        delegations(study, moment(DAY_ONE))


def _queries(study: Study) -> int:
    with CaptureQueriesContext(connection) as asked:
        delegations(study, moment(DAY_ONE))
    return len(asked)
