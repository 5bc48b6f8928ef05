"""Parts of a protocol in plain English: regimens, windows, schedules and the parameters of a design."""

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from trials.protocol import (
    ActivityKind,
    AnchorKind,
    Design,
    DltRule,
    Dose,
    Escalation,
    LeadIn,
    OutcomeMeasure,
    Protocol,
    Timepoint,
    Window,
)
from trials.protocol_schedule import shifted, signed_words

DESIGNS = {
    "boin": "BOIN",
    "three_plus_three": "3+3",
    "i3plus3": "i3+3",
    "keyboard": "Keyboard",
    "mtpi2": "mTPI-2",
    "crm": "CRM",
    "tite_boin": "TITE-BOIN",
}
COUNTS_ONLY = frozenset({"three_plus_three"})  # designs that estimate no toxicity
KINDS = {
    ActivityKind.VISIT: "visit",
    ActivityKind.BIOPSY: "biopsy",
    ActivityKind.SAFETY_ASSESSMENT: "safety assessment",
    ActivityKind.PROCEDURE: "procedure",
    ActivityKind.IMAGING: "imaging",
}
_ANCHORS = {
    AnchorKind.REGISTRATION: "the day of registration",
    AnchorKind.PRE_TREATMENT: "the first day of treatment",
    AnchorKind.LEAD_IN_START: "the first day of the lead-in",
    AnchorKind.CYCLE_START: "the first day of the cycle",
    AnchorKind.CYCLE_END: "the last day of the cycle",
    AnchorKind.EVERY_CYCLE_START: "the first day of every cycle",
    AnchorKind.END_OF_TREATMENT: "the last day of treatment",
}


def count(number: int, noun: str) -> str:
    """'1 day', '2 days'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(words: Sequence[str], last: str = "and") -> str:
    """'a', 'a and b', 'a, b and c'."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def day_words(day: dt.date) -> str:
    """'Mon 2 Feb 2026'."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def number_words(value: Decimal) -> str:
    return f"{value.normalize():f}"


def design_words(design: Design) -> str:
    return DESIGNS[design.name]


def parameter_words(value: Any) -> str:
    """A parameter as it is stored: '0.3', 'yes', 'not set', '0.1, 0.2, 0.3'."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(parameter_words, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {parameter_words(one)}" for name, one in value.items())
    return str(value)


def dose_words(protocol: Protocol, dose: Dose) -> str:
    """'Lenalidomide 10 mg, oral, days 1–21'."""
    return f"{protocol.agent(dose.agent).name} {dose.amount_words}, {dose.route}, {dose.days_words}"


def escalation_words(protocol: Protocol, plan: Escalation) -> list[str]:
    """Each size of the dose escalation as a sentence."""
    return [
        f"At most {count(plan.maximum_patients, 'patient')}.",
        f"Cohorts of {plan.cohort_size}; a decision can make the next one {_other_size(plan)}.",
        f"It starts at {protocol.level(plan.start_level).label} (level {plan.start_level}).",
        f"A reserved slot is held for {count(plan.reservation_days, 'day')}.",
    ]


def _other_size(plan: Escalation) -> str:
    larger = plan.maximum_cohort_size > plan.cohort_size
    return f"as large as {plan.maximum_cohort_size}" if larger else "smaller, not larger"


def window_words(window: Window, around: str) -> str:
    """'From 3 days before to 7 days after the last day of the cycle'; around names the planned day."""
    if not window.before and not window.after:
        return f"On {around}"
    if not window.after:
        return f"On {around} or up to {count(window.before, 'day')} before"
    if not window.before:
        return f"On {around} or up to {count(window.after, 'day')} after"
    return f"From {count(window.before, 'day')} before to {count(window.after, 'day')} after {around}"


def when_words(timepoint: Timepoint) -> str:
    """The window around the day that the time point hangs on; in days of the protocol where it is on such a day."""
    if timepoint.day is None:
        return window_words(timepoint.window, _ANCHORS[timepoint.anchor])
    first, last = shifted(timepoint.day, -timepoint.window.before), shifted(timepoint.day, timepoint.window.after)
    planned = f", planned for day {signed_words(timepoint.day)}" if first != timepoint.day else ""
    span = f"Day {signed_words(first)} to {signed_words(last)}" if first != last else f"On day {signed_words(first)}"
    return f"{span}{planned}{_counted(timepoint)}"


def _counted(timepoint: Timepoint) -> str:
    """From where the days of a time point are counted."""
    if timepoint.anchor is AnchorKind.LEAD_IN_DAY:
        return ", counted from the start of the lead-in"
    if timepoint.anchor is AnchorKind.EVERY_CYCLE_DAY:
        return " of every cycle"
    back = timepoint.day is not None and timepoint.day < 0
    return ", counted back from the start of cycle 1" if back else f" of cycle {timepoint.cycle}"


def lead_in_words(protocol: Protocol, lead_in: LeadIn) -> str:
    """'Lenalidomide alone on days −21 to −1, at the amount of the dose level'."""
    names = listed([protocol.agent(code).name for code in lead_in.agents])
    alone = "alone " if len(lead_in.agents) < len(protocol.agents) else ""
    return f"{names[:1].upper()}{names[1:]} {alone}on {lead_in.days_words}, at the amount of the dose level"


def part_words(timepoint: Timepoint) -> str:
    """'only in the dose expansion'; nothing where it is due in both parts."""
    return f"only in the dose {timepoint.parts[0]}" if len(timepoint.parts) == 1 else ""


def titles_words(titles: Sequence[str]) -> str:
    """'After cycle 1, 2 and 3' for titles that differ in their number only; else each in full."""
    found = [re.fullmatch(r"(.*\D)(\d+)", title) for title in titles]
    beginnings = {match[1] for match in found if match}
    if all(found) and len(beginnings) == 1:
        return beginnings.pop() + listed([match[2] for match in found if match])
    return listed(titles)


def rule_words(rule: DltRule) -> str:
    """What makes Rung point at the rule when an event is recorded."""
    grade = "grade 5" if rule.minimum_grade == 5 else f"grade {rule.minimum_grade} or higher"
    terms = listed(rule.terms, "or") if rule.terms else "any term"
    but = f" but {listed(rule.except_terms, 'and')}" if rule.except_terms else ""
    related = ", at least possibly related to an investigational agent" if rule.related else ", related or not"
    return f"Proposed for {terms}{but}, {grade}{related}."


def measure_words(measure: OutcomeMeasure) -> str:
    """'quality of life; 0 to 100 points; higher is better'."""
    low, high = (None if n is None else number_words(n) for n in (measure.minimum, measure.maximum))
    span = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}" if high else ""
    scale = f"{span} {measure.unit}".strip()
    return "; ".join(word for word in (measure.domain, scale, f"{measure.better} is better") if word)
