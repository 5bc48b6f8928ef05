"""The seal: whatever the owner of the tables does to the trail is found, and the entry named, online and offline."""

import json
import zipfile
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from audit import seal
from audit.context import acting
from audit.export import published_line
from audit.models import Entry
from audit.verifier import Export, Published, faults_of
from tests.audit.tampering import Verify, offline, online, unguarded
from tests.databases import Database
from trials.models import Site, Study

pytestmark = [pytest.mark.django_db, pytest.mark.req("P11-10e", "P11-10a", "EMA-6.2.1", "R3-4.2.2")]


@pytest.fixture(params=["online", "offline"])
def verify(request: pytest.FixtureRequest, tmp_path: Path, own_database: Database) -> Verify:
    return online if request.param == "online" else offline(tmp_path)


def entry(study: Study, position: int) -> Entry:
    return Entry.objects.get(study_id=study.pk, position=position)


def newest(study: Study) -> Entry:
    return Entry.objects.of_study(study.pk).order_by("-position")[0]


def named(found: Entry) -> str:
    return f"entry {found.position} (id {found.pk}, table {found.table_name}, row {found.row_id})"


def told(verify: Verify, study: Study, **more: Path) -> list[str]:
    """The faults that are told, and exit code 1; none of them without a fault."""
    code, output = verify(study.key, **more)
    lines = output.splitlines()
    assert code == (0 if any(": whole. " in line for line in lines) else 1)
    return [line.removeprefix(f"{study.key}: ") for line in lines if ": whole. " not in line]


def test_a_trail_that_nobody_touched_is_whole(verify: Verify, study: Study) -> None:
    assert told(verify, study) == []
    code, output = verify("all")
    assert (code, output.count("whole.")) == (0, len(seal.chains()))


def test_one_changed_byte_is_named(verify: Verify, study: Study, owner_connection: psycopg.Connection) -> None:
    changed = entry(study, 5)
    with unguarded(owner_connection) as owner:
        owner.execute("UPDATE audit.entry SET reason = reason || '.' WHERE id = %s", [changed.pk])
    assert told(verify, study) == [f"{named(changed)} changed: its content does not give its hash"]


@pytest.mark.parametrize(
    "sql",
    [
        "new = jsonb_set(new, '{id}', '0')",
        "at = at + interval '1 microsecond'",
        "actor_name = 'somebody else'",
        "hash = md5('x') || md5('y')",
        "previous_hash = md5('x') || md5('y')",
        "patient_id = 1",
        "client_address = client_address || chr(31)",
    ],
)
def test_every_column_is_sealed(verify: Verify, study: Study, owner_connection: psycopg.Connection, sql: str) -> None:
    changed = entry(study, 5)
    with unguarded(owner_connection) as owner:
        owner.execute(f"UPDATE audit.entry SET {sql} WHERE id = %s", [changed.pk])
    assert told(verify, study) == [f"{named(changed)} changed: its content does not give its hash"]


def test_columns_cannot_be_parted_in_another_way(
    verify: Verify, study: Study, pi: User, owner_connection: psycopg.Connection
) -> None:
    """A reason that holds the separator is recorded without it; else its end could be passed off as the next column."""
    with acting(pi, "true\x1fforged"):
        Site.objects.filter(study=study, code="A").update(name="Renamed")
    assert newest(study).reason == "true forged"
    assert told(verify, study) == []


def test_a_change_with_a_new_hash_is_named(verify: Verify, study: Study, owner_connection: psycopg.Connection) -> None:
    changed = entry(study, 5)
    with unguarded(owner_connection) as owner:
        owner.execute("UPDATE audit.entry SET reason = 'forged' WHERE id = %s", [changed.pk])
        owner.execute("UPDATE audit.entry e SET hash = audit.digest(e) WHERE id = %s", [changed.pk])
    assert told(verify, study) == [f"{named(changed)} changed: the entry after it stands on another hash than it has"]


def test_one_removed_entry_is_named(verify: Verify, study: Study, owner_connection: psycopg.Connection) -> None:
    gone = entry(study, 5)
    with unguarded(owner_connection) as owner:
        owner.execute("DELETE FROM audit.entry WHERE id = %s", [gone.pk])
    [fault] = told(verify, study)
    where = f"{between(study, gone)}, table {gone.table_name}, row {gone.row_id}"
    assert fault == f"entry 5 ({where}) missing: it is not there any more"


def test_a_removed_entry_is_named_with_its_row_where_later_ones_tell(
    verify: Verify, study: Study, pi: User, owner_connection: psycopg.Connection
) -> None:
    """The row's next entry changes something that no entry before had made."""
    site = study.sites.get(code="A")
    for name in ("One", "Two", "Three"):
        with acting(pi, "renamed"):
            Site.objects.filter(pk=site.pk).update(name=name)
    gone = entry(study, newest(study).position - 1)
    with unguarded(owner_connection) as owner:
        owner.execute("DELETE FROM audit.entry WHERE id = %s", [gone.pk])
    [fault] = told(verify, study)
    where = f"{between(study, gone)}, table trials_site, row {site.pk}"
    assert fault == f"entry {gone.position} ({where}) missing: it is not there any more"


def between(study: Study, gone: Entry) -> str:
    return f"id between {entry(study, gone.position - 1).pk} and {entry(study, gone.position + 1).pk}"


def test_a_removed_entry_is_named_though_the_rest_was_renumbered(
    verify: Verify, study: Study, owner_connection: psycopg.Connection
) -> None:
    with unguarded(owner_connection) as owner:
        owner.execute("DELETE FROM audit.entry WHERE study_id = %s AND position = 5", [study.pk])
        owner.execute("UPDATE audit.entry SET position = position - 1 WHERE study_id = %s AND position > 5", [study.pk])
        owner.execute("UPDATE audit.chain SET entries = entries - 1 WHERE study_id = %s", [study.pk])
    [fault] = told(verify, study)
    assert fault.startswith("entry 5 (")
    assert fault.endswith("missing: it is not there any more")


COPY = """
    INSERT INTO audit.entry (study_id, position, at, operation, table_name, row_id, patient_id, old, new, actor_id,
        actor_name, reason, request_id, client_address, session_role, previous_hash, hash)
    SELECT study_id, {position}, at, operation, table_name, row_id, patient_id, old, new, actor_id, actor_name,
        'forged', request_id, client_address, session_role, previous_hash, hash
    FROM audit.entry WHERE study_id = %s AND position = 5 RETURNING id
"""


@pytest.mark.parametrize("with_its_hash", [False, True])
@pytest.mark.parametrize("renumbered", [False, True])
def test_one_inserted_entry_is_named(
    verify: Verify, study: Study, owner_connection: psycopg.Connection, renumbered: bool, with_its_hash: bool
) -> None:
    with unguarded(owner_connection) as owner:
        if renumbered:
            owner.execute(
                "UPDATE audit.entry SET position = position + 1 WHERE study_id = %s AND position > 5", [study.pk]
            )
        [forged] = owner.execute(COPY.format(position="6"), [study.pk]).fetchone() or [0]
        if with_its_hash:
            owner.execute(
                "UPDATE audit.entry SET previous_hash = %s WHERE id = %s", [entry(study, 5).hash, forged]
            )  # fmt: skip
            owner.execute("UPDATE audit.entry e SET hash = audit.digest(e) WHERE id = %s", [forged])
    [fault] = told(verify, study)
    inserted = Entry.objects.get(pk=forged)
    assert fault.startswith(f"{named(inserted)} inserted: ")


def test_an_entry_added_at_the_end_is_named(verify: Verify, study: Study, owner_connection: psycopg.Connection) -> None:
    last = newest(study)
    with unguarded(owner_connection) as owner:
        [forged] = owner.execute(COPY.format(position=last.position + 1), [study.pk]).fetchone() or [0]
        owner.execute("UPDATE audit.entry SET previous_hash = %s WHERE id = %s", [last.hash, forged])
        owner.execute("UPDATE audit.entry e SET hash = audit.digest(e) WHERE id = %s", [forged])
    [fault] = told(verify, study)
    assert fault == f"{named(Entry.objects.get(pk=forged))} inserted: the chain ends with entry {last.position}"


@pytest.mark.parametrize(("start", "target"), [(5, 8), (8, 5), (5, 6)])
def test_one_moved_entry_is_named(
    verify: Verify, study: Study, owner_connection: psycopg.Connection, start: int, target: int
) -> None:
    """Taken out of its place and put in another one; those between close up, so that the numbers have no gap."""
    step, low, high = (-1, start, target) if target > start else (1, target, start)
    moved = entry(study, start)
    with unguarded(owner_connection) as owner:
        owner.execute(
            "UPDATE audit.entry SET position = CASE position WHEN %s THEN %s ELSE position + %s END"
            " WHERE study_id = %s AND position BETWEEN %s AND %s", [start, target, step, study.pk, low, high]
        )  # fmt: skip
    [fault] = told(verify, study)
    other = entry(study, start)
    expected = f"{named(Entry.objects.get(pk=moved.pk))} moved: it belongs at position {start}"
    turned = f"{named(other)} moved: it belongs at position {target}"
    assert fault == expected or (abs(start - target) == 1 and fault == turned)


def test_two_entries_that_changed_places_are_named(
    verify: Verify, study: Study, owner_connection: psycopg.Connection
) -> None:
    with unguarded(owner_connection) as owner:
        owner.execute(
            "UPDATE audit.entry SET position = 13 - position WHERE study_id = %s AND position IN (5, 8)", [study.pk]
        )
    assert [fault.split(" ", 2)[1] + fault.rsplit(")", 1)[1] for fault in told(verify, study)] == [
        "5 moved: it belongs at position 8",
        "8 moved: it belongs at position 5",
    ]


def test_an_entry_that_pages_would_show_elsewhere_is_named(
    verify: Verify, study: Study, owner_connection: psycopg.Connection
) -> None:
    """The id is in no hash; it grows along the chain."""
    with unguarded(owner_connection) as owner:
        owner.execute("UPDATE audit.entry SET id = 1000000 WHERE study_id = %s AND position = 5", [study.pk])
    [fault] = told(verify, study)
    assert fault.startswith("entry 5 (id 1000000, table ")
    assert "moved: its id is not in the order of the chain" in fault


def test_an_entry_moved_to_another_study_is_named_in_both(
    verify: Verify, study: Study, owner_connection: psycopg.Connection
) -> None:
    moved, people = entry(study, 5), Entry.objects.of_study(0).count()
    with unguarded(owner_connection) as owner:
        owner.execute(
            "UPDATE audit.entry SET study_id = 0, position = %s WHERE id = %s", [people + 1, moved.pk]
        )  # fmt: skip
    code, output = verify("all")
    assert code == 1
    assert "entry 5 (id between" in output
    assert f"id {moved.pk}, table {moved.table_name}, row {moved.row_id}) moved: it belongs at position 5 of" in output


def test_a_byte_changed_in_the_export_itself_is_named(study: Study, own_database: Database, tmp_path: Path) -> None:
    verify = offline(tmp_path)
    assert verify(study.key)[0] == 0
    with zipfile.ZipFile(tmp_path / f"{study.key}.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    chain = tmp_path / "unpacked" / f"chain-{study.pk}.jsonl"
    lines = chain.read_bytes().splitlines(keepends=True)
    for place in range(0, len(lines[4]) - 1, 7):
        flipped = bytearray(lines[4])
        flipped[place] ^= 1
        chain.write_bytes(b"".join([*lines[:4], bytes(flipped), *lines[5:]]))
        [(_, found)] = Export(tmp_path / "unpacked").chains([])
        faults = faults_of(found)
        assert faults, lines[4][max(0, place - 20) : place + 5]
        assert {fault.position for fault in faults} <= {4, 5, 6}


# --- the end of the chain ---


def cut_off(owner: psycopg.Connection, study: Study, *, head_too: bool) -> None:
    """The newest two entries are removed; the chain's own note of its end, too, if asked."""
    end = newest(study).position - 2
    with unguarded(owner):
        owner.execute("DELETE FROM audit.entry WHERE study_id = %s AND position > %s", [study.pk, end])
        if head_too:
            owner.execute(
                "UPDATE audit.chain SET entries = %(end)s, head ="
                " (SELECT hash FROM audit.entry WHERE study_id = %(study)s AND position = %(end)s)"
                " WHERE study_id = %(study)s", {"end": end, "study": study.pk}
            )  # fmt: skip


def published_elsewhere(folder: Path, study: Study) -> Path:
    """The file that was published today, kept outside of the database."""
    last = newest(study)
    line = {"day": "2026-01-06", "study_id": str(study.pk), "position": str(last.position), "hash": last.hash}
    file = folder / "kept.jsonl"
    file.write_text(json.dumps(line) + "\n")
    return file


def test_newest_entries_that_were_cut_off_are_named(
    verify: Verify, study: Study, owner_connection: psycopg.Connection
) -> None:
    last = newest(study).position
    cut_off(owner_connection, study, head_too=False)
    [fault] = told(verify, study)
    assert fault.startswith(f"entry {last - 1} (id after ")
    assert f"missing: entries {last - 1} to {last} are not there any more, the newest of the chain" in fault


def test_newest_entries_cut_off_with_the_chains_end_are_told_by_what_was_published(
    verify: Verify, study: Study, owner_connection: psycopg.Connection, tmp_path: Path
) -> None:
    kept = published_elsewhere(tmp_path, study)
    assert told(verify, study, published=kept) == []
    last = newest(study).position
    cut_off(owner_connection, study, head_too=True)
    assert told(verify, study) == []
    [fault] = told(verify, study, published=kept)
    assert fault.startswith(f"entry {last} missing: published on 2026-01-06 as the newest")


def test_a_chain_rewritten_as_a_whole_is_told_by_what_was_published(
    verify: Verify, study: Study, owner_connection: psycopg.Connection, tmp_path: Path
) -> None:
    kept = published_elsewhere(tmp_path, study)
    last = newest(study).position
    with unguarded(owner_connection) as owner:
        owner.execute("UPDATE audit.entry SET reason = 'forged' WHERE study_id = %s AND position = 5", [study.pk])
        owner.execute(REHASH, {"study": study.pk})
    assert told(verify, study) == []
    [fault] = told(verify, study, published=kept)
    assert fault.startswith(f"entry {last} changed: its hash is not the one published on 2026-01-06")


REHASH = """
DO $$
DECLARE e audit.entry; before text;
BEGIN
    FOR e IN SELECT * FROM audit.entry ORDER BY study_id, position LOOP
        IF e.position = 1 THEN before := repeat('0', 64); END IF;
        e.previous_hash := before;
        before := audit.digest(e);
        UPDATE audit.entry SET previous_hash = e.previous_hash, hash = before WHERE id = e.id;
        UPDATE audit.chain SET head = before WHERE study_id = e.study_id;
    END LOOP;
END $$
"""


# --- the rows themselves, which only the database has ---


def test_rows_are_what_the_trail_says(own_database: Database, study: Study) -> None:
    assert online("all", rows=True)[0] == 0


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE trials_site SET name = 'Forged' WHERE code = 'A'",
         "the row was changed since, without an entry: name"),
        ("DELETE FROM trials_membership WHERE ctid = (SELECT max(ctid) FROM trials_membership)",
         "the row was removed since, without an entry"),
        ("INSERT INTO trials_site (study_id, code, name, time_zone) SELECT study_id, 'Z', name, time_zone"
         " FROM trials_site WHERE code = 'A'", "there is such a row, and no entry of its making"),
    ],
)  # fmt: skip
def test_a_row_changed_while_the_trigger_was_disabled_is_named(
    study: Study, pi: User, owner_connection: psycopg.Connection, sql: str, said: str
) -> None:
    table = sql.replace("DELETE FROM", "UPDATE").replace("INSERT INTO", "UPDATE").split()[1]
    owner_connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER audit_record")
    owner_connection.execute(sql)
    owner_connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_record")
    code, output = online(study.key, rows=True)
    [fault] = [line for line in output.splitlines() if "missing:" in line]
    assert code == 1
    assert f"table {table}, row " in fault
    assert fault.endswith(f"missing: {said}")


def test_a_trigger_that_is_switched_off_is_told(study: Study, owner_connection: psycopg.Connection) -> None:
    owner_connection.execute("ALTER TABLE labs_tube DISABLE TRIGGER audit_record")
    code, output = online(study.key)
    assert code == 1
    assert "The table labs_tube has no audit trigger that is always enabled." in output


def test_an_unknown_study_is_refused_with_those_there_are(own_database: Database, study: Study) -> None:
    with pytest.raises(CommandError, match=f"There is no study 'NONE'. Name one of: .*{study.key}"):
        call_command("verify_audit", study="NONE")


def test_a_chain_that_is_gone_as_a_whole_is_missed_by_whoever_kept_its_hash(study: Study, tmp_path: Path) -> None:
    verify, kept = offline(tmp_path), tmp_path / "kept.jsonl"
    kept.write_text(published_line(Published("2026-01-05", 4711, 4000, "a" * 64)))
    code, output = verify("all", kept)
    assert (code, output.splitlines()[-1]) == (
        1,
        "chain 4711: published on 2026-01-05 with 4000 entries, and not here: the whole chain was removed.",
    )
    code, output = verify(study.key, kept)
    assert code == 0
    assert output.splitlines()[-1].endswith("and not here: the export is not of everything.")
