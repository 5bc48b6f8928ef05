"""A patient's casebook: all that is recorded about one patient. What is signed of it, and how it reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Max, Q

from accounts.canonical import sha256_of
from accounts.manifestation import SignatureShown, Verdict, signature_shown, verify
from accounts.models import Signature
from audit.models import Entry
from patients.models import Patient
from reminders.history_values import Values
from reminders.history_words import UNTOLD, WORDS, Subject, column_words

KIND = "patients.casebook"
STATEMENT_VERSION = "casebook 1"  # another one when a word of `statement` changes
ROLE = "principal_investigator"
# Days by which the rows of a section stand in order; a row has the first of these that it fills.
DAYS = (
    "signed_on", "checked_on", "started_on", "onset_on", "from_day", "effective_on", "on", "given_on", "planned_on",
    "measured_on", "done_on", "collected_on", "closed_on", "reviewed_on", "screened_on",
)  # fmt: skip
# Rows without a day of their own stand after the row that they belong to.
BELONGS = {
    "patients_dosestaken": ("cycle_id", "patients_cycle"),
    "patients_attribution": ("event_id", "patients_adverseevent"),
    "patients_dltassessment": ("event_id", "patients_adverseevent"),
    "labs_tube": ("collection_id", "labs_collection"),
}
RECORDED = (("recorded_by_id", "recorded_at"), ("assessed_by_id", "assessed_at"), ("screened_by_id", "screened_at"))

Row = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One thing that is recorded. facts: (what, value) in words; recorded: by whom and when."""

    title: str
    facts: tuple[tuple[str, str], ...]
    recorded: str


@dataclass(frozen=True)
class Section:
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Casebook:
    """The rows of one patient, by table, as they are now."""

    patient: Patient
    rows: dict[str, list[Row]] = field(repr=False)

    @property
    def record(self) -> dict[str, Any]:
        """What is signed. Empty columns are left out, so that a column that comes later changes no signature."""
        told = {table: [_filled(row) for row in rows] for table, rows in self.rows.items() if rows}
        return {"study": self.patient.study.key, "patient": self.patient.code, "rows": told}

    @property
    def sha256(self) -> str:
        return sha256_of(self.record)

    @property
    def key(self) -> str:
        """What a signature on the casebook as it is now is filed under; changed data are another record."""
        return f"{self.patient.pk}-{self.sha256[:24]}"

    def place(self, entry: Entry) -> tuple[str, str, int, int, int]:
        """Where a row stands in its section: by day, each with what belongs to it."""
        column, table = BELONGS.get(entry.table_name, ("", ""))
        row = entry.new or {}
        if column:
            above = next(found for found in self.rows[table] if found["id"] == row[column])
            return _day(above), table, above["id"], 1 + list(WORDS).index(entry.table_name), int(entry.row_id)
        return _day(row), entry.table_name, int(entry.row_id), 0, 0


def _day(row: Row) -> str:
    return next((str(row[name]) for name in DAYS if row.get(name)), "")


def _filled(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None and value != ""}


def statement(patient: Patient) -> str:
    return f"I take responsibility for all that is recorded about patient {patient.code}, as shown here."


@cache
def _tables() -> tuple[type[models.Model], ...]:
    """Every table of clinical data that names its patient, in the order of the history's words."""
    found = {m._meta.db_table: m for m in apps.get_models() if m._meta.db_table in WORDS}
    return tuple(
        found[table]
        for table in WORDS
        if table in found and (found[table] is Patient or "patient_id" in {f.column for f in _columns(found[table])})
    )


def _columns(model: type[models.Model]) -> Collection[Any]:
    return model._meta.concrete_fields


def casebook_of(patient: Patient) -> Casebook:
    return casebooks_of([patient])[patient.pk]


def casebooks_of(patients: Collection[Patient]) -> dict[int, Casebook]:
    """All rows of each patient, by the patient's key; with a query a table, however many patients."""
    found = {patient.pk: Casebook(patient, {model._meta.db_table: [] for model in _tables()}) for patient in patients}
    for model in _tables():
        whose = "id" if model is Patient else "patient_id"
        rows = model._base_manager.filter(**{f"{whose}__in": list(found)}).order_by("pk")
        for row in rows.values(*[f.attname for f in _columns(model)]):
            found[row[whose]].rows[model._meta.db_table].append(row)
    return found


def casebook_records(keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """The casebooks that signatures under these keys are about, as they are now; for verifying them."""
    wanted = {key: int(pk) for key in keys if (pk := key.partition("-")[0]).isdecimal()}
    patients = Patient.objects.select_related("study").in_bulk(set(wanted.values()))
    records = {pk: casebook.record for pk, casebook in casebooks_of(patients.values()).items()}
    return {key: records[pk] for key, pk in wanted.items() if pk in records}


# --- How it reads ---


def sections_of(casebook: Casebook, zone: str) -> list[Section]:
    """By subject, in the order of a patient's way through the study; within it by day."""
    entries = [
        Entry(table_name=table, row_id=str(row["id"]), patient_id=casebook.patient.pk, new=row, old=None)
        for table, rows in casebook.rows.items()
        for row in rows
    ]
    values = Values(casebook.patient.study, entries, zone)
    found = []
    for subject in Subject:
        mine = sorted((e for e in entries if WORDS[e.table_name].subject == subject), key=casebook.place)
        if mine:
            found.append(Section(subject.label, tuple(_line(entry, values) for entry in mine)))
    return found


def _line(entry: Entry, values: Values) -> Line:
    row, words = entry.new or {}, WORDS[entry.table_name]
    others = [name for name in row if name not in words.told and name not in UNTOLD]
    facts = tuple(
        ("" if values.speaks_for_itself(entry.table_name, column) else column_words(column), said)
        for column in (*words.told, *others)
        if (said := values.words(entry.table_name, column, _text(row.get(column))))
    )
    return Line(words.noun, facts, _recorded(entry, values))


def _text(value: Any) -> Any:
    """As the trail has it: days and times as text. Relations to each agent are told in words."""
    if isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
        return ", ".join(f"{name} {one}" for name, one in sorted(value.items()))
    return value.isoformat() if isinstance(value, dt.date) else str(value) if isinstance(value, Decimal) else value


def _recorded(entry: Entry, values: Values) -> str:
    row = entry.new or {}
    for by, at in RECORDED:
        if row.get(by):
            who = values.words(entry.table_name, by, row[by])
            return f"{who}, {values.words(entry.table_name, at, _text(row[at]))}"
    return ""


# --- Its signatures ---


def signatures_on_casebook(patient: Patient) -> list[Signature]:
    """All that were ever given on the patient's casebook, newest first."""
    given = Signature.objects.filter(
        study_id=patient.study_id, record_kind=KIND, record_key__startswith=f"{patient.pk}-"
    )
    return list(given.select_related("signer").order_by("-signed_at", "-pk"))


def to_sign_again(study_ids: Collection[int]) -> list[Patient]:
    """Patients of these studies whose casebook was signed and is another one by now, by study and code.

    The trail says for whom anything was recorded since; only their casebooks are read, to see whether it still differs.
    """
    given = Signature.objects.filter(record_kind=KIND, study_id__in=study_ids)
    keys: dict[int, set[str]] = {}
    signed_at: dict[int, int] = {}  # the place in the study's chain that the newest signature stands on
    since: dict[int, int] = {}  # the earliest of these in a study
    for study_id, key, position in given.values_list("study_id", "record_key", "stands_on_position"):
        pk = int(key.partition("-")[0])
        keys.setdefault(pk, set()).add(key)
        signed_at[pk] = max(position, signed_at.get(pk, 0))
        since[study_id] = min(position, since.get(study_id, position))
    if not keys:
        return []
    later = Q()
    for study_id, position in since.items():
        later |= Q(study_id=study_id, position__gt=position)
    tables = [model._meta.db_table for model in _tables()]
    newest = Entry.objects.filter(later, patient_id__in=list(keys), table_name__in=tables).order_by()
    touched = newest.values_list("patient_id").annotate(Max("position"))
    changed = [pk for pk, position in touched if position > signed_at[pk]]
    patients = Patient.objects.filter(pk__in=changed).select_related("study").order_by("study__key", "code")
    casebooks = casebooks_of(patients) if changed else {}
    return [casebook.patient for pk, casebook in casebooks.items() if casebook.key not in keys[pk]]


def verified(casebook: Casebook, given: Iterable[Signature]) -> list[tuple[Signature, Verdict]]:
    signatures, record = list(given), casebook.record
    verdicts = verify(signatures, {s.pk: record for s in signatures})
    return [(s, verdicts[s.pk]) for s in signatures]


def signature_lines(casebook: Casebook, zone: str) -> list[SignatureShown]:
    """For components/signature.html, newest first."""
    note = "Data changed after it was given: the casebook has to be signed again."
    return [
        signature_shown(s, verdict, zone, note if verdict.state == verdict.state.CHANGED else "")
        for s, verdict in verified(casebook, signatures_on_casebook(casebook.patient))
    ]


def is_signed(casebook: Casebook) -> bool:
    """Whether a signature covers the casebook as it is now."""
    return any(verdict.valid for _, verdict in verified(casebook, signatures_on_casebook(casebook.patient)))
