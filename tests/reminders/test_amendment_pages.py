"""The pages of an amendment: who may, what is refused, what is kept of what was typed; and one walked through."""

import datetime as dt

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from audit.context import acting
from dosing.operations import approve_amendment
from tests.browser import DESK, Complaints, looked_at
from tests.browser import browser as chromium
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import decide, evaluated, on_treatment
from tests.patients.steps import day, start
from trials.models import ProtocolVersion, Study, VersionAtSite
from trials.operations import edit_section, move_rehearsal_day, start_amendment

__all__ = ["chromium"]

pytestmark = pytest.mark.django_db
TODAY = DAY_ONE


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(name: str, study: Study, *args: object) -> str:
    return reverse(f"reminders:{name}", args=[study.key, *args])


@pytest.fixture
def amendment(study: Study, data_manager: User) -> ProtocolVersion:
    return with_cohorts_of(3, start_amendment(study=study, by=data_manager, at=moment(DAY_ONE)), data_manager)


def with_cohorts_of(size: int, draft: ProtocolVersion, by: User) -> ProtocolVersion:
    content = {**draft.definition["escalation"], "cohort_size": size}
    return edit_section(
        study=draft.study, section="escalation", content=content, by=by, at=moment(DAY_ONE), seen_sha256=draft.sha256
    )


def test_a_data_manager_starts_one_and_everybody_reads_it(study: Study, data_manager: User, monitor: User) -> None:
    page = signed_in(data_manager)
    assert "No amendment is being written" in page.get(url("amendment", study)).content.decode()
    started = page.post(url("amendment", study))
    assert started.status_code == 302
    assert started.url == reverse("dosing:setup", args=[study.key])
    assert "Amendment of" in page.get(started.url).content.decode()
    assert "changes nothing yet" in signed_in(monitor).get(url("amendment", study)).content.decode()
    assert page.post(url("amendment", study)).status_code == 409


def test_what_it_changes_is_told_before_it_is_approved(study: Study, amendment: ProtocolVersion, pi: User) -> None:
    text = signed_in(pi).get(url("amendment", study)).content.decode()
    assert "Version 2 changes" in text
    assert "The next cohort has 3 places, not 1. Cohort 1, which is open, keeps 1 place." in text


@pytest.mark.parametrize("name", ["amendment-approve", "amendment-withdraw"])
def test_only_who_sets_the_study_up_may(study: Study, amendment: ProtocolVersion, pi: User, name: str) -> None:
    assert signed_in(pi).get(url(name, study)).status_code == 403
    assert signed_in(pi).post(url(name, study)).status_code == 403
    assert signed_in(pi).post(url("amendment", study)).status_code == 403


def test_it_is_approved_with_a_day_for_each_site_and_a_later_one_elsewhere(
    study: Study, amendment: ProtocolVersion, data_manager: User
) -> None:
    page = signed_in(data_manager)
    answer = page.post(
        url("amendment-approve", study), {"seen_sha256": amendment.sha256, "from-A": TODAY.isoformat(), "from-B": ""}
    )
    assert answer.url == url("versions", study)
    text = page.get(answer.url).content.decode()
    assert "follows it since 5 Jan 2026" in text
    assert "follows it not yet" in text
    later = page.post(url("version-site", study, 2, "B"), {"from-B": "2026-01-20"})
    assert later.status_code == 302
    assert "follows it from 20 Jan 2026" in page.get(answer.url).content.decode()
    assert "changed in version 1" in page.get(url("version", study, 2)).content.decode()


def test_a_day_that_is_not_possible_is_refused_and_kept(
    study: Study, amendment: ProtocolVersion, data_manager: User
) -> None:
    page = signed_in(data_manager)
    typed = {"seen_sha256": amendment.sha256, "from-A": "2026-01-04", "from-B": "2026-02-02"}
    early = page.post(url("amendment-approve", study), typed)
    assert early.status_code == 409
    text = early.content.decode()
    assert "cannot follow version 2 before it was approved" in text
    assert 'value="2026-01-04"' in text
    assert 'value="2026-02-02"' in text
    nonsense = page.post(url("amendment-approve", study), {**typed, "from-A": "soon"})
    assert nonsense.status_code == 422
    assert 'value="soon"' in nonsense.content.decode()
    amendment.refresh_from_db()
    assert amendment.status == ProtocolVersion.Status.DRAFT
    assert not VersionAtSite.objects.exists()


def test_what_was_changed_in_another_window_is_not_approved(
    study: Study, amendment: ProtocolVersion, data_manager: User
) -> None:
    seen = amendment.sha256
    edit_section(
        study=study, section="delay", content={"limit_days": 14}, by=data_manager, at=moment(DAY_ONE), seen_sha256=seen
    )
    answer = signed_in(data_manager).post(
        url("amendment-approve", study), {"seen_sha256": seen, "from-A": TODAY.isoformat()}
    )
    assert answer.status_code == 409
    assert "was changed since this page was opened" in answer.content.decode()


def test_withdrawing_asks_why(study: Study, amendment: ProtocolVersion, data_manager: User) -> None:
    page = signed_in(data_manager)
    assert page.post(url("amendment-withdraw", study), {"reason": ""}).status_code == 409
    assert page.post(url("amendment-withdraw", study), {"reason": "Declined."}).status_code == 302
    assert "withdrawn" in page.get(url("versions", study)).content.decode()


def test_a_change_that_records_rule_out_is_named(study: Study, amendment: ProtocolVersion, data_manager: User) -> None:
    levels = [{**amendment.definition["levels"][0], "label": "11 mg"}, *amendment.definition["levels"][1:]]
    edit_section(
        study=study, section="levels", content=levels, by=data_manager, at=moment(DAY_ONE),
        seen_sha256=amendment.sha256,
    )  # fmt: skip
    page = signed_in(data_manager)
    text = page.get(url("amendment", study)).content.decode()
    assert "cannot be approved as it is" in text
    assert "the dose levels of a running study stay as they are" in text
    assert "cannot be approved yet" in page.get(url("amendment-approve", study)).content.decode()


def test_the_database_refuses_a_day_before_the_approval(
    study: Study, amendment: ProtocolVersion, data_manager: User
) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), acting(data_manager, "forging"):
        VersionAtSite.objects.create(
            study=study, version=amendment, site=study.sites.get(code="A"), from_day=DAY_ONE + dt.timedelta(days=9),
            set_at=moment(DAY_ONE), set_by=data_manager,
        )  # fmt: skip


@pytest.mark.parametrize("name", ["amendment", "amendment-approve", "versions", "version"])
def test_the_queries_do_not_grow_with_patients_or_cycles(
    study: Study, amendment: ProtocolVersion, data_manager: User, pi: User, medical_monitor: User, statistician: User,
    coordinator_a: User, coordinator_b: User, name: str,
) -> None:  # fmt: skip
    address = url(name, study, *([2] if name == "version" else []))
    _, on = evaluated(study, coordinator_a, DAY_ONE)
    decide(study, on, size=3)
    first = on_treatment(study, coordinator_a, on)
    few = queries(data_manager, address)
    for by, code in ((coordinator_a, "A"), (coordinator_b, "B")):
        start(on_treatment(study, by, on, site=code), on + dt.timedelta(days=28), by)
    start(first, on + dt.timedelta(days=28), coordinator_a)
    assert queries(data_manager, address) == few


def test_the_queries_for_the_versions_do_not_grow_with_versions(
    study: Study, amendment: ProtocolVersion, data_manager: User
) -> None:
    address = url("versions", study)
    approve(amendment, data_manager)
    few = queries(data_manager, address)
    for size in (2, 1, 3):
        draft = start_amendment(study=study, by=data_manager, at=moment(DAY_ONE))
        approve(with_cohorts_of(size, draft, data_manager), data_manager)
    assert study.versions.count() == 5
    assert queries(data_manager, address) == few


def approve(amendment: ProtocolVersion, by: User) -> None:
    approve_amendment(
        study=amendment.study, from_days={"A": DAY_ONE, "B": DAY_ONE}, seen_sha256=amendment.sha256, by=by,
        at=moment(DAY_ONE),
    )  # fmt: skip


def queries(reader: User, address: str) -> int:
    page = signed_in(reader)
    page.get(address)  # the protocols of this process are read now
    with CaptureQueriesContext(connection) as captured:
        assert page.get(address).status_code == 200
    return len(captured)


@pytest.mark.browser
@pytest.mark.usefixtures("in_the_middle_of_the_day")
def test_an_amendment_from_its_start_to_the_second_sites_day(
    own_database: object, live_server: LiveServer, chromium: Browser, study: Study, data_manager: User,
    coordinator_a: User,
) -> None:  # fmt: skip
    first, _after = evaluated(study, coordinator_a, day(1))
    start(first, day(29), coordinator_a)
    move_rehearsal_day(study=study, days=39, by=data_manager, at=moment(DAY_ONE))
    value = signed_in(data_manager).cookies[settings.SESSION_COOKIE_NAME].value
    context = chromium.new_context(viewport=DESK, base_url=live_server.url, reduced_motion="reduce")
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}])
    page, complaints = context.new_page(), Complaints()
    complaints.listen(page)

    page.goto(f"/studies/{study.key}/protocol/")
    page.get_by_role("link", name="Amend the protocol").click()
    assert looked_at(page, "amendment-none") == []
    page.get_by_role("button", name="Start an amendment").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert looked_at(page, "amendment-parts") == []
    draft = study.versions.latest("number")
    samples = draft.definition["samples"]
    points = [
        {**p, "window": {"before": 5, "after": 9}} if p["anchor"] == "cycle-end" else p for p in samples["timepoints"]
    ]
    points.append({**points[3], "code": "after-4", "title": "After cycle 4", "cycle": 4})
    at = moment(day(40))
    for section, content in (
        ("escalation", {**draft.definition["escalation"], "cohort_size": 3}),
        ("samples", {**samples, "timepoints": points}),
    ):
        seen = study.versions.latest("number").sha256
        edit_section(study=study, section=section, content=content, by=data_manager, at=at, seen_sha256=seen)
    page.goto(url("amendment", study))
    expect(page.get_by_role("cell", name="26 Apr 2026")).to_be_visible()
    assert looked_at(page, "amendment-preview") == []
    page.get_by_role("link", name="Withdraw").click()
    assert looked_at(page, "amendment-withdraw") == []
    page.get_by_role("link", name="Go back").click()
    page.get_by_role("link", name="Approve").click()
    assert looked_at(page, "amendment-approve") == []
    page.get_by_label("Lindby").fill("")
    page.get_by_role("button", name="Approve version 2").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 versions of the protocol")
    assert looked_at(page, "amendment-versions") == []
    page.get_by_role("link", name="Set the day for Lindby").click()
    assert looked_at(page, "amendment-follow") == []
    page.get_by_role("button", name="Set the day").click()
    expect(page.get_by_text("Lindby follows version 2 from 13 Feb 2026.")).to_be_visible()
    page.get_by_role("link", name="Read version 2").click()
    assert looked_at(page, "amendment-version") == []
    page.goto(f"/studies/{study.key}/patients/A-001/")
    expect(page.get_by_text("Follows protocol version 2 since 13 Feb 2026.")).to_be_visible()
    assert looked_at(page, "amendment-patient") == []
    page.goto(url("history", study))
    expect(page.get_by_text("Amendment changed").first).to_be_visible()
    assert complaints.heard == []
    context.close()
