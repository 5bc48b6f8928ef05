"""What is wrong with the design of a study file: its parameters, and sizes that the design does not allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

from dosing.engine import DESIGNS
from dosing.queries.inputs import IN_THE_PLAN, design_of_protocol
from trials.errors import Fault
from trials.protocol import Protocol

_NOT_ALLOWED = re.compile(r"(\w+) = .* is not allowed: (.*)", re.DOTALL)


def design_faults(protocol: Protocol) -> list[Fault]:
    """Every fault with its path in the file, the value, and what is allowed; empty where the design can be used."""
    found = list(_parameters(protocol))
    if found:
        return found
    try:
        design = design_of_protocol(protocol)
    except ValueError as error:
        return [_of_engine(protocol, str(error))]
    return list(_sizes(protocol, design))


def _parameters(protocol: Protocol) -> Iterator[Fault]:
    """Parameters that the design has not, that stand elsewhere in the file, or that are missing."""
    name, given = protocol.design.name, protocol.design.parameters
    known = {field.name: field for field in fields(DESIGNS[name])}
    own = [parameter for parameter in known if parameter not in IN_THE_PLAN]
    for parameter, value in given.items():
        path = f"design.parameters.{parameter}"
        if parameter not in known:
            yield Fault(path, value, f"{parameter!r} is not a parameter of {name}, which has {', '.join(own)}")
        elif parameter in IN_THE_PLAN:
            yield Fault(path, value, f"it stands in escalation.{IN_THE_PLAN[parameter]}, and there only")
    for parameter in own:
        field = known[parameter]
        if parameter not in given and field.default is MISSING and field.default_factory is MISSING:
            yield Fault(f"design.parameters.{parameter}", None, "it is required")


def _of_engine(protocol: Protocol, sentence: str) -> Fault:
    """What the engine refuses, at the parameter's place in the file."""
    told = _NOT_ALLOWED.fullmatch(sentence)
    if told is None:
        return Fault("design.parameters", protocol.design.parameters, sentence)
    parameter, allowed = told.groups()
    if parameter in IN_THE_PLAN:
        size = IN_THE_PLAN[parameter]
        return Fault(f"escalation.{size}", getattr(protocol.escalation, size), allowed)
    return Fault(f"design.parameters.{parameter}", protocol.design.parameters.get(parameter), allowed)


def _sizes(protocol: Protocol, design: Any) -> Iterator[Fault]:
    """Sizes of the escalation that contradict a design whose own rule says how many are treated."""
    plan, name, size = protocol.escalation, protocol.design.name, design.fixed_cohort
    if size is None:
        return
    for path, value in (("cohort_size", plan.cohort_size), ("maximum_cohort_size", plan.maximum_cohort_size)):
        if value != size:
            yield Fault(f"escalation.{path}", value, f"{size}: {name} treats cohorts of {size}")
    most = design.most_patients(len(protocol.levels))
    if plan.maximum_patients != most:
        at_each = f"{design.most_at_a_dose} at each of the {len(protocol.levels)} levels"
        yield Fault("escalation.maximum_patients", plan.maximum_patients, f"{most}: {name} treats at most {at_each}")
