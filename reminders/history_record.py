"""One record, and one field of it: what it was from when to when, who changed it and why."""

import datetime as dt
from dataclasses import dataclass

from audit.models import Entry
from reminders.history import Audience, people_of
from reminders.history_values import Values
from reminders.history_words import UNTOLD, column_words


@dataclass(frozen=True)
class ValueThen:
    """A field's value from a moment on. was: the value before, empty where it was recorded then."""

    at: dt.datetime
    value: str
    was: str
    who: str
    why: str

    @property
    def time(self) -> str:
        """'5 Jan 2026, 08:51', at the reader's place."""
        return f"{self.at.day} {self.at:%b %Y, %H:%M}"


def fields_of(entries: list[Entry]) -> list[tuple[str, str]]:
    """(column, its name in words) of what was recorded or changed in these entries, and is told to people."""
    columns = {column for entry in entries for column in entry.changed_fields if column not in UNTOLD}
    return sorted(((column, column_words(column).capitalize()) for column in columns), key=lambda pair: pair[1])


def values_of(entries: list[Entry], column: str, values: Values, audience: Audience) -> list[ValueThen]:
    """Each value that the field has had, newest first."""
    people = people_of(entries)
    found = []
    for entry in entries:
        if column not in entry.changed_fields:
            continue
        was, value = (values.words(entry.table_name, column, each) for each in entry.changed_fields[column])
        text = audience.reader.text
        found.append(
            ValueThen(
                at=entry.at.astimezone(values.zone),
                value=text(value),
                was=text(was),
                who=people.get(entry.actor_id, entry.actor_name),
                why=audience.why(entry, []),
            )
        )
    return found
