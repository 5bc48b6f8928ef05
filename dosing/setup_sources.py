"""What the forms of set-up offer to choose from: agents, levels, roles, time zones, and the parameters of a design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from dosing.engine import DESIGNS
from dosing.queries.inputs import IN_THE_PLAN
from dosing.workbench import parameters as engine
from dosing.workbench.words import NAMES, value_words
from trials.models import Role
from trials.study_forms.shape import Kind
from trials.study_forms.tree import Option, Parameter, Sources
from trials.time_zones import time_zones

_KINDS = {engine.Kind.NUMBER: Kind.NUMBER, engine.Kind.WHOLE: Kind.WHOLE, engine.Kind.YES_NO: Kind.YES_NO}
_AGENT_FIELDS = ("Dose.agent", "Rounding.agent", "MinimumExposure.agent", "LeadIn.agents")
_SIGNING = (Role.PRINCIPAL_INVESTIGATOR, Role.MEDICAL_MONITOR, Role.STATISTICIAN)


def sources_of(definition: Mapping[str, Any]) -> Sources:
    """What can be chosen, given the rest of the draft, which may lack anything and hold faults."""
    agents = _named(definition.get("agents"), "code", "name")
    roles = tuple((role.value, role.label) for role in _SIGNING)
    return Sources(
        options={
            **dict.fromkeys(_AGENT_FIELDS, agents),
            **dict.fromkeys(("Signatures.dose_decision", "Signatures.mtd", "Signatures.set_up"), roles),
            "LadderRung.level": _named(definition.get("levels"), "ordinal", "label"),
            "Heading.time_zone": tuple((zone, zone) for zone in sorted(time_zones()) if "/" in zone or zone == "UTC"),
            "Design.name": tuple(NAMES.items()),
        },
        parameters=parameters_of,
    )


def parameters_of(name: str) -> tuple[Parameter, ...]:
    """The parameters of a design that stand in `design.parameters`; () for a design that does not exist."""
    if name not in DESIGNS:
        return ()
    own = [field for field in fields(DESIGNS[name]) if field.name not in IN_THE_PLAN]
    return tuple(_parameter(engine.PARAMETERS[field.name], field.default) for field in own)


def _parameter(said: engine.Parameter, default: Any) -> Parameter:
    label = "Target toxicity" if said.name == "target" else said.label
    return Parameter(
        name=said.name,
        label=label,
        hint=said.meaning,
        kind=_KINDS.get(said.kind, Kind.TEXT),
        default="" if default is MISSING else _default_words(said, default),
        options=(("", "as published"), *said.choices) if said.choices else (),
    )


def _default_words(said: engine.Parameter, default: Any) -> str:
    return said.empty or "not set" if default is None else value_words(said, default)


def _named(rows: object, value: str, label: str) -> tuple[Option, ...]:
    found = rows if isinstance(rows, list) else []
    return tuple((str(row[value]), str(row.get(label) or row[value])) for row in found if _has(row, value))


def _has(row: object, name: str) -> bool:
    return isinstance(row, dict) and row.get(name) not in (None, "")
