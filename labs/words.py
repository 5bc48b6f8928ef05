"""Small pieces of plain English for pages."""

import datetime as dt
from collections.abc import Sequence


def weekday_words(day: dt.date) -> str:
    """'Mon 2 Feb 2026'."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def count(number: int, noun: str) -> str:
    """'1 sample', '2 samples'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(words: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def first_lower(text: str) -> str:
    """'After cycle 2' as it stands within a sentence."""
    return text[:1].lower() + text[1:]
