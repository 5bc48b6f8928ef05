"""Values of the audit trail in words: names for ids, labels for codes, days as people write them."""

import datetime as dt
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.db import models
from pydantic import ValidationError

from accounts.models import User
from audit.models import Entry
from dosing.models import Decision, Recommendation
from labs.models import Collection
from patients.models import ActivityRecord, AdverseEvent, Cycle, Patient
from patients.schedule import cycle_title
from reminders.history_words import WORDS
from trials.days import day_words
from trials.models import Cohort, DoseLevel, Part, ProtocolVersion, Role, Site, Slot, Study
from trials.protocol import Protocol

Column = tuple[str, str]

# How a row of each model is called, and what has to be read with it.
NAMES: dict[type[models.Model], tuple[Callable[[Any], str], tuple[str, ...]]] = {
    User: (lambda row: row.full_name, ()),
    Study: (lambda row: row.key, ()),
    Site: (lambda row: row.name, ()),
    DoseLevel: (lambda row: row.label, ()),
    Part: (lambda row: row.get_kind_display(), ()),
    Cohort: (lambda row: f"cohort {row.number}", ()),
    Slot: (lambda row: f"slot {row.number} of cohort {row.cohort.number}", ("cohort",)),
    ProtocolVersion: (lambda row: f"version {row.number}", ()),
    Patient: (lambda row: row.code, ()),
    Cycle: (lambda row: cycle_title(row.number).lower(), ()),
    AdverseEvent: (lambda row: row.term, ()),
    ActivityRecord: (lambda row: f"{row.activity} {row.timepoint}".replace("-", " "), ()),
    Collection: (lambda row: row.timepoint.replace("-", " "), ()),
    Recommendation: (lambda row: f"recommendation {row.number}", ()),
    Decision: (lambda row: f"decision {row.recommendation.number}", ("recommendation",)),
}
# Values that need no name before them.
_PLAIN = """
    term detail dose_label label printed_name name title action choice reason explanation comment rationale meaning
    answers role relation outcome kind activity
    agent measure timepoint status reason_code cause text key user_id site_id part_id
    version_id level_id cohort_id cycle_id event_id collection_id recommendation_id missed_reason code
    out_of_window_reason
"""
PLAIN = frozenset(_PLAIN.split())


class Values:
    """Looks up everything that a page of entries names, once for the page."""

    def __init__(self, study: Study, entries: list[Entry], zone: str) -> None:
        self.zone = ZoneInfo(zone)
        protocols = _protocols(study)
        self.protocol = protocols[-1] if protocols else None
        self.titles = {column: title for protocol in protocols for column, title in _titles(protocol).items()}
        self.models = {m._meta.db_table: m for m in apps.get_models() if m._meta.db_table in WORDS}
        self.names = self._names(entries)

    def words(self, table: str, column: str, value: object) -> str:
        """A value in words; empty for none."""
        if value is None or value == "" or value == []:
            return ""
        field = self._field(table, column)
        if field is not None and field.is_relation and isinstance(field.related_model, type):
            return self.names.get((field.related_model, int(str(value))), f"number {value}")
        if isinstance(value, bool):
            return "yes" if value else "no"
        if column == "answers" and isinstance(value, dict):
            return f"{sum(bool(v) for v in value.values())} of {len(value)} criteria met"
        return self._code(table, column, value) or self._plain(field, value)

    def speaks_for_itself(self, table: str, column: str) -> bool:
        return column in PLAIN

    def patient_code(self, entry: Entry) -> str:
        return self.names.get((Patient, entry.patient_id), "") if entry.patient_id else ""

    def name_of_row(self, entry: Entry) -> str:
        """What the changed row is, where the patient's code does not say it: 'Fatigue', 'cycle 3'."""
        model = self.models[entry.table_name]
        row = {**(entry.old or {}), **(entry.new or {})}
        if model in NAMES and model not in (Patient, Study):
            return self.names.get((model, int(entry.row_id)), "")
        parent = next((c for c in ("event_id", "cycle_id", "collection_id", "recommendation_id") if row.get(c)), None)
        return self.words(entry.table_name, parent, row[parent]) if parent else ""

    def _names(self, entries: Iterable[Entry]) -> dict[tuple[type[models.Model], int], str]:
        wanted: dict[type[models.Model], set[int]] = {}
        for entry in entries:
            if entry.patient_id:
                wanted.setdefault(Patient, set()).add(entry.patient_id)
            wanted.setdefault(self.models[entry.table_name], set()).add(int(entry.row_id))
            for row in (entry.old or {}, entry.new or {}):
                for column, value in row.items():
                    field = self._field(entry.table_name, column)
                    if value is not None and field is not None and field.is_relation:
                        wanted.setdefault(field.related_model, set()).add(int(value))
        found = {}
        for model, (name, along) in NAMES.items():
            rows = model._base_manager.filter(pk__in=wanted.get(model, ())).select_related(*along)
            found.update({(model, row.pk): name(row) for row in (rows if along else rows.select_related(None))})
        return found

    def _field(self, table: str, column: str) -> Any:
        return _columns(self.models[table]).get(column)

    def _code(self, table: str, column: str, value: object) -> str:
        """A code of the protocol by its title; empty where the column has none or the protocol does not know it."""
        if column == "role":
            return Role(value).label if value in Role.values else ""
        if column in ("rung", "from_rung", "to_rung") and self.protocol is not None:
            ladder = self.protocol.reductions.ladder
            return ladder[int(str(value))].label if int(str(value)) < len(ladder) else ""
        if column == "rule":
            return str(value)
        place = "tube" if (table, column) == ("labs_tube", "kind") else column
        return self.titles.get((place, str(value)), "")

    def _plain(self, field: Any, value: object) -> str:
        if field is not None and field.choices:
            return str(dict(field.flatchoices).get(value, value))
        if isinstance(field, models.DateTimeField):
            local = dt.datetime.fromisoformat(str(value)).astimezone(self.zone)
            return f"{day_words(local.date())}, {local:%H:%M}"
        if isinstance(field, models.DateField):
            return day_words(dt.date.fromisoformat(str(value)))
        if isinstance(field, models.DecimalField):
            return f"{float(str(value)):g}"
        return str(value)


@cache
def _columns(model: type[models.Model]) -> dict[str | None, Any]:
    return {field.column: field for field in model._meta.concrete_fields}


def _protocols(study: Study) -> list[Protocol]:
    """What the study's versions say, the live one last. What an amendment dropped is told by the version that had it.

    A version that is not complete names nothing: a draft, or an amendment that was withdrawn as one.
    """
    found = []
    for version in study.versions.order_by(models.F("live_at").asc(nulls_first=True), "number"):
        with suppress(ValidationError):
            found.append(version.protocol)
    return found


def _titles(protocol: Protocol) -> dict[Column, str]:
    """(column, code) → title, for the codes that a study file gives."""
    found = {("agent", agent.code): agent.name for agent in protocol.agents}
    found |= {("reason_code", reason.code): reason.text for reason in protocol.discontinuation}
    found |= {("measure", measure.code): measure.title for measure in protocol.outcome_measures}
    found |= {("activity", activity.code): activity.title for activity in protocol.recorded_activities}
    done = (t for activity in protocol.activities for t in activity.timepoints)
    points = [*done, *protocol.visits, *(t for m in protocol.outcome_measures for t in m.timepoints)]
    if protocol.samples:
        points += protocol.samples.timepoints
        found |= {("tube", t.code): f"{t.colour} {t.volume_ml.normalize():f} ml" for t in protocol.samples.tubes}
    return found | {("timepoint", point.code): point.title for point in points}
