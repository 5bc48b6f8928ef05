"""A patient, or a decision, as it was at a moment: read from the trail alone, not from the rows of today."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from django.db.models import Q

from audit.models import Entry, EntryQuerySet
from dosing.models import Decision
from dosing.queries.record import RECORD_KIND
from reminders.history_values import Values
from reminders.history_words import UNTOLD, WORDS, Subject, column_words
from trials.models import Study

MOST_COLUMNS, LONGEST_CELL = 8, 60


@dataclass(frozen=True)
class RowThen:
    """A row as it was: what it is, each of its columns in words, and when it had become so."""

    title: str
    facts: tuple[tuple[str, str], ...]
    since: dt.datetime
    table: str
    row_id: str

    @property
    def time(self) -> str:
        """'5 Jan 2026, 08:51', at the reader's place."""
        return f"{self.since.day} {self.since:%b %Y, %H:%M}"


@dataclass(frozen=True)
class Group:
    """Rows of one kind that stand together."""

    rows: tuple[RowThen, ...]

    @property
    def title(self) -> str:
        """Of the kind: 'Doses taken', 'Cycle'."""
        return WORDS[self.rows[0].table].noun

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of all columns that any of the rows says something of."""
        return tuple(dict.fromkeys(name for row in self.rows for name, _ in row.facts))

    @property
    def is_table(self) -> bool:
        """Whether it is read better as a table: several rows, few columns, and nothing long in them."""
        short = all(len(value) <= LONGEST_CELL for row in self.rows for _, value in row.facts[1:])
        return len(self.rows) > 1 and len(self.names) <= MOST_COLUMNS and short

    @property
    def lines(self) -> Iterator[tuple[RowThen, list[tuple[str, str]]]]:
        """Each row with what it says in every column."""
        for row in self.rows:
            said = dict(row.facts)
            yield row, [(name, said.get(name, "")) for name in self.names]


@dataclass(frozen=True)
class Section:
    title: str
    rows: tuple[RowThen, ...]

    @property
    def groups(self) -> list[Group]:
        return [Group(tuple(rows)) for _, rows in groupby(self.rows, key=lambda row: row.table)]


def patient_then(study: Study, patient_id: int, moment: dt.datetime, zone: str) -> list[Section]:
    """Everything of a patient as the trail knew it before `moment`; the number of queries does not grow."""
    return _sections(study, Entry.objects.of_study(study.pk).of_patient(patient_id), moment, zone)


def decision_then(
    study: Study, decision: Decision, moment: dt.datetime, zone: str, text: Callable[[str], str]
) -> list[Section]:
    """A decision, its recommendation and its signatures as the trail knew them before `moment`.

    text: takes the patients of other sites out of what is said.
    """
    signed = Q(new__record_kind=RECORD_KIND, new__record_key=str(decision.pk))
    about = Entry.objects.of_study(study.pk).filter(
        Q(table_name="dosing_decision", row_id=str(decision.pk))
        | Q(table_name="dosing_recommendation", row_id=str(decision.recommendation_id))
        | Q(table_name__in=["accounts_signature", "accounts_declinedsignature"]) & signed
    )
    return _sections(study, about, moment, zone, text)


def _sections(
    study: Study, about: EntryQuerySet, moment: dt.datetime, zone: str, text: Callable[[str], str] = str
) -> list[Section]:
    newest = about.filter(at__lt=moment, table_name__in=list(WORDS)).order_by("table_name", "row_id", "-id")
    entries = [e for e in newest.distinct("table_name", "row_id") if e.operation != Entry.Operation.DELETE]
    entries.sort(key=lambda e: (list(WORDS).index(e.table_name), int(e.row_id)))
    values = Values(study, entries, zone)
    found = []
    for subject in Subject:
        rows = tuple(_row(e, values, text) for e in entries if WORDS[e.table_name].subject == subject)
        if rows:
            found.append(Section(subject.label, rows))
    return found


def _row(entry: Entry, values: Values, text: Callable[[str], str]) -> RowThen:
    number = (entry.new or {}).get("number")
    noun = WORDS[entry.table_name].noun
    return RowThen(
        title=f"{noun} {number}" if number else noun,
        facts=tuple((name, text(value)) for name, value in _facts(entry, values)),
        since=entry.at.astimezone(values.zone),
        table=entry.table_name,
        row_id=entry.row_id,
    )


def _facts(entry: Entry, values: Values) -> Iterator[tuple[str, str]]:
    """First what is told when such a row is recorded, then whatever else it has."""
    told = WORDS[entry.table_name].told
    row = entry.new or {}
    for column in (*told, *(c for c in row if c not in told and c not in UNTOLD)):
        words = values.words(entry.table_name, column, row.get(column))
        if words:
            yield column_words(column).capitalize(), words
