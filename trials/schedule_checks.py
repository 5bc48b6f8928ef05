"""What can be wrong with a study file's schedule: the lead-in, and when things are due."""

from collections import Counter
from collections.abc import Iterable, Iterator

from trials.errors import Fault
from trials.protocol import AnchorKind, LeadIn, Protocol, Timepoint
from trials.protocol_schedule import OF_EVERY_CYCLE, OF_ONE_CYCLE, OF_THE_LEAD_IN, VISITS, signed_words

Placed = tuple[str, Timepoint]


def schedule_faults(protocol: Protocol) -> Iterator[Fault]:
    """Every fault of the schedule, with its path, the value and what is allowed."""
    if protocol.lead_in is not None:
        yield from _lead_in(protocol, protocol.lead_in)
    for path, timepoint in _timepoints(protocol):
        yield from _anchor(protocol, path, timepoint)
        yield from _window(protocol, path, timepoint)
        yield from _once(f"{path}.parts", timepoint.parts)
    yield from _taken_once(protocol)
    yield from _codes(protocol)


def _timepoints(protocol: Protocol) -> Iterator[Placed]:
    yield from _placed("visits", protocol.visits)
    for place, activity in enumerate(protocol.activities):
        yield from _placed(f"activities.{place}.timepoints", activity.timepoints)
    if protocol.samples is not None:
        yield from _placed("samples.timepoints", protocol.samples.timepoints)
    for place, measure in enumerate(protocol.outcome_measures):
        yield from _placed(f"outcome_measures.{place}.timepoints", measure.timepoints)


def _placed(path: str, timepoints: Iterable[Timepoint]) -> Iterator[Placed]:
    return ((f"{path}.{place}", timepoint) for place, timepoint in enumerate(timepoints))


def _lead_in(protocol: Protocol, lead_in: LeadIn) -> Iterator[Fault]:
    known = {agent.code for agent in protocol.agents}
    for place, agent in enumerate(lead_in.agents):
        if agent not in known:
            yield Fault(f"lead_in.agents.{place}", agent, f"one of the agents: {', '.join(sorted(known))}")
    yield from _once("lead_in.agents", lead_in.agents)
    days = list(lead_in.days)
    if min(days) < -lead_in.length_days:
        yield Fault("lead_in.days", min(days), f"days {-lead_in.length_days} to -1 of the lead-in")
    if days != sorted(set(days)):
        yield Fault("lead_in.days", days, "each day once, in order")
    given = [(f"levels.{i}.doses", {d.agent for d in level.doses}) for i, level in enumerate(protocol.levels)]
    given += [
        (f"reductions.ladder.{i}.doses", {d.agent for d in rung.doses})
        for i, rung in enumerate(protocol.reductions.ladder)
        if rung.doses
    ]
    for path, agents in given:
        if not agents & set(lead_in.agents):
            yield Fault(path, sorted(agents), f"one of the agents of the lead-in too: {', '.join(lead_in.agents)}")


def _anchor(protocol: Protocol, path: str, timepoint: Timepoint) -> Iterator[Fault]:
    if timepoint.anchor in OF_THE_LEAD_IN and protocol.lead_in is None:
        yield Fault(f"{path}.anchor", timepoint.anchor.value, "the study has no lead-in; give an anchor in a cycle")
    length = protocol.cycle.length_days
    of_a_cycle = timepoint.anchor in OF_ONE_CYCLE + OF_EVERY_CYCLE
    if of_a_cycle and timepoint.day is not None and timepoint.day > length:
        yield Fault(f"{path}.day", timepoint.day, f"a day within the cycle of {length} days")
    if protocol.expansion is None and timepoint.parts == ("expansion",):
        yield Fault(f"{path}.parts", list(timepoint.parts), "the study has no expansion part")


def _window(protocol: Protocol, path: str, timepoint: Timepoint) -> Iterator[Fault]:
    """What is due before treatment, or before the combination, is not due after its first day."""
    last = last_day_before(protocol, timepoint)
    if timepoint.day is None or last is None or timepoint.day + timepoint.window.after <= last:
        return
    allowed = (
        f"at most {last - timepoint.day}, so that the window ends by day {signed_words(last)}: "
        "the next day belongs to what follows"
    )
    yield Fault(f"{path}.window.after", timepoint.window.after, allowed)


def last_day_before(protocol: Protocol, timepoint: Timepoint) -> int | None:
    """The last day that belongs to the same stretch as a day below 0; None for days from 1."""
    if timepoint.day is None or timepoint.day > 0:
        return None
    lead_in = protocol.lead_in
    if timepoint.anchor is AnchorKind.LEAD_IN_DAY and lead_in is not None and timepoint.day < -lead_in.length_days:
        return -lead_in.length_days - 1
    return -1


def _taken_once(protocol: Protocol) -> Iterator[Fault]:
    """A sample is taken once: what was recorded about it, and its label, are found by its time point's code. So is a
    value of an outcome measure.
    """
    once = list(_placed("samples.timepoints", protocol.samples.timepoints)) if protocol.samples else []
    for place, measure in enumerate(protocol.outcome_measures):
        once += _placed(f"outcome_measures.{place}.timepoints", measure.timepoints)
    for path, timepoint in once:
        if timepoint.comes_back:
            allowed = "give each cycle a time point of its own, with its number"
            yield Fault(f"{path}.anchor", timepoint.anchor.value, allowed)


def _codes(protocol: Protocol) -> Iterator[Fault]:
    yield from _once("activities", [a.code for a in protocol.activities])
    for place, activity in enumerate(protocol.activities):
        if activity.code == VISITS:
            yield Fault(f"activities.{place}.code", VISITS, "another code: this one is that of the visits")
        yield from _once(f"activities.{place}.timepoints", [t.code for t in activity.timepoints])


def _once(path: str, codes: Iterable[str]) -> Iterator[Fault]:
    for code, times in Counter(codes).items():
        if times > 1:
            yield Fault(path, code, "each code once")
