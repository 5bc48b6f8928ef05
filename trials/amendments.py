"""What an amendment changes, in words; and what an amendment of a running study cannot change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trials.errors import Fault
from trials.models import Part, Study
from trials.protocol import Protocol
from trials.protocol_page import protocol_page
from trials.protocol_pieces import Line, Section


@dataclass(frozen=True)
class Change:
    """What one line of the protocol said, and what it says now; each empty where it says nothing."""

    section: str
    label: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def difference(old: Protocol, new: Protocol) -> list[Change]:
    """What differs, in the words of the Protocol page and in its order. Lines that say the same are left out."""
    before, after = (dict(_lines(protocol)) for protocol in (old, new))
    return [
        Change(section, label, tuple(t for t in was if t not in now), tuple(t for t in now if t not in was))
        for section, label in dict.fromkeys([*before, *after])
        if (was := before.get((section, label), ())) != (now := after.get((section, label), ()))
    ]


def _lines(protocol: Protocol) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    for section in protocol_page(protocol).sections:
        if section.note:
            yield (section.title, "Note"), (section.note,)
        for line in section.lines:
            yield (section.title, line.label), _texts(section, line)


def _texts(section: Section, line: Line) -> tuple[str, ...]:
    """Each item with its detail. Marks of assumption are told too: whether a thing is assumed is part of it."""
    assumed = " (assumed)" if section.marks else ""
    return tuple(
        f"{item.text}{f' ({item.detail})' if item.detail else ''}{' (assumed)' if item.marks else assumed}"
        for item in line.items
    )


def amendment_faults(study: Study, live: Protocol, new: Protocol) -> list[Fault]:
    """What records of the running study refer to, and what therefore stays; and sizes that are used up already."""
    return [*_what_stays(live, new), *_sizes(study, live, new)]


def _what_stays(live: Protocol, new: Protocol) -> Iterator[Fault]:
    if [level.label for level in new.levels] != [level.label for level in live.levels]:
        labels = ", ".join(level.label for level in live.levels)
        yield Fault(
            "levels", ", ".join(level.label for level in new.levels),
            f"the dose levels of a running study stay as they are ({labels}); what is given at a level may change",
        )  # fmt: skip
    if [rung.label for rung in new.reductions.ladder] != [rung.label for rung in live.reductions.ladder]:
        rungs = ", ".join(rung.label for rung in live.reductions.ladder)
        yield Fault(
            "reductions.ladder", ", ".join(rung.label for rung in new.reductions.ladder),
            f"reductions refer to its rungs, so they stay ({rungs}); what is given on a rung may change",
        )  # fmt: skip
    if new.design.name != live.design.name:
        yield Fault("design.name", new.design.name, f"a running study keeps its design, {live.design.name}")
    if (new.lead_in is None) != (live.lead_in is None):
        yield Fault("lead_in", new.lead_in and "given", "a lead-in is neither added to a running study nor taken out")
    if new.dlt.window.cycle != live.dlt.window.cycle:
        yield Fault(
            "dlt.window.cycle", new.dlt.window.cycle, f"patients count by cycle {live.dlt.window.cycle}: it stays"
        )
    for code in sorted({agent.code for agent in live.agents} - {agent.code for agent in new.agents}):
        yield Fault("agents", None, f"{code!r} stays: records refer to it")
    for code in sorted({r.code for r in live.discontinuation} - {r.code for r in new.discontinuation}):
        yield Fault("discontinuation", None, f"{code!r} stays: records refer to it")


def _sizes(study: Study, live: Protocol, new: Protocol) -> Iterator[Fault]:
    used = {
        part.kind: part.cohorts.filter(slots__used_at__isnull=False).values("slots").distinct().count()
        for part in study.parts.all()
    }
    treated = used.get(Part.Kind.ESCALATION, 0)
    if new.escalation.maximum_patients < treated:
        yield Fault(
            "escalation.maximum_patients",
            new.escalation.maximum_patients,
            f"at least {treated}: so many are registered",
        )
    expanded = used.get(Part.Kind.EXPANSION, 0)
    if live.expansion is not None and new.expansion is None:
        yield Fault("expansion", None, "the expansion of a running study stays")
    elif new.expansion is not None and new.expansion.patients < expanded:
        yield Fault("expansion.patients", new.expansion.patients, f"at least {expanded}: so many are registered")
