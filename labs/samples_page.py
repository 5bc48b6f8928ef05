"""The Samples page in words: what is overdue, due now, coming, and what was recorded lately. Formatting only."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labs.labels import tube_words
from labs.queries import PatientSample
from labs.schedule import DueCollection, SampleState
from labs.words import count, first_lower
from patients.regimen import span_words
from trials.days import day_words
from trials.protocol import Tube

DAYS_AHEAD = 14
DAYS_BACK = 14


@dataclass(frozen=True)
class SampleRow:
    """One line: which sample of whom, by when, which tubes, and its state as a word."""

    patient: str
    site: str
    timepoint: str
    title: str
    when: str
    tubes: str
    chip: str
    chip_kind: str
    firm: bool


@dataclass(frozen=True)
class SamplesPage:
    """The rows by urgency, and the answer in one sentence."""

    answer: str
    overdue: list[SampleRow]
    due: list[SampleRow]
    coming: list[SampleRow]
    recorded: list[SampleRow]


def samples_page(samples: Sequence[PatientSample], today: dt.date) -> SamplesPage:
    """today: the study's day. The states in `samples` were worked out by each site's own calendar."""
    overdue = [row(s) for s in samples if s.state is SampleState.OVERDUE]
    due = [row(s) for s in samples if s.state is SampleState.DUE]
    horizon = today + dt.timedelta(days=DAYS_AHEAD)
    coming = [row(s) for s in samples if s.state is SampleState.UPCOMING and s.due.window_from <= horizon]
    recorded = [row(s) for s in _lately(samples, today)]
    return SamplesPage(_answer(len(overdue), len(due), len(coming)), overdue, due, coming, recorded)


def _lately(samples: Iterable[PatientSample], today: dt.date) -> list[PatientSample]:
    since = today - dt.timedelta(days=DAYS_BACK)
    recorded = [s for s in samples if s.due.collection and s.due.collection.recorded_at.date() >= since]
    return sorted(recorded, key=_recorded_at, reverse=True)


def _recorded_at(sample: PatientSample) -> dt.datetime:
    assert sample.due.collection is not None
    return sample.due.collection.recorded_at


def _answer(overdue: int, due: int, coming: int) -> str:
    if overdue:
        return f"{count(overdue, 'sample')} overdue" + (f", {due} due now" if due else "")
    if due:
        return f"{count(due, 'sample')} due now"
    return f"Nothing due now, {coming} in the next {DAYS_AHEAD} days" if coming else "No sample is due"


def row(sample: PatientSample) -> SampleRow:
    due = sample.due
    chip, kind = state_chip(due)
    return SampleRow(
        patient=sample.patient.code,
        site=sample.patient.site.name,
        timepoint=due.code,
        title=sample_title(due),
        when=when_words(due),
        tubes=tubes_words(due),
        chip=chip,
        chip_kind=kind,
        firm=due.firm,
    )


def sample_title(due: DueCollection) -> str:
    """'sample after cycle 2', 'pre-treatment sample'."""
    title = first_lower(due.title)
    return f"sample {title}" if title.startswith(("after", "before", "at ")) else f"{title} sample"


def when_words(due: DueCollection) -> str:
    """When it is or was to be collected, or what became of it."""
    record = due.collection
    if record is None:
        return f"window {span_words(due.window_from, due.window_to)}"
    if record.collected_on is None:
        return f"missed: {record.missed_reason}"
    outside = f", outside the window: {record.out_of_window_reason}" if record.out_of_window_reason else ""
    return f"collected {day_words(record.collected_on)}{outside}"


def tubes_words(due: DueCollection) -> str:
    """The tubes to fill, or those that were filled and those that were not."""
    if due.state is not SampleState.COLLECTED or due.collection is None:
        return _listed(due.tubes)
    filled = {tube.kind for tube in due.collection.tubes.all() if tube.collected}
    without = [tube for tube in due.tubes if tube.code not in filled]
    words = _listed([tube for tube in due.tubes if tube.code in filled])
    return words + (f" (not filled: {_listed(without)})" if without else "")


def _listed(tubes: Iterable[Tube]) -> str:
    return ", ".join(tube_words(tube) for tube in tubes)


def state_chip(due: DueCollection) -> tuple[str, str]:
    """The state as a word, and the kind of its chip."""
    if due.state is SampleState.OVERDUE:
        return f"{count(due.days_late, 'day')} overdue", "out"
    if due.state is SampleState.DUE:
        return (f"due, {count(due.days_left, 'day')} left" if due.days_left else "due, last day"), ""
    kinds = {
        SampleState.UPCOMING: "neutral",
        SampleState.COLLECTED: "up",
        SampleState.MISSED: "down",
    }
    return due.state.value, kinds[due.state]
