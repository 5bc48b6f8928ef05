"""Reads a study file and finds every fault in it, each with its path, the value and what is allowed."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from trials.dose_checks import dose_faults
from trials.errors import Fault, InvalidProtocol
from trials.models import Role
from trials.protocol import Heading, Protocol
from trials.schedule_checks import schedule_faults
from trials.study_file import parse_study_file
from trials.time_zones import time_zones


def read_study_file(text: str) -> tuple[dict[str, Any], Protocol]:
    """The file's content as plain data, and as a Protocol. Raises InvalidProtocol with all faults found."""
    content = parse_study_file(text)
    faults = faults_of(content)
    if faults:
        raise InvalidProtocol(faults)
    return content, Protocol.model_validate(content)


def faults_of(definition: object) -> list[Fault]:
    """Every fault of a study file's content but for the design's parameters, which the engine knows; empty for none.

    What does not fit together is looked at once every part is well formed.
    """
    try:
        protocol = Protocol.model_validate(definition)
    except ValidationError as error:
        return [_as_fault(e) for e in error.errors()]
    return list(contradictions(protocol))


def _as_fault(error: ErrorDetails) -> Fault:
    path = ".".join(str(p) for p in error["loc"]) or "file"
    if error["type"] == "missing":
        return Fault(path, None, "it is required")
    if error["type"] == "extra_forbidden":
        return Fault(path, error["input"], "there is no such key here")
    return Fault(path, error["input"], error["msg"].removeprefix("Value error, "))


def contradictions(protocol: Protocol) -> Iterator[Fault]:
    """What is well formed part by part, but does not fit together."""
    yield from _levels(protocol)
    yield from _agents(protocol)
    yield from dose_faults(protocol)
    yield from _sizes(protocol)
    yield from _ladder(protocol)
    yield from _dlt(protocol)
    yield from _people_and_places(protocol)
    yield from _codes(protocol)
    yield from _measures(protocol)
    yield from schedule_faults(protocol)


def _levels(protocol: Protocol) -> Iterator[Fault]:
    for place, level in enumerate(protocol.levels):
        if level.ordinal != place + 1:
            yield Fault(
                f"levels.{place}.ordinal",
                level.ordinal,
                f"levels count from 1 without a gap: {place + 1} here",
            )
    investigational = {a.code for a in protocol.agents if a.investigational}
    for agent in sorted(investigational):
        amounts = [sum(d.amount * len(d.days) for d in lv.doses if d.agent == agent) for lv in protocol.levels]
        for place, (lower, upper) in enumerate(itertools.pairwise(amounts), start=1):
            if upper < lower:
                yield Fault(
                    f"levels.{place}.doses",
                    f"{agent} {upper}",
                    f"at least as much of it as one level below ({lower})",
                )


def _agents(protocol: Protocol) -> Iterator[Fault]:
    known = {a.code for a in protocol.agents}
    allowed = f"one of the agents: {', '.join(sorted(known))}"
    if not any(a.investigational for a in protocol.agents):
        yield Fault("agents", [a.code for a in protocol.agents], "at least one agent is investigational")
    doses = [(f"levels.{i}.doses.{j}", d) for i, lv in enumerate(protocol.levels) for j, d in enumerate(lv.doses)]
    doses += [
        (f"reductions.ladder.{i}.doses.{j}", d)
        for i, rung in enumerate(protocol.reductions.ladder)
        for j, d in enumerate(rung.doses)
    ]
    for path, dose in doses:
        if dose.agent not in known:
            yield Fault(f"{path}.agent", dose.agent, allowed)
        if max(dose.days) > protocol.cycle.length_days:
            yield Fault(f"{path}.days", max(dose.days), f"days 1 to {protocol.cycle.length_days} of the cycle")
        if list(dose.days) != sorted(set(dose.days)):
            yield Fault(f"{path}.days", list(dose.days), "each day once, in order")
    exposure = protocol.dlt.minimum_exposure.agent
    if exposure not in known:
        yield Fault("dlt.minimum_exposure.agent", exposure, allowed)


def _sizes(protocol: Protocol) -> Iterator[Fault]:
    plan = protocol.escalation
    if plan.start_level > len(protocol.levels):
        yield Fault("escalation.start_level", plan.start_level, f"one of the levels 1 to {len(protocol.levels)}")
    if plan.cohort_size > plan.maximum_cohort_size:
        yield Fault(
            "escalation.cohort_size",
            plan.cohort_size,
            f"at most maximum_cohort_size ({plan.maximum_cohort_size})",
        )
    if plan.maximum_cohort_size > plan.maximum_patients:
        yield Fault(
            "escalation.maximum_cohort_size",
            plan.maximum_cohort_size,
            f"at most maximum_patients ({plan.maximum_patients})",
        )


def _ladder(protocol: Protocol) -> Iterator[Fault]:
    on_ladder = [r.level for r in protocol.reductions.ladder if r.level is not None]
    levels = [lv.ordinal for lv in protocol.levels]
    if on_ladder != sorted(levels, reverse=True):
        yield Fault(
            "reductions.ladder",
            on_ladder,
            f"every dose level once, highest first: {sorted(levels, reverse=True)}",
        )
    own = [i for i, r in enumerate(protocol.reductions.ladder) if r.level is None]
    if own and own[0] < len(on_ladder):
        yield Fault(
            f"reductions.ladder.{own[0]}",
            "doses of its own",
            "rungs of their own stand below the dose levels",
        )


def _dlt(protocol: Protocol) -> Iterator[Fault]:
    window = protocol.dlt.window
    if window.to_day < window.from_day:
        yield Fault("dlt.window.to_day", window.to_day, f"not before from_day ({window.from_day})")
    if window.to_day > protocol.cycle.length_days:
        yield Fault("dlt.window.to_day", window.to_day, f"within the cycle of {protocol.cycle.length_days} days")
    exposure = protocol.dlt.minimum_exposure.agent
    for place, level in enumerate(protocol.levels):
        days = [day for d in level.doses if d.agent == exposure for day in d.days]
        if not any(window.from_day <= day <= window.to_day for day in days):
            yield Fault(
                f"levels.{place}.doses",
                days,
                f"{exposure} is given within the DLT window, so that exposure can be met",
            )


def _people_and_places(protocol: Protocol) -> Iterator[Fault]:
    roles = {r.value for r in Role}
    for kind in ("dose_decision", "mtd", "set_up"):
        for place, role in enumerate(getattr(protocol.signatures, kind)):
            if role not in roles:
                yield Fault(f"signatures.{kind}.{place}", role, f"one of the roles: {', '.join(sorted(roles))}")
        yield from _once(f"signatures.{kind}", getattr(protocol.signatures, kind))
    fault = heading_fault(protocol.study)
    if fault is not None:
        yield fault


def heading_fault(heading: Heading) -> Fault | None:
    """What is wrong with a heading beyond its form."""
    if heading.time_zone in time_zones():
        return None
    return Fault("study.time_zone", heading.time_zone, "a time zone by its IANA name, such as Europe/Stockholm")


def _codes(protocol: Protocol) -> Iterator[Fault]:
    yield from _once("agents", [a.code for a in protocol.agents])
    yield from _once("discontinuation", [r.code for r in protocol.discontinuation])
    yield from _once("dlt.rules", [r.code for r in protocol.dlt.rules])
    yield from _once("eligibility", [c.code for c in protocol.eligibility])
    yield from _once("visits", [v.code for v in protocol.visits])
    yield from _once("outcome_measures", [m.code for m in protocol.outcome_measures])
    for place, measure in enumerate(protocol.outcome_measures):
        yield from _once(f"outcome_measures.{place}.timepoints", [t.code for t in measure.timepoints])
    if protocol.samples is not None:
        yield from _once("samples.tubes", [t.code for t in protocol.samples.tubes])
        yield from _once("samples.timepoints", [t.code for t in protocol.samples.timepoints])


def _measures(protocol: Protocol) -> Iterator[Fault]:
    for place, measure in enumerate(protocol.outcome_measures):
        if measure.minimum is not None and measure.maximum is not None and measure.minimum >= measure.maximum:
            yield Fault(
                f"outcome_measures.{place}.maximum",
                measure.maximum,
                f"more than the minimum ({measure.minimum})",
            )


def _once(path: str, codes: Iterable[str]) -> Iterator[Fault]:
    for code, times in Counter(codes).items():
        if times > 1:
            yield Fault(path, code, "each code once")
