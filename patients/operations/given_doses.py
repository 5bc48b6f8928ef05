"""What doses that were given rule out: an earlier end of treatment, an interruption over them, another cycle start."""

import datetime as dt

from patients.models import Administration, Cycle, Patient
from patients.schedule import protocol_on
from trials.days import day_words
from trials.errors import Refused


def no_dose_after(patient: Patient, on: dt.date, field: str = "on") -> None:
    """Refuse that treatment ended before an infusion that was given."""
    last = patient.administrations.filter(given_on__gt=on).select_related("cycle").order_by("given_on").last()
    if last is not None and last.given_on is not None:
        name = protocol_on(patient, last.cycle.started_on).agent(last.agent).name
        raise Refused(
            "dose-given-after",
            f"{name} was given on {day_words(last.given_on)}. Give that day or a later one; if it was not given, "
            "correct that first.",
            field=field,
        )


def no_dose_between(patient: Patient, cycle: Cycle, agent: str, first: dt.date, last: dt.date | None) -> None:
    """Refuse an interruption of days whose infusion was given."""
    until = (last or dt.date.max).toordinal()
    for row in cycle.administrations.filter(agent=agent, outcome=Administration.Outcome.GIVEN):
        planned = cycle.started_on.toordinal() + row.day - 1
        if first.toordinal() <= planned <= until:
            name = protocol_on(patient, cycle.started_on).agent(agent).name
            day = day_words(dt.date.fromordinal(planned))
            raise Refused(
                "dose-given-then",
                f"{name} of {day} is recorded as given. If it was not, correct that first.",
                field="from_day",
            )


def doses_still_fit(patient: Patient, cycle: Cycle, started_on: dt.date) -> None:
    """Refuse a cycle start that leaves an infusion of the cycle outside its window."""
    protocol = protocol_on(patient, started_on)
    window = protocol.administrations.window
    for row in cycle.administrations.filter(outcome=Administration.Outcome.GIVEN):
        planned_on = started_on + dt.timedelta(days=row.day - 1)
        earliest = max(planned_on - dt.timedelta(days=window.before), started_on)
        assert row.given_on is not None  # given doses have their day
        if not earliest <= row.given_on <= planned_on + dt.timedelta(days=window.after):
            name = protocol.agent(row.agent).name
            raise Refused(
                "doses-would-not-fit",
                f"{name} given on {day_words(row.given_on)} would lie outside its window. "
                "Correct that day first, if it is wrong too.",
                field="started_on",
            )
