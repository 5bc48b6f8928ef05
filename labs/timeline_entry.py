"""A line of a patient's time line."""

import datetime as dt
from dataclasses import dataclass

PAST, FIRM, EXPECTED = "past", "firm", "expected"


@dataclass(frozen=True)
class Entry:
    """One line. date: its day. kind: which mark. state: past, firm (planned from actual dates) or expected."""

    date: dt.date
    kind: str
    title: str
    state: str = PAST
    detail: str = ""
    url: str = ""
    chip: str = ""
    chip_kind: str = ""
