"""Faults in what a study file says about doses, each with its path, the value and what is allowed."""

import itertools
from collections import Counter
from collections.abc import Iterator

from trials.errors import Fault
from trials.protocol import Dose, Protocol


def dose_faults(protocol: Protocol) -> Iterator[Fault]:
    doses = [(f"levels.{i}.doses.{j}", d) for i, lv in enumerate(protocol.levels) for j, d in enumerate(lv.doses)]
    doses += [
        (f"reductions.ladder.{i}.doses.{j}", d)
        for i, rung in enumerate(protocol.reductions.ladder)
        for j, d in enumerate(rung.doses)
    ]
    yield from _one_kind_each(doses)
    yield from _loading(doses)
    yield from _calculation(protocol)
    yield from _windows(protocol, doses)


def _one_kind_each(doses: list[tuple[str, Dose]]) -> Iterator[Fault]:
    """An agent has one unit and one route wherever it is given: its amounts can be compared and added up."""
    first: dict[str, Dose] = {}
    for path, dose in doses:
        known = first.setdefault(dose.agent, dose)
        if dose.unit != known.unit:
            yield Fault(f"{path}.unit", dose.unit, f"{known.unit}, as {dose.agent} is dosed elsewhere in the file")
        if dose.route != known.route:
            yield Fault(f"{path}.route", dose.route, f"{known.route}, as {dose.agent} is given elsewhere in the file")


def _loading(doses: list[tuple[str, Dose]]) -> Iterator[Fault]:
    for path, dose in doses:
        if dose.loading_amount is not None and not dose.given_singly:
            allowed = "only for an agent that is infused or injected: doses taken by mouth are counted, not told apart"
            yield Fault(f"{path}.loading_amount", dose.loading_amount, allowed)


def _calculation(protocol: Protocol) -> Iterator[Fault]:
    sized = sorted({d.agent for d in protocol.all_doses if d.by_body_size})
    plan = protocol.calculation
    if plan is None:
        if sized:
            allowed = f"required, as {', '.join(sized)} is dosed by body size: formula, rounding and change of weight"
            yield Fault("calculation", None, allowed)
        return
    if not sized:
        yield Fault("calculation", "given", "only where an agent is dosed in mg/m2 or mg/kg")
    surface = any(d.unit == "mg/m2" for d in protocol.all_doses)
    if surface and plan.bsa_formula is None:
        yield Fault("calculation.bsa_formula", None, "mosteller or dubois, as an agent is dosed in mg/m2")
    if not surface and plan.bsa_formula is not None:
        yield Fault("calculation.bsa_formula", plan.bsa_formula, "only where an agent is dosed in mg/m2")
    if not surface and plan.bsa_cap_m2 is not None:
        yield Fault("calculation.bsa_cap_m2", plan.bsa_cap_m2, "only where an agent is dosed in mg/m2")
    rounded = [rule.agent for rule in plan.rounding]
    for place, agent in enumerate(rounded):
        if agent not in sized:
            yield Fault(f"calculation.rounding.{place}.agent", agent, f"one of: {', '.join(sized)}")
    for agent, times in Counter(rounded).items():
        if times > 1:
            yield Fault("calculation.rounding", agent, "each agent once")
    for agent in sized:
        if agent not in rounded:
            yield Fault("calculation.rounding", rounded, f"a rule for {agent} too: it is dosed by body size")


def _windows(protocol: Protocol, doses: list[tuple[str, Dose]]) -> Iterator[Fault]:
    """Windows around neighbouring days do not meet: an infusion belongs to one planned day."""
    window = protocol.administrations.window
    for path, dose in doses:
        days = [*dose.days, dose.days[0] + protocol.cycle.length_days]
        gap = min(later - earlier for earlier, later in itertools.pairwise(days))
        if dose.given_singly and gap > 0 and window.before + window.after >= gap:
            allowed = f"fewer than {gap} days in all, as {dose.agent} is given every {gap} days ({path})"
            yield Fault("administrations.window", window.before + window.after, allowed)
