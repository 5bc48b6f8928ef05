"""What is given, in words and with its dates: agent, amount, days. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from trials.days import day_words
from trials.protocol import Dose, Protocol


@dataclass(frozen=True)
class DatedDose:
    """One agent of a cycle with the calendar days on which it is given."""

    agent: str
    name: str
    amount: str
    route: str
    days: str
    on: tuple[dt.date, ...]

    @property
    def dates(self) -> str:
        """'21 Nov – 11 Dec 2026' for days in a row, else each of them."""
        if len(self.on) > 2 and self.on[-1] - self.on[0] == dt.timedelta(days=len(self.on) - 1):
            return span_words(self.on[0], self.on[-1])
        years = {day.year for day in self.on}
        if len(years) == 1:
            return ", ".join(short_day(day) for day in self.on) + f" {self.on[-1].year}"
        return ", ".join(day_words(day) for day in self.on)

    @property
    def sentence(self) -> str:
        return f"{self.name} {self.amount} ({self.route}) on {self.days}: {self.dates}"


def dated_dose(protocol: Protocol, dose: Dose, starts_on: dt.date) -> DatedDose:
    """A dose in a cycle whose day 1 is `starts_on`."""
    return DatedDose(
        agent=dose.agent,
        name=protocol.agent(dose.agent).name,
        amount=dose.amount_words,
        route=dose.route,
        days=dose.days_words,
        on=dose_dates(dose, starts_on),
    )


def dose_dates(dose: Dose, starts_on: dt.date) -> tuple[dt.date, ...]:
    """The calendar days of a dose in a cycle whose day 1 is `starts_on`."""
    return tuple(starts_on + dt.timedelta(days=day - 1) for day in dose.days)


def doses_of_cycle(protocol: Protocol, number: int, rung: int, starts_on: dt.date) -> tuple[DatedDose, ...]:
    """Everything given in a cycle on this rung of the reduction ladder; number 0: in the lead-in."""
    doses = tuple(dated_dose(protocol, dose, starts_on) for dose in protocol.cycle_doses(number, rung))
    if number != 0 or protocol.lead_in is None:
        return doses
    return tuple(replace(dose, days=protocol.lead_in.days_words) for dose in doses)


def regimen_words(doses: tuple[DatedDose, ...]) -> str:
    """One sentence for a whole cycle."""
    return "; ".join(dose.sentence for dose in doses) + "."


def short_day(day: dt.date) -> str:
    return f"{day.day} {day:%b}"


def span_words(first: dt.date, last: dt.date) -> str:
    """'21 Nov – 11 Dec 2026'; the year once where it is the same."""
    start = short_day(first) if first.year == last.year else day_words(first)
    return f"{start} – {day_words(last)}"
