"""The audit trail as a story: who changed what, when and why, by days. Names instead of ids, words instead of codes."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from accounts.models import User
from audit.context import VERBS
from audit.models import Entry
from dosing.queries.reader import Reader
from patients.models import Patient
from patients.schedule import cycle_title
from reminders.history_values import Values
from reminders.history_words import EMPTIED, FILLED, UNTOLD, WORDS, column_words
from trials.definition import changed_parts
from trials.models import Study
from trials.study_forms.words import words_of

TOGETHER = dt.timedelta(seconds=2)
ELSEWHERE = "a reason given at another site"


@dataclass(frozen=True)
class Line:
    """One row that was recorded or changed. changes: sentences such as 'grade changed from 2 to 3'.

    entry_id, table, row_id: the audit entry and the record that it is about.
    """

    title: str
    facts: str = ""
    changes: tuple[str, ...] = ()
    entry_id: int = 0
    table: str = ""
    row_id: str = ""


@dataclass
class Deed:
    """What one person did in one go: who, when, about whom, why (empty where nobody had to say), and each row of it."""

    at: dt.datetime
    who: str
    patient: str
    why: str
    lines: list[Line] = field(default_factory=list)

    @property
    def time(self) -> str:
        """'08:51', at the reader's place: a template would turn the moment into UTC."""
        return f"{self.at:%H:%M}"


@dataclass
class Day:
    """The deeds of one day, newest first."""

    day: dt.date
    deeds: list[Deed] = field(default_factory=list)


@dataclass(frozen=True)
class Audience:
    """Who reads: texts without the patients of other sites, and the entries whose reason is about one of those."""

    reader: Reader
    unsaid: frozenset[int]

    def why(self, entry: Entry, lines: list[Line]) -> str:
        """The reason that a person gave, unless a line says it already or it was given for another site's patient."""
        said = any(entry.reason in text for line in lines for text in (line.facts, *line.changes))
        if said or entry.reason in VERBS:
            return ""
        return ELSEWHERE if entry.pk in self.unsaid else self.reader.text(entry.reason)

    def line(self, line: Line) -> Line:
        text = self.reader.text
        changes = tuple(text(change) for change in line.changes)
        return replace(line, title=text(line.title), facts=text(line.facts), changes=changes)


def audience_of(study: Study, site_ids: frozenset[int] | None, entries: list[Entry]) -> Audience:
    """The readers who see the patients of these sites (None: of all)."""
    if site_ids is None:
        return Audience(Reader(), frozenset())
    hidden = study.sites.exclude(pk__in=site_ids)
    others = Patient.objects.filter(site__in=hidden).values("pk")
    asked = [entry for entry in entries if entry.patient_id is None and entry.reason not in VERBS]
    same = Q(request_id__in={e.request_id for e in asked} - {""})
    same |= Q(request_id="", reason__in={e.reason for e in asked})
    acts = Entry.objects.of_study(study.pk).filter(same, patient_id__in=others)
    theirs = {_act(*act) for act in acts.values_list("request_id", "actor_id", "reason").distinct()}
    unsaid = {e.pk for e in asked if _act(e.request_id, e.actor_id, e.reason) in theirs}
    return Audience(Reader(frozenset(hidden.values_list("code", flat=True))), frozenset(unsaid))


def _act(request_id: str, actor_id: str, reason: str) -> tuple[str, ...]:
    """What entries of one act share: the request, or outside of any, who and why."""
    return (request_id,) if request_id else ("", actor_id, reason)


def story(study: Study, entries: list[Entry], zone: str, site_ids: frozenset[int] | None = None) -> list[Day]:
    """Entries (newest first) as days of deeds, for readers who see the patients of these sites (None: of all).

    The number of queries does not grow with the entries.
    """
    values, audience = Values(study, entries, zone), audience_of(study, site_ids, entries)
    people = people_of(entries)
    days: list[Day] = []
    for together in _in_one_go(entries):
        first = together[0]
        at = first.at.astimezone(ZoneInfo(zone))
        if not days or days[-1].day != at.date():
            days.append(Day(at.date()))
        lines = [line for entry in reversed(together) for line in lines_of(entry, values)]
        days[-1].deeds.append(
            Deed(
                at=at,
                who=people.get(first.actor_id, first.actor_name),
                patient=next((code for entry in together if (code := values.patient_code(entry))), ""),
                why=audience.why(next((e for e in together if e.pk in audience.unsaid), first), lines),
                lines=[audience.line(line) for line in lines],
            )
        )
    return [Day(day.day, [deed for deed in day.deeds if deed.lines]) for day in days]


def people_of(entries: Iterable[Entry]) -> dict[str, str]:
    """Who acted: actor id → full name."""
    ids = {int(entry.actor_id) for entry in entries if entry.actor_id.isdigit()}
    return {str(pk): name for pk, name in User.objects.filter(pk__in=ids).values_list("pk", "full_name")}


def lines_of(entry: Entry, values: Values) -> Iterator[Line]:
    """What an entry says, each line with the record that it is about."""
    for line in _lines(entry, values):
        yield replace(line, entry_id=entry.pk, table=entry.table_name, row_id=entry.row_id)


def _in_one_go(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Entries next to each other that one act of one person made, about one patient."""
    together: list[Entry] = []
    for entry in entries:
        if together and not _same_deed(together[-1], entry):
            yield together
            together = []
        together.append(entry)
    if together:
        yield together


def _same_deed(later: Entry, earlier: Entry) -> bool:
    same = ("actor_id", "reason", "request_id")
    one_patient = later.patient_id == earlier.patient_id or None in (later.patient_id, earlier.patient_id)
    alike = all(getattr(later, name) == getattr(earlier, name) for name in same)
    return one_patient and alike and later.at - earlier.at <= TOGETHER


def _lines(entry: Entry, values: Values) -> Iterator[Line]:
    words = WORDS[entry.table_name]
    if entry.operation == Entry.Operation.INSERT:
        number = (entry.new or {}).get("number") if "number" in words.told else None
        name = f"{words.noun} {number}" if number else words.noun
        if entry.table_name == "patients_cycle" and number == 0:
            name = cycle_title(0)
        facts = (_fact(entry, column, values) for column in words.told if column != "number")
        yield Line(f"{name} recorded", " · ".join(fact for fact in facts if fact))
        return
    changed = entry.changed_fields
    if entry.table_name == "trials_protocolversion" and "definition" in changed:
        amended = (entry.new or {}).get("number", 1) > 1
        yield Line("Amendment changed" if amended else "Set-up changed", _parts_words(entry.old or {}, entry.new or {}))
    happened = list(_what_happened(entry))
    left_out = UNTOLD | {"status"} if happened else UNTOLD
    told = [_change(entry, c, old, new, values) for c, (old, new) in changed.items() if c not in left_out]
    subject = values.name_of_row(entry)
    if happened:
        yield Line(", ".join(dict.fromkeys(happened)), subject, tuple(told))
    elif len(told) == 1:
        yield Line(told[0][0].upper() + told[0][1:], subject)
    elif told:
        yield Line(f"{words.noun} changed", subject, tuple(told))


def _parts_words(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The parts of the study file that a change of a draft changed: 'Dose levels, Reduction ladder'."""
    parts = changed_parts(old.get("definition") or {}, new.get("definition") or {})
    return ", ".join(words_of(None, part).label for part in parts)


def _what_happened(entry: Entry) -> Iterator[str]:
    """What a column that was filled or emptied says better than 'changed'."""
    for column, (old, new) in entry.changed_fields.items():
        key = (entry.table_name, column)
        if old is None and key in FILLED:
            yield FILLED[key]
        elif new is None and key in EMPTIED:
            yield EMPTIED[key]


def _fact(entry: Entry, column: str, values: Values) -> str:
    """'grade 3', 'onset 12 Nov 2026', or the value alone where it says what it is."""
    value = (entry.new or {}).get(column)
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return column_words(column) if value else f"not {column_words(column)}"
    words = values.words(entry.table_name, column, value)
    return words if values.speaks_for_itself(entry.table_name, column) else f"{column_words(column)} {words}"


def _change(entry: Entry, column: str, old: object, new: object, values: Values) -> str:
    name = column_words(column)
    before, after = (values.words(entry.table_name, column, value) for value in (old, new))
    if not before:
        return f"{name}: {after}"
    if not after:
        return f"{name} removed (was {before})"
    return f"{name} changed from {before} to {after}"
