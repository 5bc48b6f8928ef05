"""The audit trail: what must be refused is refused, what must be recorded is recorded, and all of it is whole."""

import datetime as dt
import secrets

from django.db import connection, transaction
from django.db.utils import DatabaseError

from accounts.models import User
from audit.checks import every_regulated_table_is_audited, regulated_tables
from audit.context import acting
from audit.models import Entry
from config.backups.verifying import verify_database
from config.oq.invented import invented_person, invented_study
from config.oq.step import Chapter, Deviation, Installation, Step
from reminders.management.commands.verify_audit import all_published
from trials.models import Site

REFUSED = "42501"  # insufficient_privilege: PostgreSQL's own refusals, and those of the audit triggers
FORGED = (
    "INSERT INTO audit.entry (study_id, position, at, operation, table_name, row_id, actor_id, actor_name, reason,"
    " request_id, client_address, session_role, previous_hash, hash)"
    " VALUES (0, 999999999, now(), 'INSERT', 'x', '1', '1', 'x', '', '', '', '', '', '')"
)
SILENT = "CREATE OR REPLACE FUNCTION audit.record() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
ATTACKS = {
    "Change entries": "UPDATE audit.entry SET actor_name = 'somebody else'",
    "Remove entries": "DELETE FROM audit.entry",
    "Empty the trail": "TRUNCATE audit.entry",
    "Forge an entry": FORGED,
    "Change the end of a chain": "UPDATE audit.chain SET head = 'forged'",
    "Change entries through the view": "UPDATE audit_entry SET reason = 'forged'",
    "Switch off the guards of the trail": "ALTER TABLE audit.entry DISABLE TRIGGER ALL",
    "Make the trigger silent": SILENT,
    "Remove records": "DELETE FROM patients_adverseevent",
    "Empty a table of records": "TRUNCATE trials_study CASCADE",
    "Switch off a table's trigger": "ALTER TABLE trials_study DISABLE TRIGGER audit_record",
    "Drop a table's trigger": "DROP TRIGGER audit_record ON trials_study",
    "Write as a replica, past triggers": "SET LOCAL session_replication_role = replica",
    "Become the trail's own role": "SET LOCAL ROLE rung_audit",
    "Become the owner of the tables": "SET LOCAL ROLE rung_owner",
    "Remove a signature": "DELETE FROM accounts_signature",
}
CLOCKS_APART = dt.timedelta(seconds=5)


def chapter() -> Chapter:
    attacks = [_attack(title, sql) for title, sql in ATTACKS.items()]
    return Chapter("Audit trail", [
        Step("Every regulated table has its trigger", "P11-10e, R3-4.2.2",
             "The audit trigger of every table with records is there, and always enabled.", triggers),
        *attacks,
        Step("A change without an actor", "P11-10e, R3-4.2.2", "Refused.", without_actor),
        Step("A change without a reason", "R3-4.2.4, EMA-6.2.1", "Refused.", without_reason),
        Step("A change is recorded", "P11-10e, R3-4.2.2, EMA-5.5",
             "One entry with who, why, old and new value, and the time of the database's clock.", recorded),
        Step("A password is no part of the trail", "EMA-A4.14", "A digest stands in its place.", password_hidden),
        Step("The trail, the rows and the signatures", "P11-10a, P11-70, EMA-A4.17",
             "Every chain is whole and as it was published, each row is what it says, each signature as given.",
             whole, undone=False),
    ])  # fmt: skip


def triggers(_: Installation) -> str:
    missing = [error.msg for error in every_regulated_table_is_audited(None, databases=["default"])]
    if missing:
        raise Deviation(" ".join(missing))
    return f"{len(regulated_tables())} tables, each with its trigger."


def _attack(title: str, sql: str) -> Step:
    expected = f"Refused by the database: {sql if len(sql) < 90 else sql[:80] + ' …'}"
    return Step(title, "P11-10e, P11-10c, EMA-A4.17", expected, lambda _: refused(sql))


def refused(sql: str, state: str = REFUSED) -> str:
    """What the database said when it refused. Raises Deviation where it did not, or for another cause."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", "") != state:
            raise Deviation(f"Not refused, but failed: {_first_line(error)}") from error
        return _first_line(error)
    raise Deviation("Not refused.")


def without_actor(_: Installation) -> str:
    study = invented_study().study
    return refused(f"UPDATE trials_study SET title = 'changed' WHERE id = {int(study.pk)}")  # noqa: S608


def without_reason(_: Installation) -> str:
    site, by = invented_study().site_a, User.objects.system()
    with acting(by, ""):
        return refused(f"UPDATE trials_site SET name = 'changed' WHERE id = {int(site.pk)}")  # noqa: S608


def recorded(_: Installation) -> str:
    found = invented_study()
    by, reason = User.objects.system(), f"qualification {secrets.token_hex(4)}"
    with acting(by, reason):
        Site.objects.filter(pk=found.site_a.pk).update(name="Renamed")
    entries = list(Entry.objects.of_study(found.study.pk).filter(reason=reason))
    if len(entries) != 1:
        raise Deviation(f"{len(entries)} entries instead of one.")
    entry = entries[0]
    told = (entry.actor_name, entry.changed_fields.get("name"))
    if told != (by.username, ("Invented site A", "Renamed")):
        raise Deviation(f"The entry tells of {told}.")
    if abs(entry.at - dt.datetime.now(dt.UTC)) > CLOCKS_APART:
        raise Deviation(f"The entry's time is {entry.at:%H:%M:%S} UTC, and this machine's is another.")
    return f"By {entry.actor_name}, because of “{entry.reason}”, at {entry.at:%H:%M:%S} UTC: old and new name."


def password_hidden(_: Installation) -> str:
    person = invented_person(f"somebody-{secrets.token_hex(4)}", secrets.token_urlsafe(24))
    entry = Entry.objects.of_record("accounts_user", person.pk).get()
    kept = str((entry.new or {}).get("password", ""))
    if not kept.startswith("sha256:") or person.password in str(entry.new):
        raise Deviation("The trail holds the password's hash itself.")
    return "A SHA-256 digest."


def whole(_: Installation) -> str:
    verified = verify_database(all_published())
    if verified.faults:
        raise Deviation("; ".join(verified.faults[:10]))
    return (
        f"{verified.entries} entries in {verified.chains} chains, {verified.published} published hashes,"
        f" {verified.signatures} signatures."
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
