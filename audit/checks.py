"""The system check: every regulated table has its audit trigger, always enabled."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

# A library's table that Rung has put under the trail: by what somebody proves who they are.
REGULATED_BESIDE = {"mfa_authenticator"}
REGULATED_APPS = ("audit", "accounts", "trials", "patients", "labs", "dosing", "reminders")

# Tables that are there: before the first migration none is, and the check has nothing to say.
_TABLES_WITHOUT_TRIGGER = """
    SELECT c.relname FROM pg_class c
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'audit_record' AND t.tgenabled = 'A')
"""


def regulated_tables() -> set[str]:
    """REGULATED_BESIDE, and tables of every model of ours but those that say why not (`AUDIT_EXEMPT = "reason"`)."""
    return REGULATED_BESIDE | {
        model._meta.db_table
        for label in REGULATED_APPS
        if apps.is_installed(label)
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
        if model._meta.managed and not getattr(model, "AUDIT_EXEMPT", "")
    }


@register(Tags.database)
def every_regulated_table_is_audited(
    app_configs: Sequence[AppConfig] | None, databases: Iterable[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Error `audit.E001` for each regulated table whose audit trigger is missing or not always enabled."""
    missing: set[str] = set()
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute(_TABLES_WITHOUT_TRIGGER)
            missing |= regulated_tables() & {row[0] for row in cursor.fetchall()}
    return [
        Error(
            f"The table {table} has no audit trigger that is always enabled.",
            hint="Add audit.ddl.AuditTable to a migration of its app, and run the migrations as the owner.",
            id="audit.E001",
        )
        for table in sorted(missing)
    ]
