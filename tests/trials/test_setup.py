"""A study is started as a draft and edited part by part: by whom, from which state, never in two windows at once."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError

from accounts.canonical import sha256_of
from accounts.models import User
from accounts.operations import create_person
from audit.context import acting
from tests.cast import DAY_ONE, moment, person
from trials.errors import Forbidden, Refused
from trials.models import Membership, ProtocolVersion, Role, Study
from trials.operations import add_site, copy_study, edit_draft, edit_section, end_role, grant_role, start_study
from trials.permissions import Permission, allowed
from trials.queries import draft_of

pytestmark = pytest.mark.django_db
HEADING = {"key": "NEW-01", "title": "A new study", "time_zone": "Europe/Stockholm"}


@pytest.fixture
def dana(rung: User) -> User:
    return person("dana", "Dana Petrov")


@pytest.fixture
def new_study(dana: User, at: dt.datetime) -> Study:
    return start_study(definition={"study": HEADING}, by=dana, at=at)


def draft(study: Study) -> ProtocolVersion:
    found = draft_of(study)
    assert found is not None
    return found


# --- starting ---


def test_whoever_starts_a_study_becomes_its_data_manager(new_study: Study, dana: User) -> None:
    assert (new_study.key, new_study.title, new_study.time_zone) == ("NEW-01", "A new study", "Europe/Stockholm")
    assert not new_study.is_rehearsal
    assert allowed(dana, Permission.MANAGE_STUDY, new_study)
    assert draft(new_study).definition == {"schema": 1, "study": HEADING}
    assert not new_study.levels.exists()
    assert not new_study.parts.exists()


def test_a_rehearsal_has_its_own_day(dana: User, at: dt.datetime) -> None:
    assert start_study(definition={"study": HEADING}, rehearsal_day=DAY_ONE, by=dana, at=at).rehearsal_day == DAY_ONE


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ({**HEADING, "key": "no spaces please"}, "study.key"),
        ({**HEADING, "key": "K" * 41}, "study.key"),
        ({**HEADING, "title": ""}, "study.title"),
        ({**HEADING, "time_zone": "Mars/Olympus"}, "study.time_zone"),
        ({**HEADING, "colour": "blue"}, "study.colour"),
        ({"title": "No key"}, "study.key"),
        (None, "study"),
        ("NEW-01", "study"),
    ],
)
def test_a_heading_is_right_even_in_a_draft(heading: object, field: str, dana: User, at: dt.datetime) -> None:
    with pytest.raises(Refused) as refused:
        start_study(definition={"study": heading}, by=dana, at=at)
    assert refused.value.field == field
    assert not Study.objects.exists()


def test_a_key_is_taken_once(new_study: Study, dana: User, at: dt.datetime) -> None:
    with pytest.raises(Refused, match="already") as refused:
        start_study(definition={"study": HEADING}, by=dana, at=at)
    assert refused.value.field == "study.key"


def test_neither_a_client_system_nor_somebody_whose_account_is_closed_starts_a_study(
    dana: User, at: dt.datetime
) -> None:
    client = create_person(username="edc", full_name="EDC", email="", is_person=False, by=dana, at=at)
    dana.is_active = False
    for by in (client, dana):
        with pytest.raises(Forbidden):
            start_study(definition={"study": HEADING}, by=by, at=at)


def test_a_copy_has_the_whole_protocol_under_its_own_key(study: Study, pi: User, at: dt.datetime) -> None:
    copied = copy_study(source=study, key="COPY-01", title="The copy", by=pi, at=at)
    taken, source = draft(copied).definition, study.version.definition
    assert taken["study"] == {**source["study"], "key": "COPY-01", "title": "The copy"}
    assert {k: v for k, v in taken.items() if k != "study"} == {k: v for k, v in source.items() if k != "study"}
    assert not copied.sites.exists()
    assert [held.user for held in copied.memberships.all()] == [pi]


def test_nobody_copies_a_study_in_which_they_have_no_role(study: Study, dana: User, at: dt.datetime) -> None:
    with pytest.raises(Forbidden):
        copy_study(source=study, key="COPY-01", title="The copy", by=dana, at=at)


# --- editing ---


def edit(study: Study, section: str, content: Any, by: User, seen: str = "") -> ProtocolVersion:
    seen = seen or draft(study).sha256
    return edit_section(study=study, section=section, content=content, by=by, at=moment(DAY_ONE), seen_sha256=seen)


def test_a_part_is_replaced_and_taken_out_and_the_digest_follows(new_study: Study, dana: User) -> None:
    version = edit(new_study, "cycle", {"length_days": Decimal(21)}, dana)
    assert version.definition["cycle"] == {"length_days": 21}
    assert version.sha256 == sha256_of(version.definition)
    assert draft(new_study).sha256 == version.sha256
    assert "cycle" not in edit(new_study, "cycle", None, dana).definition


def test_a_part_of_a_draft_may_hold_faults(new_study: Study, dana: User) -> None:
    assert edit(new_study, "levels", "none yet", dana).definition["levels"] == "none yet"


def test_several_parts_are_replaced_at_once_or_none(new_study: Study, dana: User, at: dt.datetime) -> None:
    changes = {"cycle": {"length_days": 21}, "delay": {"limit_days": 7}}
    seen = draft(new_study).sha256
    assert set(edit_draft(study=new_study, changes=changes, by=dana, at=at, seen_sha256=seen).definition) >= set(
        changes
    )
    with pytest.raises(Refused, match="no part 'surprise'"):
        edit_draft(
            study=new_study, changes={"cycle": {"length_days": 1}, "surprise": 1}, by=dana, at=at,
            seen_sha256=draft(new_study).sha256,
        )  # fmt: skip
    assert draft(new_study).definition["cycle"] == {"length_days": 21}


def test_what_was_changed_in_another_window_is_not_overwritten(new_study: Study, dana: User) -> None:
    seen = draft(new_study).sha256
    edit(new_study, "cycle", {"length_days": 21}, dana, seen)
    with pytest.raises(Refused, match="was changed since this page was opened") as refused:
        edit(new_study, "cycle", {"length_days": 28}, dana, seen)
    assert refused.value.code == "draft-changed"
    assert draft(new_study).definition["cycle"] == {"length_days": 21}


def test_the_title_and_time_zone_of_the_study_follow_its_draft_and_the_key_stays(new_study: Study, dana: User) -> None:
    edit(new_study, "study", {**HEADING, "title": "Another title", "time_zone": "UTC"}, dana)
    new_study.refresh_from_db()
    assert (new_study.title, new_study.time_zone) == ("Another title", "UTC")
    with pytest.raises(Refused, match="key stays NEW-01"):
        edit(new_study, "study", {**HEADING, "key": "OTHER"}, dana)
    with pytest.raises(Refused):
        edit(new_study, "study", None, dana)


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.DATA_MANAGER, Role.EDC)])
def test_only_a_data_manager_edits_a_draft(new_study: Study, rung: User, at: dt.datetime, role: Role) -> None:
    someone = person("someone", "Some One")
    grant_role(study=new_study, person=someone, role=role, by=rung, at=at)
    with pytest.raises(Forbidden):
        edit(new_study, "cycle", {"length_days": 21}, someone)


def test_a_live_protocol_is_never_edited(study: Study, rung: User) -> None:
    with pytest.raises(Refused, match="An amendment changes it"):
        edit_section(
            study=study, section="cycle", content={}, by=rung, at=moment(DAY_ONE), seen_sha256=study.version.sha256
        )


@pytest.mark.parametrize("content", [float("nan"), {"title": "a\0b"}, {1: 2}])
def test_what_no_file_can_hold_is_refused(new_study: Study, dana: User, content: object) -> None:
    with pytest.raises(Refused, match="is not allowed"):
        edit(new_study, "dlt", content, dana)


# --- what the database itself refuses ---


def test_no_script_edits_a_live_version(study: Study, rung: User) -> None:
    version = study.versions.filter(pk=study.version.pk)
    for change in ({"definition": {}, "sha256": "0" * 64}, {"definition": {}}, {"sha256": "0" * 64}):
        with pytest.raises(IntegrityError, match="never edited"), acting(rung, "by hand"):
            version.update(**change)


def test_a_drafts_definition_and_its_digest_change_together(new_study: Study, rung: User) -> None:
    for change in ({"definition": {}}, {"sha256": "0" * 64}):
        with pytest.raises(IntegrityError, match="change together"), acting(rung, "by hand"):
            new_study.versions.update(**change)


# --- sites and people ---


@pytest.mark.parametrize(
    ("code", "zone", "field"), [("A-1", "UTC", "code"), ("", "UTC", "code"), ("A", "Mars", "time_zone")]
)
def test_a_site_has_a_code_and_a_time_zone_that_exist(
    new_study: Study, dana: User, at: dt.datetime, code: str, zone: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        add_site(study=new_study, code=code, name="Lindby", time_zone=zone, by=dana, at=at)
    assert refused.value.field == field


def test_a_sites_code_is_given_once(new_study: Study, dana: User, at: dt.datetime) -> None:
    add_site(study=new_study, code="A", name="Lindby", time_zone="UTC", by=dana, at=at)
    with pytest.raises(Refused, match="has a site 'A' already"):
        add_site(study=new_study, code="A", name="Northfield", time_zone="UTC", by=dana, at=at)


def test_a_role_is_ended_once_with_a_reason(new_study: Study, dana: User, rung: User, at: dt.datetime) -> None:
    someone = person("someone", "Some One")
    held = grant_role(study=new_study, person=someone, role=Role.MONITOR, by=dana, at=at)
    with pytest.raises(Refused, match="Say why"):
        end_role(membership=held, reason=" ", by=dana, at=at)
    end_role(membership=held, reason="left", by=dana, at=at)
    assert not allowed(someone, Permission.VIEW_STUDY, new_study)
    with pytest.raises(Refused, match="ended already"):
        end_role(membership=held, reason="left", by=dana, at=at)


def test_a_study_keeps_a_data_manager(new_study: Study, dana: User, at: dt.datetime) -> None:
    mine = Membership.objects.get(study=new_study, user=dana)
    with pytest.raises(Refused, match="keeps a data manager"):
        end_role(membership=mine, reason="leaving", by=dana, at=at)
    grant_role(study=new_study, person=person("noor", "Noor Haddad"), role=Role.DATA_MANAGER, by=dana, at=at)
    end_role(membership=mine, reason="leaving", by=dana, at=at)
    assert not allowed(dana, Permission.MANAGE_STUDY, new_study)
