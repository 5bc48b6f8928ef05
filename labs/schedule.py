"""Which samples are due, and when: derived from the protocol and from what happened, never stored.

Pure over rows that are loaded already (`labs.queries` loads them); nothing here asks the database.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from labs.models import Collection
from patients.models import Cycle, Patient
from patients.schedule import WITHOUT_A_CYCLE, anchor_number, cycle_numbered, is_dropped, protocol_of, timepoint_day
from trials.protocol import Timepoint, Tube


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
    samples = patient.version.protocol.samples
    if samples is None:
        return []
    recorded = {collection.timepoint: collection for collection in done}
    found = []
    for timepoint in samples.timepoints:
        collection = recorded.get(timepoint.code)
        if collection is not None:
            found.append(_recorded(timepoint, samples.tubes, collection))
        elif patient.part.kind in timepoint.parts:
            planned = _planned(patient, cycles, timepoint, samples.tubes, today)
            if planned is not None and not _dropped(patient, planned.planned_on, ended_on):
                found.append(planned)
    return sorted(found, key=lambda due: due.planned_on)


def _recorded(timepoint: Timepoint, tubes: tuple[Tube, ...], collection: Collection) -> DueCollection:
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


def _planned(
    patient: Patient, cycles: Sequence[Cycle], timepoint: Timepoint, tubes: tuple[Tube, ...], today: dt.date
) -> DueCollection | None:
    day = timepoint_day(timepoint, patient, cycles)
    if day is None:
        return None
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
    return cycle_numbered(cycles, anchor_number(timepoint, protocol_of(patient)))
