"""Whether a signature verifies: worked out from the live record and the audit trail whenever it is shown."""

import datetime as dt
import io
import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from accounts.canonical import canonical_json, sha256_of
from accounts.manifestation import State, time_words, verify_stored
from accounts.models import Signature, User
from audit.context import acting
from dosing.models import Decision
from dosing.operations import issue_recommendation
from tests.cast import DAY_ONE, moment
from tests.databases import Database
from tests.dosing.steps import evaluated, propose, sign_all
from trials.models import Study

Tamper = Callable[..., None]


@pytest.fixture
def signed(own_database: Database, request: pytest.FixtureRequest) -> Decision:
    """'Escalate to 15 mg', signed by both, committed: so that the tables' owner can tamper with it."""
    study: Study = request.getfixturevalue("study")
    pi: User = request.getfixturevalue("pi")
    request.getfixturevalue("medical_monitor")
    _, on = evaluated(study, request.getfixturevalue("coordinator_a"), DAY_ONE)
    return sign_all(propose(issue_recommendation(study=study, by=pi, at=moment(on)), on), on)


@pytest.fixture
def tamper(owner_connection: psycopg.Connection) -> Tamper:
    """As the tables' owner with every trigger off: what only the seal and the signatures themselves can find."""

    def run(table: str, sql: str, *given: Any) -> None:
        with owner_connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(sql, given)

    return run


def states() -> list[str]:
    signatures = list(Signature.objects.select_related("signer").order_by("pk"))
    verdicts = verify_stored(signatures)
    return [verdicts[s.pk].state.value for s in signatures]


def why() -> set[str]:
    signatures = list(Signature.objects.select_related("signer"))
    return {verdict.sentence for verdict in verify_stored(signatures).values() if not verdict.valid}


@pytest.mark.req("P11-70")
def test_signatures_on_an_unchanged_record_verify(signed: Decision) -> None:
    assert states() == [State.VALID, State.VALID]
    said = io.StringIO()
    call_command("verify_signatures", "--study", "LEN-MAG-01", stdout=said)
    assert said.getvalue() == "LEN-MAG-01: 2 signatures verified.\n"


@pytest.mark.req("P11-70")
@pytest.mark.parametrize(
    ("table", "sql"),
    [
        ("dosing_decision", "UPDATE dosing_decision SET cohort_size = 3"),
        ("dosing_decision", "UPDATE dosing_decision SET comment = 'because'"),
        ("dosing_recommendation", "UPDATE dosing_recommendation SET reason = reason || '!'"),
        ("dosing_recommendation", "UPDATE dosing_recommendation SET inputs = jsonb_set(inputs, '{tally,dlts,0}', '1')"),
        ("trials_doselevel", "UPDATE trials_doselevel SET label = '16 mg' WHERE ordinal = 2"),
    ],
)
def test_a_record_that_was_changed_is_no_longer_covered(signed: Decision, tamper: Tamper, table: str, sql: str) -> None:
    tamper(table, sql)
    assert states() == [State.CHANGED, State.CHANGED]
    with pytest.raises(CommandError, match="The record is no longer what was signed") as refused:
        call_command("verify_signatures")
    assert refused.value.returncode == 1
    assert "Dr Ana Rivera (principal_investigator) on dosing.decision" in str(refused.value)


@pytest.mark.req("P11-70")
def test_a_signature_copied_to_another_record_does_not_verify(
    signed: Decision, tamper: Tamper, study: Study, coordinator_a: User, pi: User
) -> None:
    on = signed.signed_at.date() + dt.timedelta(days=1) if signed.signed_at else DAY_ONE
    _, later = evaluated(study, coordinator_a, on)
    other = propose(issue_recommendation(study=study, by=pi, at=moment(later)), later)
    columns = ", ".join(
        f.column for f in Signature._meta.concrete_fields if f.column not in ("id", "record_key")
    )  # fmt: skip
    tamper(
        "accounts_signature",
        f"INSERT INTO accounts_signature (record_key, {columns}) SELECT %s, {columns} FROM accounts_signature",
        str(other.pk),
    )
    assert states() == [State.VALID, State.VALID, State.ALTERED, State.ALTERED]
    assert why() == {"The audit trail has no entry that it was given."}


def test_a_copy_with_an_entry_in_the_trail_is_found_by_the_record(
    signed: Decision, tamper: Tamper, study: Study, coordinator_a: User, pi: User, medical_monitor: User
) -> None:
    """Moved by hand, with the guards off but not the audit trigger: the other record is not what was signed."""
    on = signed.signed_at.date() + dt.timedelta(days=1) if signed.signed_at else DAY_ONE
    _, later = evaluated(study, coordinator_a, on)
    other = propose(issue_recommendation(study=study, by=pi, at=moment(later)), later)
    given = Signature.objects.get(signer=pi)
    copied = {f.attname: getattr(given, f.attname) for f in Signature._meta.concrete_fields if f.name != "id"}
    with acting(pi, "by hand"):
        Signature.objects.create(**copied | {"record_key": str(other.pk)})
    assert states() == [State.VALID, State.VALID, State.CHANGED]


@pytest.mark.req("P11-70")
def test_the_application_cannot_copy_one_to_a_decision_that_is_signed(signed: Decision, pi: User) -> None:
    given = Signature.objects.get(signer=pi)
    copied = {f.attname: getattr(given, f.attname) for f in Signature._meta.concrete_fields if f.name != "id"}
    with pytest.raises(IntegrityError, match="waits for this signature"), acting(pi, "by hand"):
        Signature.objects.create(**copied | {"role": "statistician"})


@pytest.mark.req("P11-50")
@pytest.mark.parametrize(
    "change",
    [
        "printed_name = 'Somebody Else'",
        "meaning = 'review'",
        "statement = 'I have read it'",
        "signed_at = signed_at - interval '1 day'",
        "role = 'statistician'",
        'components_checked = \'["password", "totp"]\'',
        "stands_on_position = 1",
    ],
)
def test_nothing_of_a_signature_can_be_changed_unseen(signed: Decision, tamper: Tamper, change: str) -> None:
    tamper("accounts_signature", f"UPDATE accounts_signature SET {change} WHERE role = 'principal_investigator'")
    assert states() == [State.ALTERED, State.VALID]
    assert why() == {"It is not what the audit trail says was signed."}


def test_a_record_and_its_digest_changed_together_in_the_signature_are_found(signed: Decision, tamper: Tamper) -> None:
    record = json.loads(Signature.objects.order_by("pk")[0].record_json)
    record["decision"]["dose"] = "25 mg"
    tamper(
        "accounts_signature",
        "UPDATE accounts_signature SET record_json = %s, record_sha256 = %s WHERE role = 'principal_investigator'",
        canonical_json(record),
        sha256_of(record),
    )
    assert states() == [State.ALTERED, State.VALID]


def test_a_record_that_does_not_fit_its_digest_is_found(signed: Decision, tamper: Tamper) -> None:
    tamper("accounts_signature", "UPDATE accounts_signature SET record_json = '{}'")
    assert why() == {"What it holds of the record is not what its SHA-256 says."}


@pytest.mark.django_db
@pytest.mark.req("P11-200")
def test_a_signature_that_somebody_else_made_is_found(
    study: Study, pi: User, statistician: User, owner_connection: psycopg.Connection
) -> None:
    """The database refuses it; where its owner has switched that off, the trail names who really acted."""
    owner_connection.execute("ALTER TABLE accounts_signature DISABLE TRIGGER signed_by_who_acts")
    with acting(statistician, "for the PI"):
        Signature.objects.create(
            study_id=study.pk, record_kind="test.record", record_key="1", record_json="{}", record_sha256=sha256_of({}),
            signer=pi, printed_name=pi.full_name, role="principal_investigator", meaning="approval", statement="x",
        )  # fmt: skip
    assert why() == {"The audit trail says that somebody other than the signer made it."}


@pytest.mark.django_db
def test_a_kind_that_nothing_knows_does_not_verify(study: Study, pi: User) -> None:
    with acting(pi, "by hand"):
        Signature.objects.create(
            study_id=study.pk, record_kind="test.record", record_key="1", record_json="{}", record_sha256=sha256_of({}),
            signer=pi, printed_name=pi.full_name, role="principal_investigator", meaning="approval", statement="x",
        )  # fmt: skip
    assert states() == [State.CHANGED]


@pytest.mark.django_db
def test_the_command_says_which_studies_there_are(study: Study) -> None:
    with pytest.raises(CommandError, match=r"There is no study NONE\. Studies: LEN-MAG-01"):
        call_command("verify_signatures", "--study", "NONE")


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe/Stockholm", "Sat 21 Nov 2026, 15:26 CET"),
        ("America/Sao_Paulo", "Sat 21 Nov 2026, 11:26 UTC-03:00"),
        ("UTC", "Sat 21 Nov 2026, 14:26 UTC"),
    ],
)
@pytest.mark.req("P11-50")
def test_a_time_always_has_its_zone(zone: str, told: str) -> None:
    assert time_words(dt.datetime(2026, 11, 21, 14, 26, tzinfo=dt.UTC), zone) == told
