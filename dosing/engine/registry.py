"""Designs by name, so that a stored recommendation can be recomputed from its name and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from dosing.engine.boin import BoinDesign
from dosing.engine.crm import CrmDesign
from dosing.engine.i3plus3 import I3Plus3Design
from dosing.engine.keyboard import KeyboardDesign
from dosing.engine.mtpi2 import Mtpi2Design
from dosing.engine.three_plus_three import ThreePlusThreeDesign
from dosing.engine.tite_boin import TiteBoinDesign
from dosing.engine.validation import refuse

ENGINE_VERSION = "1.0.0"  # raised with every change that can alter advice or a selected MTD

# Designs that decide from counts, and all designs.
CountBased = BoinDesign | KeyboardDesign | Mtpi2Design | I3Plus3Design | ThreePlusThreeDesign | CrmDesign
Design = CountBased | TiteBoinDesign

COUNT_BASED = (BoinDesign, KeyboardDesign, Mtpi2Design, I3Plus3Design, ThreePlusThreeDesign, CrmDesign)
DESIGNS: dict[str, type[Design]] = {design.name: design for design in (*COUNT_BASED, TiteBoinDesign)}


def design_from_parameters(name: str, parameters: Mapping[str, Any]) -> Design:
    """The design called `name` ("boin", ...) with these parameters, equal to the one they were taken from.

    Parameters that are left out have their published defaults. Raises ValueError for a name that is not a
    design's, a parameter that the design does not have, or a missing one that has no default.
    """
    if name not in DESIGNS:
        raise refuse("name", name, "one of " + ", ".join(DESIGNS))
    kind = DESIGNS[name]
    known = [field.name for field in fields(kind)]
    for parameter in parameters:
        if parameter not in known:
            raise ValueError(f"{parameter!r} is not a parameter of {name}, which has {', '.join(known)}")
    try:
        return kind(**parameters)
    except TypeError as error:
        raise ValueError(f"{name} cannot be made of these parameters: {error}") from error
