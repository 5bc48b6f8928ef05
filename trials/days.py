"""Days in the words of pages and documents."""

import datetime as dt


def day_words(day: dt.date) -> str:
    """'16 Nov 2026'."""
    return f"{day.day} {day:%b %Y}"
