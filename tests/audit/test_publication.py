"""The newest hash of each chain leaves the database once a day, whatever is tried twice or fails on the way."""

import datetime as dt
import json
from pathlib import Path

import pytest
from django.core import mail
from django.db import DatabaseError, connection
from pytest_django.fixtures import Settings

from accounts.models import User
from audit import operations, seal
from audit.context import acting
from audit.models import Entry, Publication
from audit.operations import FILE, publish_what_is_due
from audit.verifier import read_published
from reminders.tasks import publish_audit
from tests.audit.tampering import online
from tests.audit.test_seal import cut_off
from trials.models import Study

pytestmark = [pytest.mark.django_db, pytest.mark.req("P11-10e", "P11-10a", "EMA-6.2.1")]

TODAY = dt.datetime(2026, 1, 6, 0, 10, tzinfo=dt.UTC)
TO = ["archive@example.org", "sponsor@example.org"]


def publish(folder: Path, at: dt.datetime = TODAY, to: list[str] = TO) -> None:
    names = dict(Study.objects.values_list("pk", "key"))
    publish_what_is_due(names=names, folder=folder, addresses=to, by=User.objects.system(), at=at)


def test_the_newest_hash_of_each_chain_goes_to_the_file_and_the_addresses(study: Study, tmp_path: Path) -> None:
    ends = {n: (seal.chain(n).entries, seal.chain(n).head) for n in seal.chains()}
    publish(tmp_path)
    lines = (tmp_path / FILE).read_text().splitlines()
    assert {p.study_id: (p.position, p.hash) for p in read_published(lines)} == ends
    assert {json.loads(line)["day"] for line in lines} == {"2026-01-06"}
    assert ends[study.pk][1] == Entry.objects.newest_hash(study.pk)
    [message] = mail.outbox
    assert message.to == TO
    assert ends[study.pk][1] in message.body


def test_a_day_is_published_once(study: Study, tmp_path: Path) -> None:
    publish(tmp_path)
    first = (tmp_path / FILE).read_text()
    publish(tmp_path, TODAY + dt.timedelta(hours=12))
    assert (tmp_path / FILE).read_text() == first
    assert len(mail.outbox) == 1
    publish(tmp_path, TODAY + dt.timedelta(days=1))
    assert (tmp_path / FILE).read_text().startswith(first)
    assert len(mail.outbox) == 2
    assert Publication.objects.count() == 2


def test_without_addresses_it_is_the_file_alone(study: Study, tmp_path: Path) -> None:
    publish(tmp_path, to=[])
    assert mail.outbox == []
    assert Publication.objects.get().mailed_at is None
    assert Publication.objects.get().written_at is not None


def test_a_folder_that_cannot_be_written_is_tried_again(study: Study, tmp_path: Path) -> None:
    in_the_way = tmp_path / "published"
    in_the_way.write_text("not a folder")
    publish(in_the_way)
    assert Publication.objects.get().written_at is None
    assert len(mail.outbox) == 1
    in_the_way.unlink()
    publish(in_the_way, TODAY + dt.timedelta(minutes=15))
    assert (in_the_way / FILE).is_file()
    assert len(mail.outbox) == 1


def test_a_mail_server_that_takes_nothing_is_tried_again(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_server(message: object) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr(operations.EmailMessage, "send", no_server)
        publish(tmp_path)
    assert Publication.objects.get().mailed_at is None
    publish(tmp_path, TODAY + dt.timedelta(minutes=15))
    assert Publication.objects.get().mailed_at is not None


def test_lines_that_stand_in_the_file_are_not_added_again(study: Study, tmp_path: Path) -> None:
    """A worker that died between writing and saying so."""
    publish(tmp_path, to=[])
    written = (tmp_path / FILE).read_text()
    operations._add_once(tmp_path / FILE, operations.lines_of(Publication.objects.get()))
    assert (tmp_path / FILE).read_text() == written


@pytest.mark.parametrize("change", ["heads = '[]'", "written_at = now()", "day = '2020-01-01'"])
def test_what_was_published_is_not_changed(study: Study, tmp_path: Path, change: str) -> None:
    publish(tmp_path)
    with pytest.raises(DatabaseError, match="is set and cannot be changed"), acting(User.objects.system(), "forging"):
        connection.cursor().execute(f"UPDATE audit_publication SET {change}")


def test_the_sweep_publishes(study: Study, settings: object, tmp_path: Path) -> None:
    settings.AUDIT_PUBLISHED_DIR, settings.AUDIT_PUBLISHED_TO = tmp_path, ["archive@example.org"]
    publish_audit()
    publish_audit()
    assert Publication.objects.count() == 1
    assert len(mail.outbox) == 1


def test_verify_audit_compares_with_what_was_published(
    own_database: object, study: Study, owner_connection: object, tmp_path: Path, settings: object
) -> None:
    settings.AUDIT_PUBLISHED_DIR = tmp_path
    publish(tmp_path)
    code, output = online("all")
    assert code == 0
    assert (
        f"{study.key}: whole. {Entry.objects.of_study(study.pk).count()} entries, 1 published hashes agree." in output
    )
    cut_off(owner_connection, study, head_too=True)
    code, output = online(study.key)
    assert code == 1
    assert "missing: published on 2026-01-06 as the newest" in output


def test_what_never_left_the_database_is_said_to_prove_nothing(
    study: Study, tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.AUDIT_PUBLISHED_DIR = tmp_path / "not-writable"
    settings.AUDIT_PUBLISHED_DIR.write_text("a file where a folder belongs")
    publish(settings.AUDIT_PUBLISHED_DIR, to=[])
    assert online(study.key)[0] == 0
    said = capsys.readouterr().err
    assert "NOT PUBLISHED: the hashes of 2026-01-06 were neither written to the file nor mailed." in said
    assert "NOT COMPARED with a file" in said
    settings.AUDIT_PUBLISHED_DIR = tmp_path
    publish(tmp_path, to=[])
    assert online(study.key)[0] == 0
    assert "NOT" not in capsys.readouterr().err
