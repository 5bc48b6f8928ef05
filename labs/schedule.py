"""Which samples are due, and when: derived from the protocol and from what happened, never stored.

Pure over rows that are loaded already (`labs.queries` loads them); nothing here asks the database.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from labs.models import Collection
from patients.models import Cycle, Patient
from patients.schedule import (
    WITHOUT_A_CYCLE,
    PlannedDay,
    anchor_number,
    cycle_numbered,
    found_on,
    is_dropped,
    planned_under,
    registered_under,
    timepoint_day,
)
from trials.protocol import Protocol, Timepoint, Tube

# A time point, and the tubes that are filled at it.
Scheduled = tuple[Timepoint, tuple[Tube, ...]]


class SampleState(StrEnum):
    UPCOMING = "upcoming"
    DUE = "due"
    OVERDUE = "overdue"
    COLLECTED = "collected"
    MISSED = "missed"

    @property
    def is_open(self) -> bool:
        """Nothing has been recorded about it yet."""
        return self not in (SampleState.COLLECTED, SampleState.MISSED)


@dataclass(frozen=True)
class DueCollection:
    """One sample time point of one patient.

    planned_on with the window [window_from, window_to], all days included. firm: planned from actual dates; otherwise
    the day is expected and may still move. days_late: how many days the window has been over, 0 unless overdue.
    days_left: how many days of the window are still to come, 0 on its last day.
    `collection` is what was recorded about it; its days are those of the plan at the time.
    """

    timepoint: Timepoint
    planned_on: dt.date
    window_from: dt.date
    window_to: dt.date
    firm: bool
    tubes: tuple[Tube, ...]
    state: SampleState
    days_late: int = 0
    days_left: int = 0
    collection: Collection | None = None

    @property
    def code(self) -> str:
        return self.timepoint.code

    @property
    def title(self) -> str:
        return self.timepoint.title

    def in_window(self, day: dt.date) -> bool:
        return self.window_from <= day <= self.window_to


def due_collections(
    patient: Patient,
    cycles: Sequence[Cycle],
    ended_on: dt.date | None,
    done: Iterable[Collection],
    today: dt.date,
) -> list[DueCollection]:
    """The sample time points of a registered patient's part, in order of their days; none before registration.

    cycles: those that have started. ended_on: the last day of protocol therapy, None while it goes on; what was planned
    for a later day (or between an end and a re-treatment) is dropped. done: what has been recorded. A cycle start that
    is recorded or corrected moves every sample that hangs on it, until something is recorded about the sample.
    """
    if patient.version is None or patient.part is None:
        return []

    def plan(protocol: Protocol) -> Iterator[tuple[str, Scheduled, PlannedDay | None]]:
        for timepoint, tubes in _scheduled(protocol):
            yield timepoint.code, (timepoint, tubes), timepoint_day(timepoint, patient, cycles)

    recorded = {collection.timepoint: collection for collection in done}
    found = [_recorded(patient, collection) for collection in recorded.values()]
    for code, ((timepoint, tubes), day) in planned_under(patient, plan).items():
        if code not in recorded and not _dropped(patient, day.on, ended_on):
            found.append(_planned(timepoint, tubes, day, today))
    return sorted(found, key=lambda due: due.planned_on)


def _scheduled(protocol: Protocol) -> list[Scheduled]:
    samples = protocol.samples
    return [(timepoint, samples.tubes) for timepoint in samples.timepoints] if samples else []


def _recorded(patient: Patient, collection: Collection) -> DueCollection:
    """As the version of its planned day has it."""

    def find(protocol: Protocol) -> Scheduled | None:
        return next((one for one in _scheduled(protocol) if one[0].code == collection.timepoint), None)

    said = found_on(patient, collection.planned_on, find)
    assert said is not None  # nothing else is ever recorded
    timepoint, tubes = said
    return DueCollection(
        timepoint=timepoint,
        planned_on=collection.planned_on,
        window_from=collection.window_from,
        window_to=collection.window_to,
        firm=True,
        tubes=tubes,
        state=SampleState(collection.outcome),
        collection=collection,
    )


def _planned(timepoint: Timepoint, tubes: tuple[Tube, ...], day: PlannedDay, today: dt.date) -> DueCollection:
    return DueCollection(
        timepoint=timepoint,
        planned_on=day.on,
        window_from=day.window_from,
        window_to=day.window_to,
        firm=day.firm,
        tubes=tubes,
        state=state_on(today, day.window_from, day.window_to),
        days_late=max(0, (today - day.window_to).days),
        days_left=max(0, (day.window_to - today).days),
    )


def _dropped(patient: Patient, day: dt.date, ended_on: dt.date | None) -> bool:
    """Whether treatment had ended by this day, for good or until a re-treatment."""
    return (ended_on is not None and day > ended_on) or is_dropped(patient, day)


def state_on(today: dt.date, window_from: dt.date, window_to: dt.date) -> SampleState:
    """Upcoming before the window, due within it (both ends included), overdue after it."""
    if today < window_from:
        return SampleState.UPCOMING
    return SampleState.DUE if today <= window_to else SampleState.OVERDUE


def anchor_cycle(timepoint: Timepoint, patient: Patient, cycles: Sequence[Cycle]) -> Cycle | None:
    """The started cycle on which the time point hangs: the first for pre-treatment. None while it has not started."""
    if timepoint.anchor in WITHOUT_A_CYCLE:
        return None
    return cycle_numbered(cycles, anchor_number(timepoint, registered_under(patient)))
