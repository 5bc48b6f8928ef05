"""What the application's own database role cannot do, each tried; and what leaves an entry, whatever the way."""

import datetime as dt
import itertools

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from accounts.models import User
from audit.checks import every_regulated_table_is_audited, regulated_tables
from audit.context import acting, operation
from audit.models import Entry
from tests.databases import Database
from trials.models import Site, Study

pytestmark = pytest.mark.django_db


def attempt(sql: str, *parameters: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@pytest.mark.req("P11-10e", "P11-10c", "R3-4.2.2", "EMA-6.2.1", "EMA-A4.17", "EMA-A4.8", "EMA-A3.3")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit.entry SET actor_name = 'somebody else'",
        "DELETE FROM audit.entry",
        "TRUNCATE audit.entry",
        "INSERT INTO audit.entry (study_id, position, at, operation, table_name, row_id, actor_id, actor_name, reason,"
        " request_id, client_address, session_role, previous_hash, hash)"
        " VALUES (0, 999, now(), 'INSERT', 'x', '1', '1', 'x', '', '', '', '', '', '')",
        "UPDATE audit.chain SET head = 'forged'",
        "DELETE FROM audit.chain",
        "SELECT * FROM audit.chain",
        "UPDATE audit_entry SET reason = 'forged'",
        "DELETE FROM audit_entry",
        "DROP VIEW audit_entry",
        "UPDATE audit_chain SET entries = 0",
        "DELETE FROM audit_chain",
        "INSERT INTO audit.chain VALUES (999, 0, 'forged')",
        "TRUNCATE audit.chain",
        "CREATE OR REPLACE VIEW audit_entry AS SELECT * FROM audit.entry LIMIT 0",
        "DO $$ BEGIN CREATE TEMPORARY TABLE bait (id bigint); CREATE TRIGGER forging AFTER INSERT ON bait"
        " FOR EACH ROW EXECUTE FUNCTION audit.record(); END $$",
        "CREATE TRIGGER forging AFTER INSERT ON django_session FOR EACH ROW EXECUTE FUNCTION audit.record()",
        "SELECT audit.digest(e) FROM audit.entry e",
        "ALTER FUNCTION audit.record() SECURITY INVOKER",
        "GRANT rung_audit TO rung_app",
        "ALTER SCHEMA audit RENAME TO nothing",
        "DROP TABLE audit.entry",
        "ALTER TABLE audit.entry DISABLE TRIGGER ALL",
        "CREATE TABLE audit.other (id int)",
        "CREATE OR REPLACE FUNCTION audit.record() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "DELETE FROM trials_study",
        "DELETE FROM patients_adverseevent",
        "TRUNCATE trials_study CASCADE",
        "TRUNCATE patients_dltassessment CASCADE",
        "ALTER TABLE trials_study DISABLE TRIGGER audit_record",
        "ALTER TABLE trials_study DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_record ON trials_study",
        "SET session_replication_role = replica",
        "ALTER ROLE rung_app SET session_replication_role = replica",
        "SET LOCAL session_replication_role = local",
        "SET ROLE rung_audit",
        "SET SESSION AUTHORIZATION rung_audit",
        "SET ROLE rung_owner",
        "ALTER ROLE rung_app SUPERUSER",
    ],
)
def test_the_application_is_refused(study: Study, sql: str) -> None:
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner|refused|must be superuser"):
        attempt(sql)


@pytest.mark.req("P11-10e", "R3-4.2.2", "EMA-4.5", "EMA-A3.5")
def test_a_change_without_an_actor_is_refused(study: Study) -> None:
    with pytest.raises(DatabaseError, match="needs an actor"):
        attempt("UPDATE trials_study SET title = 'changed' WHERE id = %s", study.pk)
    with pytest.raises(DatabaseError, match="needs an actor"):
        Site.objects.create(study=study, code="Z", name="Nobody's", time_zone="UTC")


@pytest.mark.req("R3-4.2.2", "R3-4.2.4", "EMA-6.2.1")
@pytest.mark.parametrize("reason", ["", "   "])
def test_an_update_without_a_reason_is_refused(study: Study, pi: User, reason: str) -> None:
    with pytest.raises(DatabaseError, match="needs a reason"), acting(pi, reason):
        Study.objects.filter(pk=study.pk).update(title="changed")


def last(table: str) -> Entry:
    return Entry.objects.filter(table_name=table).newest_first()[0]


@pytest.mark.req("P11-10e", "R3-4.2.2", "R3-4.2.4", "EMA-6.2.1", "EMA-4.3")
def test_save_leaves_an_entry_with_who_why_old_and_new(study: Study, pi: User) -> None:
    with acting(pi, "spelling"):
        study.title = "Lenalidomide in anti-MAG polyneuropathy"
        study.save()
    entry = last("trials_study")
    assert (entry.operation, entry.actor_name, entry.reason, entry.study_id) == ("UPDATE", "pi", "spelling", study.pk)
    assert entry.changed_fields == {
        "title": ("Lenalidomide in anti-MAG neuropathy", "Lenalidomide in anti-MAG polyneuropathy")
    }
    assert entry.session_role == "rung_app"


@pytest.mark.req("P11-10e")
def test_queryset_update_leaves_an_entry_per_row(study: Study, pi: User) -> None:
    with acting(pi, "renamed together"):
        Site.objects.filter(study=study).update(name="Renamed")
    entries = Entry.objects.filter(table_name="trials_site", reason="renamed together")
    assert entries.count() == 2


@pytest.mark.req("P11-10e")
def test_bulk_update_and_bulk_create_leave_entries(study: Study, pi: User) -> None:
    sites = list(study.sites.all())
    with acting(pi, "in bulk"):
        for site in sites:
            site.name += " hospital"
        Site.objects.bulk_update(sites, ["name"])
        Site.objects.bulk_create([Site(study=study, code="C", name="Third", time_zone="UTC")])
    found = Entry.objects.filter(table_name="trials_site", reason="in bulk").values_list("operation", flat=True)
    assert sorted(found) == ["INSERT", "UPDATE", "UPDATE"]


@pytest.mark.req("P11-10e", "EMA-A4.17")
def test_raw_sql_leaves_an_entry(study: Study, pi: User) -> None:
    with acting(pi, "by hand"):
        attempt("UPDATE trials_site SET name = 'By hand' WHERE study_id = %s AND code = 'A'", study.pk)
    assert last("trials_site").changed_fields["name"] == ("Northfield", "By hand")


def test_an_update_that_changes_nothing_leaves_no_entry(study: Study, pi: User) -> None:
    before = Entry.objects.count()
    with acting(pi, "saved again"):
        study.save()
    assert Entry.objects.count() == before


@pytest.mark.req("P11-10e", "R3-4.2.2", "EMA-5.5", "EMA-4.5")
def test_the_time_is_the_databases_own(study: Study, pi: User) -> None:
    """A rehearsal's day, or a clock that is wrong on the server, never gets into the trail."""
    with acting(pi, "spelling"):
        Study.objects.filter(pk=study.pk).update(title="Another")
    assert abs(last("trials_study").at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)


@pytest.mark.req("P11-300", "EMA-A4.14")
def test_a_password_is_never_in_the_trail(pi: User) -> None:
    entry = Entry.objects.get(table_name="accounts_user", row_id=str(pi.pk), operation="INSERT")
    assert entry.new is not None
    assert entry.new["password"].startswith("sha256:")
    assert pi.password not in str(entry.new)


def test_signing_in_is_no_change_of_a_person(client: object, pi: User) -> None:
    before = Entry.objects.filter(table_name="accounts_user").count()
    User.objects.filter(pk=pi.pk).update(last_login=dt.datetime.now(dt.UTC))
    assert Entry.objects.filter(table_name="accounts_user").count() == before


@pytest.mark.req("P11-10a")
def test_each_study_has_its_chain(study: Study) -> None:
    entries = list(Entry.objects.of_study(study.pk).order_by("position"))
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[0].previous_hash == "0" * 64
    assert all(one.hash == two.previous_hash for one, two in itertools.pairwise(entries))


@pytest.mark.req("P11-10a", "EMA-4.5")
def test_every_hash_is_that_of_its_entry(owner_connection: psycopg.Connection, study: Study) -> None:
    wrong = owner_connection.execute("SELECT count(*) FROM audit.entry").fetchone()
    assert wrong is not None
    assert wrong[0] > 0
    with owner_connection.transaction():
        owner_connection.execute("SET ROLE rung_audit")
        broken = owner_connection.execute("SELECT id FROM audit.entry e WHERE audit.digest(e) <> e.hash").fetchall()
    assert broken == []


@pytest.mark.req("P11-10e", "R3-4.2.2", "EMA-A4.17")
def test_the_owner_of_the_tables_cannot_rewrite_the_trail(owner_connection: psycopg.Connection, study: Study) -> None:
    for sql in ("UPDATE audit.entry SET reason = 'x'", "DELETE FROM audit.entry", "TRUNCATE audit.entry"):
        with pytest.raises(psycopg.Error, match="permission denied"):
            owner_connection.execute(sql)


@pytest.mark.req("P11-10e", "R3-4.2.2")
def test_even_the_trails_own_role_cannot_change_an_entry(own_database: Database, study: Study) -> None:
    with psycopg.connect(own_database.admin_url, autocommit=True, dbname=own_database.name) as admin:
        for sql in ("UPDATE audit.entry SET reason = 'x'", "DELETE FROM audit.entry", "TRUNCATE audit.entry"):
            with pytest.raises(psycopg.Error, match="is refused"):
                admin.execute(sql)


@pytest.mark.req("P11-10e", "R3-4.2.2", "EMA-6.2.1")
def test_every_regulated_table_has_its_trigger() -> None:
    assert every_regulated_table_is_audited(None, databases=["default"]) == []
    assert {"trials_study", "patients_adverseevent", "dosing_decision", "labs_collection"} <= regulated_tables()


@pytest.mark.req("R3-4.2.2")
def test_a_table_without_its_trigger_is_found(owner_connection: psycopg.Connection) -> None:
    owner_connection.execute("ALTER TABLE labs_tube DISABLE TRIGGER audit_record")
    found = every_regulated_table_is_audited(None, databases=["default"])
    assert [(error.id, "labs_tube" in error.msg) for error in found] == [("audit.E001", True)]


def test_an_operation_inside_another_keeps_the_outer_reason_unless_it_has_its_own(study: Study, pi: User) -> None:
    @operation
    def rename_site(*, site: Site, name: str, by: User, reason: str = "") -> None:
        Site.objects.filter(pk=site.pk).update(name=name)

    @operation
    def rename_both(*, by: User, reason: str) -> None:
        one, two = study.sites.all()
        rename_site(site=one, name="One", by=by)
        rename_site(site=two, name="Two", by=by, reason="its own")
        Site.objects.filter(pk=one.pk).update(time_zone="UTC")

    rename_both(by=pi, reason="the outer one")
    reasons = Entry.objects.filter(table_name="trials_site", operation="UPDATE").order_by("id")
    assert [entry.reason for entry in reasons] == ["the outer one", "its own", "the outer one"]


def test_the_actor_is_gone_when_the_operation_has_ended(study: Study, pi: User) -> None:
    with acting(pi, "spelling"):
        Study.objects.filter(pk=study.pk).update(title="Another")
    with pytest.raises(DatabaseError, match="needs an actor"):
        attempt("UPDATE trials_study SET title = 'nobody' WHERE id = %s", study.pk)


def test_a_refused_operation_writes_nothing_and_leaves_no_actor(study: Study, pi: User) -> None:
    @operation
    def fail_half_way(*, by: User, reason: str) -> None:
        Study.objects.filter(pk=study.pk).update(title="Half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way(by=pi, reason="fails")
    assert Study.objects.get(pk=study.pk).title == "Lenalidomide in anti-MAG neuropathy"
    with pytest.raises(DatabaseError, match="needs an actor"):
        attempt("UPDATE trials_study SET title = 'nobody' WHERE id = %s", study.pk)
