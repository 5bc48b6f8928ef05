"""A study as its tables have it, read row by row: nothing of the product's own reading stands in between."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

Row = SimpleNamespace

OF_STUDY = {
    "sites": "trials_site",
    "parts": "trials_part",
    "levels": "trials_doselevel",
    "cohorts": "trials_cohort",
    "slots": "trials_slot",
    "patients": "patients_patient",
    "consents": "patients_consent",
    "checks": "patients_eligibilitycheck",
    "cycles": "patients_cycle",
    "doses": "patients_dosestaken",
    "reductions": "patients_dosereduction",
    "interruptions": "patients_interruption",
    "ends": "patients_discontinuation",
    "events": "patients_adverseevent",
    "attributions": "patients_attribution",
    "judgements": "patients_dltassessment",
    "windows": "patients_windowassessment",
    "measurements": "patients_bodymeasurement",
    "infusions": "patients_administration",
    "activities": "patients_activityrecord",
    "samples": "labs_collection",
    "visits": "patients_followupvisit",
    "outcomes": "patients_outcomevalue",
    "reviews": "patients_continuationreview",
    "recommendations": "dosing_recommendation",
    "decisions": "dosing_decision",
}
AS_JSON = {"inputs", "roles_required", "relations", "shown", "definition", "answers"}


@dataclass
class Tables:
    """All rows of one study, in the order in which they were made. today: the calendar day at each site, by its id."""

    study: Row
    file: dict[str, Any]
    at: dt.datetime
    rows: dict[str, list[Row]] = field(default_factory=dict)
    signatures: list[Row] = field(default_factory=list)

    def __getattr__(self, name: str) -> list[Row]:
        try:
            return self.__dict__["rows"][name]
        except KeyError:
            raise AttributeError(name) from None

    def get(self, name: str, pk: int | None) -> Row | None:
        return next((row for row in self.rows[name] if row.id == pk), None)

    def of(self, name: str, patient: Row) -> list[Row]:
        return [row for row in self.rows[name] if row.patient_id == patient.id]

    @property
    def registered(self) -> list[Row]:
        return [p for p in self.patients if p.registered_at is not None]

    @property
    def open_cohort(self) -> Row | None:
        return next((c for c in self.cohorts if c.closed_at is None), None)

    def level(self, pk: int | None) -> int | None:
        found = self.get("levels", pk)
        return found.ordinal if found else None

    def part(self, pk: int | None) -> str:
        found = self.get("parts", pk)
        return found.kind if found else ""

    def today(self, patient: Row, at: dt.datetime | None = None) -> dt.date:
        site = self.get("sites", patient.site_id)
        assert site is not None
        return (at or self.at).astimezone(ZoneInfo(site.time_zone)).date()


def read(study_id: int, at: dt.datetime, changed: set[str] | None = None, before: Tables | None = None) -> Tables:
    """The study's rows now. changed: the tables that have changed since `before`; None for all of them."""
    [study] = _rows("SELECT * FROM trials_study WHERE id = %s", study_id)
    [version] = _rows("SELECT definition FROM trials_protocolversion WHERE study_id = %s", study_id)
    found = Tables(study=study, file=before.file if before else version.definition, at=at)
    for name, table in OF_STUDY.items():
        if before is None or changed is None or table in changed:
            found.rows[name] = _rows(f"SELECT * FROM {table} WHERE study_id = %s ORDER BY id", study_id)
        else:
            found.rows[name] = before.rows[name]
    found.signatures = _rows(
        "SELECT * FROM accounts_signature WHERE study_id = %s AND record_kind = 'dosing.decision'", study_id
    )
    return found


def _rows(sql: str, *arguments: Any) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        names = [column.name for column in cursor.description]
        return [Row(**{n: _value(n, v) for n, v in zip(names, row, strict=True)}) for row in cursor.fetchall()]


def _value(name: str, value: Any) -> Any:
    return json.loads(value) if name in AS_JSON and isinstance(value, str) else value
