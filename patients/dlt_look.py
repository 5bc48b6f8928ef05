"""What a page says about an event while it is being entered: which rule fires, in which window, and what a DLT does."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from patients.dlt_rules import rule_that_fires
from patients.evaluability import Window, dlt_rules
from patients.models import Patient
from patients.operations.safety import elimination_boundary_at, standings_at
from patients.schedule import dlt_window
from trials.days import day_words
from trials.protocol import DltRule


@dataclass(frozen=True)
class DltLook:
    """An event on which a rule fires, looked at before anything is recorded.

    inside: whether its onset lies in the DLT window. tally, stop: what a DLT would make of the level, in words.
    """

    rule: DltRule
    window: Window | None
    inside: bool
    place: str
    tally: str = ""
    stop: str = ""


def look_at(
    patient: Patient, *, term: str, grade: int, onset_on: dt.date, relations: Mapping[str, str], at: dt.datetime
) -> DltLook | None:
    """None where no rule fires; patient: loaded with its cycles, registered."""
    if patient.version is None:
        return None
    rule = rule_that_fires(dlt_rules(patient), term, grade, relations)
    if rule is None:
        return None
    window = dlt_window(patient, list(patient.cycles.all()))
    inside = window is not None and window[0] <= onset_on <= window[1]
    if not inside:
        return DltLook(rule, window, False, _outside_words(patient, window, onset_on))
    assert window is not None  # it lies inside
    length = (window[1] - window[0]).days + 1
    number = (onset_on - window[0]).days + 1
    place = f"Day {number} of the {length}-day DLT window, which ends on {day_words(window[1])}."
    return DltLook(rule, window, True, place, *_tally_words(patient, at))


def _outside_words(patient: Patient, window: Window | None, onset_on: dt.date) -> str:
    if window is None and not patient.cycles.all():
        return f"{patient.code} has not started treatment, so it cannot be a DLT."
    if window is None:
        number = dlt_rules(patient).dlt.window.cycle
        return f"The DLT window begins with cycle {number}: it is recorded and shown, and cannot be a DLT."
    return (
        f"It began on {day_words(onset_on)}, outside the DLT window from {day_words(window[0])} to"
        f" {day_words(window[1])}, so it cannot be a DLT."
    )


def _tally_words(patient: Patient, at: dt.datetime) -> tuple[str, str]:
    """What the level's tally is with this patient's DLT, and whether that closes the level."""
    level = patient.assigned_level
    assert level is not None  # registered patients have one
    others = [s for s in standings_at(level, at) if s.patient.pk != patient.pk]
    n, y = 1 + sum(s.counts for s in others), 1 + sum(s.has_dlt for s in others)
    tally = f"As a DLT: {y} of {n} evaluable at {level.label}."
    boundary = elimination_boundary_at(patient.study, n)
    if level.closed_at is not None or boundary is None or y < boundary:
        return tally, ""
    return tally, f"That reaches the elimination boundary: {level.label} and every dose above close at once."
