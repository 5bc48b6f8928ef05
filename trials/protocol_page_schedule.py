"""The schedule on the Protocol page: the lead-in, and what is looked at, sampled and measured when. Formatting only."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from trials import protocol_words as words
from trials.protocol_marks import Place
from trials.protocol_pieces import Item, Line, Section, item, nothing, section


def lead_in(root: Place) -> Iterator[Section]:
    """Only of a study that has one: most have none, and miss nothing."""
    lead_in = root.at("lead_in")
    if lead_in.part is None:
        return
    window = lead_in.at("start_window")
    start = words.window_words(window.part, "the planned day")
    begins = f"It starts {start[:1].lower()}{start[1:]}. Cycle 1 is due {words.count(lead_in.part.length_days, 'day')}"
    lines = [
        Line("Given", (Item(f"{words.lead_in_words(root.part, lead_in.part)}."),)),
        Line(
            "Length", (Item(words.count(lead_in.part.length_days, "day"), "Day −1 is followed by day 1 of cycle 1."),)
        ),
        Line("Start", (item(f"{begins} later.", "Window for the start of the lead-in", "", window),)),
    ]
    yield section("lead-in", "Lead-in", lines, lead_in)


def visits(root: Place) -> Section:
    return section("visits", "Visits", _schedule(root.each("visits"), "Visits") or [nothing()])


def activities(root: Place) -> Iterator[Section]:
    """What is done and recorded on days of its own: biopsies, assessments, imaging."""
    activities = root.each("activities")
    if not activities:
        return
    lines: list[Line] = []
    for activity in activities:
        title, kind = activity.part.title, words.KINDS[activity.part.kind]
        told = kind[:1].upper() + kind[1:]
        lines.append(Line(title, (item(told, "Activities", title, activity),)))
        if root.part.visits and activity.part.timepoints == root.part.visits:
            lines.append(_at_every_visit(activity))
        else:
            lines += _schedule(activity.each("timepoints"), "Windows of activities", f"{title}: ")
    yield section("activities", "Activities", lines)


def _at_every_visit(activity: Place) -> Line:
    """One line for what is done at each of the visits, whose windows stand with them."""
    alike: dict[Any, list[Place]] = {}
    for timepoint in activity.each("timepoints"):
        for place in (timepoint, timepoint.at("window")):
            alike.setdefault(place.part, []).append(place)
    title, places = activity.part.title, [_merged(same) for same in alike.values()]
    said = item("At every visit, in the window of the visit", "Windows of activities", title, *places)
    return Line(f"{title}: when", (said,))


def samples(root: Place) -> Section:
    samples = root.at("samples")
    if samples.part is None:
        return section("samples", "Samples", [nothing()])
    tubes = tuple(_tube(tube) for tube in samples.each("tubes"))
    lines = [Line("Tubes", tubes), *_schedule(samples.each("timepoints"), "Windows of samples")]
    return section("samples", "Samples", lines, samples)


def _tube(tube: Place) -> Item:
    part = tube.part
    kind = " ".join(word for word in (f"{words.number_words(part.volume_ml)} ml", part.colour, part.additive) if word)
    return item(f"{kind}, for {part.purpose}", "Tubes", part.code, tube)


def outcome_measures(root: Place) -> Section:
    """The measures, then their time points: once for all measures that share them."""
    measures = root.each("outcome_measures")
    lines = [Line(m.part.title, (_measure(m),)) for m in measures]
    shared: dict[Any, list[Place]] = {}
    for measure in measures:
        shared.setdefault(measure.part.timepoints, []).append(measure)
    for alike in shared.values():
        timepoints = [_merged([m.each("timepoints")[i] for m in alike]) for i in range(len(alike[0].part.timepoints))]
        everyone = len(shared) == 1
        title = "" if everyone else f"{words.listed([m.part.title for m in alike])}: "
        lines += _schedule(timepoints, "Windows of outcome measures", title)
    return section("outcome-measures", "Outcome measures", lines or [nothing()])


def _measure(measure: Place) -> Item:
    text = words.measure_words(measure.part)
    return item(text[:1].upper() + text[1:], "Outcome measures", measure.part.domain, measure)


def _schedule(timepoints: Sequence[Place], what: str, before: str = "") -> list[Line]:
    """A line per run of time points that are due alike."""
    lines = []
    for _, run in itertools.groupby(timepoints, key=lambda place: _alike(place)):
        places = list(run)
        titles, first = words.titles_words([p.part.title for p in places]), places[0].part
        merged, windows = _merged(places), _merged([p.at("window") for p in places])
        said = item(words.when_words(first), what, titles, merged, windows, detail=words.part_words(first))
        lines.append(Line(f"{before}{titles}", (said,)))
    return lines


def _alike(place: Place) -> tuple[Any, ...]:
    part = place.part
    cycle = part.cycle if part.day is not None else None  # the last day of the cycle is said of them all
    return part.anchor, cycle, part.day, part.window, part.parts, part.assumed, part.note


def _merged(places: Sequence[Place]) -> Place:
    """Equal parts, as one that stands in all their places."""
    return Place(places[0].part, tuple(path for place in places for path in place.paths))
