"""A study goes live complete, with a site, with people who decide on doses, and signed: by operation, command, SQL."""

import datetime as dt

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection

from accounts.models import Signature, User
from audit.context import acting
from dosing.operations import go_live, load_protocol, sign_set_up
from tests.cast import ANTI_MAG, DAY_ONE, PASSWORD, moment, person, signed_set_up
from trials.errors import Forbidden, Refused
from trials.models import DoseLevel, Part, ProtocolVersion, Role, Study
from trials.operations import add_site, edit_section, end_role, grant_role, start_study
from trials.readiness import record_key, signatures_now

pytestmark = pytest.mark.django_db

SIGNERS = (Role.PRINCIPAL_INVESTIGATOR, Role.STATISTICIAN)


@pytest.fixture
def real_study(rung: User, at: dt.datetime) -> Study:
    """The anti-MAG study as it would be run: a draft, with a site and the people who decide."""
    study = load_protocol(text=ANTI_MAG.read_text(), by=rung, at=at).study
    add_site(study=study, code="A", name="Northfield", time_zone="America/New_York", by=rung, at=at)
    for role in (*SIGNERS, Role.MEDICAL_MONITOR, Role.DATA_MANAGER):
        grant_role(study=study, person=person(role.value, f"Dr {role.label.title()}"), role=role, by=rung, at=at)
    return study


def holder(role: Role) -> User:
    return User.objects.get(username=role.value)


def sign(study: Study, role: Role, by: User | None = None, password: str = PASSWORD, seen: str = "") -> Signature:
    seen = seen or study.versions.get().sha256
    by = by or holder(role)
    return sign_set_up(study=study, role=role, seen_sha256=seen, password=password, by=by, at=moment(DAY_ONE))


def changed(study: Study) -> None:
    version, by = study.versions.get(), holder(Role.DATA_MANAGER)
    content = {"limit_days": 21 if version.definition["delay"]["limit_days"] == 28 else 28}
    edit_section(study=study, section="delay", content=content, by=by, at=moment(DAY_ONE), seen_sha256=version.sha256)


def start(study: Study) -> None:
    go_live(study=study, by=holder(Role.DATA_MANAGER), at=moment(DAY_ONE))


def at_commit() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


# --- it works ---


@pytest.mark.req("R3-4.3.5", "EMA-A2.7", "EMA-A2.3")
def test_signed_by_all_it_goes_live_with_levels_parts_and_boundaries(real_study: Study) -> None:
    for role in SIGNERS:
        sign(real_study, role)
    assert not real_study.levels.exists()
    start(real_study)
    at_commit()
    study = Study.objects.get(pk=real_study.pk)
    assert list(study.levels.values_list("label", flat=True)) == ["10 mg", "15 mg", "25 mg"]
    assert {p.kind: p.planned_patients for p in study.parts.all()} == {"escalation": 12, "expansion": 8}
    assert study.version.boundaries.count() == 20
    assert study.cohorts.get().level.ordinal == 1


@pytest.mark.req("P11-50", "P11-70", "EMA-4.8")
def test_a_signature_holds_who_what_and_the_whole_definition(real_study: Study) -> None:
    given = sign(real_study, Role.STATISTICIAN)
    version = real_study.versions.get()
    assert given.record_sha256 == version.sha256
    assert given.statement == (
        "I have reviewed this set-up of LEN-MAG-01 (protocol version 1) as shown here, and approve it"
    )
    assert (given.printed_name, given.role, given.components_checked) == (
        "Dr Statistician",
        "statistician",
        ["password"],
    )


def test_a_rehearsal_goes_live_without_people_and_signatures(draft_study: Study, rung: User, at: dt.datetime) -> None:
    assert go_live(study=draft_study, by=rung, at=at).number == 1
    at_commit()


# --- signing is refused ---


@pytest.mark.req("P11-200")
def test_a_wrong_password_signs_nothing(real_study: Study) -> None:
    with pytest.raises(Refused, match="password is not right") as refused:
        sign(real_study, Role.STATISTICIAN, password="wrong")
    assert refused.value.field == "password"


@pytest.mark.parametrize("role", [Role.MEDICAL_MONITOR, Role.DATA_MANAGER])
def test_a_role_that_the_draft_does_not_name_signs_nothing(real_study: Study, role: Role) -> None:
    with pytest.raises(Refused, match="a role that signs its set-up"):
        sign(real_study, role)


def test_nobody_signs_in_a_role_that_they_do_not_hold_for_the_whole_study(real_study: Study, rung: User) -> None:
    with pytest.raises(Refused, match="a role that signs its set-up"):
        sign(real_study, Role.STATISTICIAN, by=holder(Role.MEDICAL_MONITOR))
    local = person("local", "Dr Local")
    site = real_study.sites.get()
    grant_role(study=real_study, person=local, role=Role.STATISTICIAN, site=site, by=rung, at=moment(DAY_ONE))
    with pytest.raises(Refused, match="a role that signs its set-up"):
        sign(real_study, Role.STATISTICIAN, by=local)


@pytest.mark.req("EMA-A3.3")
def test_one_person_signs_once_and_a_role_signs_once(real_study: Study, rung: User) -> None:
    both = holder(Role.STATISTICIAN)
    grant_role(study=real_study, person=both, role=Role.PRINCIPAL_INVESTIGATOR, by=rung, at=moment(DAY_ONE))
    sign(real_study, Role.STATISTICIAN)
    with pytest.raises(Refused, match="This role has signed already"):
        sign(real_study, Role.STATISTICIAN)
    with pytest.raises(Refused, match="another person has to sign"):
        sign(real_study, Role.PRINCIPAL_INVESTIGATOR, by=both)


def test_a_draft_that_is_not_the_one_that_was_shown_is_not_signed(real_study: Study) -> None:
    seen = real_study.versions.get().sha256
    changed(real_study)
    with pytest.raises(Refused, match="changed since this page was opened"):
        sign(real_study, Role.STATISTICIAN, seen=seen)


@pytest.mark.req("EMA-A2.3", "R3-4.3.4")
def test_a_draft_with_a_fault_is_not_signed_be_it_in_the_design(real_study: Study, rung: User, at: dt.datetime) -> None:
    seen = real_study.versions.get().sha256
    design = {"name": "boin", "parameters": {"target": 0.95}}
    edit_section(study=real_study, section="design", content=design, by=rung, at=at, seen_sha256=seen)
    with pytest.raises(Refused, match=r"design.parameters.target"):
        sign(real_study, Role.STATISTICIAN)
    edit_section(
        study=real_study, section="dlt", content=None, by=rung, at=at, seen_sha256=real_study.versions.get().sha256
    )
    with pytest.raises(Refused, match="dlt: None is not allowed"):
        sign(real_study, Role.STATISTICIAN)


def test_a_changed_draft_is_covered_by_no_earlier_signature_and_signed_again(real_study: Study) -> None:
    sign(real_study, Role.STATISTICIAN)
    changed(real_study)
    assert signatures_now(real_study.versions.get()) == []
    sign(real_study, Role.STATISTICIAN)
    changed(real_study)
    assert [s.role for s in signatures_now(real_study.versions.get())] == ["statistician"]


# --- going live is refused ---


def test_all_that_is_missing_is_told_at_once(rung: User, at: dt.datetime) -> None:
    study = load_protocol(text=ANTI_MAG.read_text(), by=rung, at=at).study
    with pytest.raises(Refused) as refused:
        go_live(study=study, by=rung, at=at)
    for words in ("at least one site", "role of medical monitor", "statistician has to sign", "principal investigator"):
        assert words in refused.value.sentence
    assert study.versions.get().status == ProtocolVersion.Status.DRAFT
    assert not study.levels.exists()


def test_the_command_says_what_is_missing(real_study: Study) -> None:
    sign(real_study, Role.STATISTICIAN)
    with pytest.raises(CommandError, match=r"^The principal investigator has to sign the set-up\.$"):
        call_command("go_live", "LEN-MAG-01")


def test_an_incomplete_draft_does_not_go_live_not_even_in_a_rehearsal(rung: User, at: dt.datetime) -> None:
    heading = {"key": "NEW-01", "title": "A new study"}
    study = start_study(definition={"study": heading}, rehearsal_day=DAY_ONE, by=rung, at=at)
    add_site(study=study, code="A", name="Northfield", time_zone="UTC", by=rung, at=at)
    with pytest.raises(Refused, match="Complete the study file"):
        go_live(study=study, by=rung, at=at)


def test_a_draft_that_was_changed_since_it_was_shown_does_not_go_live(real_study: Study) -> None:
    signed_set_up(real_study)
    with pytest.raises(Refused, match="changed since this page was opened"):
        go_live(study=real_study, by=holder(Role.DATA_MANAGER), at=moment(DAY_ONE), seen_sha256="0" * 64)


def test_a_signature_that_covers_the_draft_no_longer_lets_nothing_go_live(real_study: Study) -> None:
    signed_set_up(real_study)
    changed(real_study)
    with pytest.raises(Refused, match="has to sign the set-up"):
        start(real_study)


def test_the_roles_that_decide_are_held_by_people_of_their_own(real_study: Study, rung: User, at: dt.datetime) -> None:
    signed_set_up(real_study)
    end_role(membership=real_study.memberships.get(role=Role.MEDICAL_MONITOR), reason="left", by=rung, at=at)
    with pytest.raises(Refused, match="role of medical monitor for the whole study"):
        start(real_study)
    investigator = holder(Role.PRINCIPAL_INVESTIGATOR)
    grant_role(study=real_study, person=investigator, role=Role.MEDICAL_MONITOR, by=rung, at=at)
    with pytest.raises(Refused, match="signatures of different people"):
        start(real_study)


@pytest.mark.parametrize("role", [Role.PRINCIPAL_INVESTIGATOR, Role.MEDICAL_MONITOR])
def test_only_a_data_manager_lets_a_study_go_live(real_study: Study, role: Role) -> None:
    signed_set_up(real_study)
    with pytest.raises(Forbidden):
        go_live(study=real_study, by=holder(role), at=moment(DAY_ONE))


# --- the database itself refuses ---


def live_by_hand(study: Study) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE trials_protocolversion SET status = 'live', live_at = now() WHERE study_id = %s", [study.pk]
        )
    at_commit()


@pytest.mark.req("R3-4.3.5", "P11-10f")
def test_no_script_makes_an_unsigned_version_live(real_study: Study, rung: User) -> None:
    sign(real_study, Role.STATISTICIAN)
    with pytest.raises(IntegrityError, match="every role that it names has signed it"), acting(rung, "by hand"):
        live_by_hand(real_study)


def test_no_script_makes_another_definition_live_than_was_signed(real_study: Study, rung: User) -> None:
    signed_set_up(real_study)
    version = real_study.versions.get()
    other = {**version.definition, "delay": {"limit_days": 365}}
    with acting(rung, "by hand"):
        real_study.versions.update(definition=other, sha256="0" * 64)
        real_study.versions.update(definition={**other, "retreatment": {}}, sha256=version.sha256)
    with pytest.raises(IntegrityError, match="every role that it names has signed it"), acting(rung, "by hand"):
        live_by_hand(real_study)


def test_no_script_makes_a_version_live_that_nobody_has_to_sign(real_study: Study, rung: User) -> None:
    definition = real_study.versions.get().definition
    unsigned = {**definition, "signatures": {**definition["signatures"], "set_up": []}}
    with acting(rung, "by hand"):
        real_study.versions.update(definition=unsigned, sha256="0" * 64)
    with pytest.raises(IntegrityError, match="every role that it names has signed it"), acting(rung, "by hand"):
        live_by_hand(real_study)


def test_no_script_starts_a_study_without_a_site(rung: User, at: dt.datetime) -> None:
    study = load_protocol(text=ANTI_MAG.read_text(), by=rung, at=at, rehearsal_day=DAY_ONE).study
    with pytest.raises(IntegrityError, match="without a site"), acting(rung, "by hand"):
        live_by_hand(study)


@pytest.mark.req("P11-70", "P11-100")
def test_no_script_signs_for_somebody_else_or_another_draft(real_study: Study, rung: User) -> None:
    version = real_study.versions.get()
    given = sign(real_study, Role.STATISTICIAN)
    kept = {name: getattr(given, name) for name in ("study_id", "record_kind", "record_json", "record_sha256")}
    kept |= {"record_key": record_key(version), "printed_name": "x", "meaning": "review", "statement": "x"}
    stranger = holder(Role.MEDICAL_MONITOR)
    with pytest.raises(IntegrityError, match="does not hold this role"), acting(rung, "by hand"):
        Signature.objects.create(**kept, role="principal_investigator", signer=stranger)
    other = kept | {"record_json": "{}", "signer": holder(Role.PRINCIPAL_INVESTIGATOR)}
    with pytest.raises(IntegrityError, match="no such draft"), acting(rung, "by hand"):
        Signature.objects.create(**other, role="principal_investigator")


def test_levels_and_parts_are_made_by_going_live_alone(real_study: Study) -> None:
    assert not DoseLevel.objects.filter(study=real_study).exists()
    assert not Part.objects.filter(study=real_study).exists()
