"""Migration operations that put a table under audit, and others that hold a rule in the database itself.

AuditTable("patients_patient")                    every insert, update and delete leaves an entry; no TRUNCATE,
                                                  and the application has no DELETE
FreezeOnceSet("patients_patient", ["slot_id"])    these columns can be filled once and then never changed
AppendOnly("dosing_recommendation")               rows are never updated
Guard("patients_cycle", "not_after_end", "BEFORE INSERT", body)   a rule of the trial, as a trigger
"""

from collections.abc import Sequence

from django.db.migrations.operations import RunSQL

APPLICATION_ROLE = "rung_app"


class AuditTable(RunSQL):
    """Attach the audit trigger to a table.

    study_column: the column that names the study (its chain); "" for tables of no study.
    ignored: columns whose change alone is no entry. hidden: columns stored as a digest only (passwords).
    """

    def __init__(
        self,
        table: str,
        study_column: str = "study_id",
        ignored: Sequence[str] = (),
        hidden: Sequence[str] = (),
    ) -> None:
        arguments = ", ".join(f"'{a}'" for a in (study_column, ",".join(ignored), ",".join(hidden)))
        super().__init__(
            sql=f"""
            CREATE TRIGGER audit_record AFTER INSERT OR UPDATE OR DELETE ON {table}
                FOR EACH ROW EXECUTE FUNCTION audit.record({arguments});
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_record;
            CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_no_truncate;
            REVOKE DELETE, TRUNCATE ON {table} FROM {APPLICATION_ROLE};
            """,
            reverse_sql=f"""
            DROP TRIGGER audit_record ON {table};
            DROP TRIGGER audit_no_truncate ON {table};
            """,
        )


class FreezeOnceSet(RunSQL):
    """Columns that may be filled once and are never changed afterwards, by anybody."""

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        super().__init__(
            sql=f"""
            CREATE TRIGGER frozen BEFORE UPDATE ON {table}
                FOR EACH ROW EXECUTE FUNCTION audit.frozen_once_set('{",".join(columns)}');
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER frozen;
            """,
            reverse_sql=f"DROP TRIGGER frozen ON {table};",
        )


class AppendOnly(RunSQL):
    """A table whose rows are never updated, by anybody."""

    def __init__(self, table: str) -> None:
        super().__init__(
            sql=f"""
            CREATE TRIGGER append_only BEFORE UPDATE ON {table}
                FOR EACH ROW EXECUTE FUNCTION audit.refuse();
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only;
            """,
            reverse_sql=f"DROP TRIGGER append_only ON {table};",
        )


class Guard(RunSQL):
    """A rule of the trial as a trigger: `body` is plpgsql that RAISEs check_violation when the rule is broken.

    event: for example "BEFORE INSERT OR UPDATE". deferred: looked at when the transaction commits.
    """

    def __init__(
        self, table: str, name: str, event: str, body: str, *, declare: str = "", deferred: bool = False
    ) -> None:
        kind, timing = ("CONSTRAINT TRIGGER", "DEFERRABLE INITIALLY DEFERRED") if deferred else ("TRIGGER", "")
        function = f"guard_{table}_{name}"
        declare_block = f"DECLARE {declare}" if declare else ""
        super().__init__(
            sql=f"""
            CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $guard$
            {declare_block}
            BEGIN
            {body}
            RETURN NEW;
            END $guard$;
            CREATE {kind} {name} {event} ON {table} {timing} FOR EACH ROW EXECUTE FUNCTION {function}();
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};
            """,
            reverse_sql=f"DROP TRIGGER {name} ON {table}; DROP FUNCTION {function}();",
        )
