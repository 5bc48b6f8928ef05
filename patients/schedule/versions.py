"""Which protocol version a patient follows on a day: see docs/adr/0017-rules-in-force-at-the-time.md."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from patients.models import Patient
from patients.schedule.planned import PlannedDay
from trials.models import ProtocolVersion
from trials.protocol import Protocol

Key = TypeVar("Key", bound=Hashable)
What = TypeVar("What")


def versions_of(patient: Patient) -> list[tuple[dt.date, ProtocolVersion]]:
    """What the patient follows one after the other, each with its first day; the first one from the beginning.

    That is the version under which the patient was registered (before registration, the one with which the study
    started), and then what the patient's site follows.
    """
    own = patient.version or patient.study.first_version
    later = [(row.from_day, row.version) for row in patient.followed_at_site if row.version.number > own.number]
    return [(dt.date.min, own), *later]


def registered_under(patient: Patient) -> Protocol:
    """The first of them. For what no amendment changes: whether there is a lead-in, levels, rungs and their order."""
    return versions_of(patient)[0][1].protocol


def version_on(patient: Patient, day: dt.date) -> ProtocolVersion:
    """The version whose rules hold for what happens, or is planned, on a day."""
    return next(version for from_day, version in reversed(versions_of(patient)) if from_day <= day)


def protocol_on(patient: Patient, day: dt.date) -> Protocol:
    """The protocol whose rules hold for what happens, or is planned, on a day."""
    return version_on(patient, day).protocol


def found_on(patient: Patient, day: dt.date, find: Callable[[Protocol], What | None]) -> What | None:
    """What a protocol says about something that was recorded, or was planned for a day: the one in force on that day.

    Where that says nothing about it, an older one: a newer one may have dropped what the older one planned; and at
    last a newer one. None where none says anything.
    """
    versions = versions_of(patient)
    by_then = [version for from_day, version in reversed(versions) if from_day <= day]
    later = [version for from_day, version in versions if from_day > day]
    answers = (find(version.protocol) for version in [*by_then, *later])
    return next((answer for answer in answers if answer is not None), None)


def planned_under(
    patient: Patient, plan: Callable[[Protocol], Iterable[tuple[Key, What, PlannedDay | None]]]
) -> dict[Key, tuple[What, PlannedDay]]:
    """What is planned across the versions that the patient follows: each thing once, by the rules of its planned day.

    plan: what one protocol plans, each with its name and day (None: not at all). What an older version planned for a
    day before the newer one is followed stays. What it planned for later is as the newer one says: moved, or dropped;
    but nothing moves to a day before the newer one was followed: it then keeps its old day. New things are planned
    from the newer one's first day.
    """
    found: dict[Key, tuple[What, PlannedDay]] = {}
    for from_day, version in versions_of(patient):
        now = {name: (what, day) for name, what, day in plan(version.protocol) if day is not None}
        kept = {name: one for name, one in found.items() if one[1].on < from_day}
        moved = {name: one for name, one in now.items() if name not in kept and one[1].on >= from_day}
        not_moved = {name: one for name, one in found.items() if name in now and name not in kept | moved}
        found = kept | not_moved | moved
    return found
