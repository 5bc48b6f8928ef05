"""An amendment: written, signed, approved, followed at each site from its day; and what it cannot change."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from accounts.models import Signature, User
from audit.context import acting
from tests.cast import DAY_ONE, PASSWORD, moment, table_of
from trials.amendments import difference
from trials.errors import Forbidden, Refused
from trials.models import ProtocolVersion, Site, Study, VersionAtSite
from trials.operations import (
    approve_amendment,
    edit_section,
    follow_version,
    sign_set_up,
    start_amendment,
    withdraw_amendment,
)
from trials.protocol import Protocol

pytestmark = pytest.mark.django_db

LATER = moment(DAY_ONE + dt.timedelta(days=30))
TODAY = LATER.date()
Status = ProtocolVersion.Status


@pytest.fixture
def amendment(study: Study, data_manager: User) -> ProtocolVersion:
    return start_amendment(study=study, by=data_manager, at=LATER)


def changed(version: ProtocolVersion, by: User, **sections: Any) -> ProtocolVersion:
    for section, content in sections.items():
        version = edit_section(
            study=version.study, section=section, content=content, by=by, at=LATER, seen_sha256=version.sha256
        )
    return version


def wider(version: ProtocolVersion) -> dict[str, Any]:
    return {**version.definition["escalation"], "cohort_size": 3}


def approve(version: ProtocolVersion, by: User, from_days: Mapping[str, dt.date] | None = None) -> ProtocolVersion:
    days = {"A": TODAY, "B": TODAY} if from_days is None else from_days
    return approve_amendment(
        study=version.study, boundaries=table_of(max_n=20), from_days=days, seen_sha256=version.sha256, by=by, at=LATER
    )


def refusal(call: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    found: Refused = caught.value
    return found


def test_an_approved_amendment_is_the_live_version_and_the_old_one_stays_as_it_was(
    study: Study, amendment: ProtocolVersion, data_manager: User
) -> None:
    first = study.version
    told = first.definition
    approved = approve(changed(amendment, data_manager, escalation=wider(amendment)), data_manager)
    fresh = Study.objects.get(pk=study.pk)
    assert (fresh.version.number, fresh.protocol.escalation.cohort_size) == (2, 3)
    first.refresh_from_db()
    assert (first.status, first.definition) == (Status.SUPERSEDED, told)
    assert {row.site.code: row.from_day for row in approved.at_sites.all()} == {"A": TODAY, "B": TODAY}


@pytest.mark.req("R3-4.3.5")
def test_a_site_can_follow_later_but_never_before_the_approval(
    study: Study, amendment: ProtocolVersion, data_manager: User, site_b: Site
) -> None:
    approved = approve(changed(amendment, data_manager, escalation=wider(amendment)), data_manager, {"A": TODAY})
    early = refusal(
        lambda: follow_version(
            version=approved, site=site_b, from_day=TODAY - dt.timedelta(days=1), by=data_manager, at=LATER
        )
    )
    assert (early.code, early.field) == ("before-approval", "from-B")
    follow_version(version=approved, site=site_b, from_day=TODAY + dt.timedelta(days=9), by=data_manager, at=LATER)
    again = refusal(lambda: follow_version(version=approved, site=site_b, from_day=TODAY, by=data_manager, at=LATER))
    assert again.code == "followed-already"


def test_sites_follow_versions_in_their_order(
    study: Study, amendment: ProtocolVersion, data_manager: User, site_b: Site
) -> None:
    second = approve(changed(amendment, data_manager, escalation=wider(amendment)), data_manager, {"A": TODAY})
    third = start_amendment(study=study, by=data_manager, at=LATER)
    third = approve(changed(third, data_manager, delay={"limit_days": 14}), data_manager, {"B": TODAY})
    late = refusal(
        lambda: follow_version(
            version=second, site=site_b, from_day=TODAY + dt.timedelta(days=1), by=data_manager, at=LATER
        )
    )
    assert late.code == "versions-out-of-order"
    assert VersionAtSite.objects.filter(site=site_b).count() == 1


def test_only_who_sets_the_study_up_may(study: Study, pi: User, amendment: ProtocolVersion) -> None:
    with pytest.raises(Forbidden):
        start_amendment(study=study, by=pi, at=LATER)
    with pytest.raises(Forbidden):
        approve(amendment, pi)


def test_one_at_a_time_and_only_of_a_live_study(draft_study: Study, rung: User) -> None:
    assert refusal(lambda: start_amendment(study=draft_study, by=rung, at=LATER)).code == "not-live"


def test_a_second_amendment_waits_for_the_first(study: Study, amendment: ProtocolVersion, data_manager: User) -> None:
    second = refusal(lambda: start_amendment(study=study, by=data_manager, at=LATER))
    assert second.code == "amendment-started"
    withdraw_amendment(study=study, reason="The ethics committee declined.", by=data_manager, at=LATER)
    amendment.refresh_from_db()
    assert amendment.status == Status.WITHDRAWN
    assert start_amendment(study=study, by=data_manager, at=LATER).number == 3


def test_withdrawing_says_why(study: Study, amendment: ProtocolVersion, data_manager: User) -> None:
    refused = refusal(lambda: withdraw_amendment(study=study, reason=" ", by=data_manager, at=LATER))
    assert refused.code == "reason-needed"


def test_nothing_changed_is_nothing_to_approve(amendment: ProtocolVersion, data_manager: User) -> None:
    assert refusal(lambda: approve(amendment, data_manager)).code == "nothing-changed"


def test_what_was_changed_since_it_was_shown_is_not_approved(amendment: ProtocolVersion, data_manager: User) -> None:
    shown = amendment.sha256
    now = changed(amendment, data_manager, delay={"limit_days": 14})
    refused = refusal(
        lambda: approve_amendment(
            study=now.study, boundaries=[], from_days={}, seen_sha256=shown, by=data_manager, at=LATER
        )
    )
    assert refused.code == "draft-changed"


@pytest.mark.parametrize(
    ("section", "change", "path"),
    [
        (
            "reductions",
            lambda reductions: {
                **reductions,
                "ladder": [*reductions["ladder"][:-1], {**reductions["ladder"][-1], "label": "2 mg"}],
            },
            "reductions.ladder",
        ),
        ("levels", lambda levels: [{**levels[0], "label": "11 mg"}, *levels[1:]], "levels"),
        ("design", lambda design: {**design, "name": "keyboard"}, "design.name"),
        ("discontinuation", lambda reasons: reasons[1:], "discontinuation"),
        ("lead_in", lambda nothing: {"length_days": 7, "agents": ["lenalidomide"]}, "lead_in"),
    ],
)
def test_what_records_refer_to_stays(
    amendment: ProtocolVersion, data_manager: User, section: str, change: Any, path: str
) -> None:
    content = change(amendment.definition.get(section))
    refused = refusal(lambda: approve(changed(amendment, data_manager, **{section: content}), data_manager))
    assert refused.code == "draft-has-faults"
    assert f"{path}:" in refused.sentence


@pytest.mark.req("R3-4.3.5", "EMA-A2.10")
def test_a_real_study_is_amended_only_with_the_signatures_that_its_protocol_names(
    study: Study, amendment: ProtocolVersion, data_manager: User, pi: User, statistician: User, rung: User
) -> None:
    """The rehearsal's fixture needs none; the guard of the database does not ask for them either: see set-up."""
    now = changed(amendment, data_manager, delay={"limit_days": 14})
    for person, role in ((pi, "principal_investigator"), (statistician, "statistician")):
        sign_set_up(study=study, role=role, seen_sha256=now.sha256, password=PASSWORD, by=person, at=LATER)
    assert Signature.objects.filter(record_kind="trials.setup").count() == 2
    assert approve(now, data_manager).status == Status.LIVE


def test_the_database_lets_no_version_go_back(study: Study, amendment: ProtocolVersion, data_manager: User) -> None:
    approve(changed(amendment, data_manager, delay={"limit_days": 14}), data_manager)
    for number, status in ((1, "live"), (1, "draft"), (2, "draft"), (2, "withdrawn")):
        with pytest.raises(DatabaseError), transaction.atomic(), acting(data_manager, "forging"):
            ProtocolVersion.objects.filter(study=study, number=number).update(status=status, live_at=None)


def test_the_database_keeps_days_as_they_were_set(
    study: Study, amendment: ProtocolVersion, data_manager: User, site_a: Site
) -> None:
    approve(changed(amendment, data_manager, delay={"limit_days": 14}), data_manager)
    row = VersionAtSite.objects.filter(site=site_a)
    with pytest.raises(DatabaseError), transaction.atomic(), acting(data_manager, "forging"):
        row.update(from_day=DAY_ONE)
    with pytest.raises(DatabaseError), transaction.atomic(), acting(data_manager, "forging"):
        VersionAtSite.objects.create(
            study=study, version=study.versions.get(number=1), site=site_a, from_day=DAY_ONE - dt.timedelta(days=9),
            set_at=LATER, set_by=data_manager,
        )  # fmt: skip


@pytest.mark.req("EMA-A2.10")
def test_the_difference_in_words(study: Study, amendment: ProtocolVersion, data_manager: User) -> None:
    now = changed(amendment, data_manager, escalation=wider(amendment), delay={"limit_days": 14})
    found = difference(study.protocol, Protocol.model_validate(now.definition))
    told = {(change.section, change.label): (change.before, change.after) for change in found}
    assert any("3" in " ".join(after) for _, after in told.values())
    [delay] = [change for change in found if "delay" in change.section.lower()]
    assert "14 days" in " ".join(delay.after)
    assert "28 days" in " ".join(delay.before)
    assert difference(study.protocol, study.protocol) == []
