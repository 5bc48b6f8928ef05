"""What the workbench is asked: designs side by side on one ladder, under one true toxicity. No database, no request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dosing.engine import Design, Timing, TiteBoinDesign, design_from_parameters
from dosing.engine.validation import probabilities, real_number, refuse, whole_number
from trials.definition import CONTROL

MOST_DESIGNS = 4
MOST_DOSES = 10
DEFAULT_TIMING = Timing(window=28, accrual_rate=0.1)
# The plotting library ends the whole process over most of these; a dose's name is one line without any of them.
NOT_DRAWABLE = re.compile(f"{CONTROL.pattern}|[\t\n\r\x80-\x9f]")


@dataclass(frozen=True)
class Question:
    """Designs to compare. Raises ValueError naming the field, the value and what is allowed.

    labels: names of the doses, lowest first. toxicity: each dose's true probability of a DLT. target: what the true
    MTD is reckoned from, the same for all designs, whatever each design's own target is. timing: how patients and
    toxicities come, for the designs that depend on time.
    """

    labels: tuple[str, ...]
    toxicity: tuple[float, ...]
    target: float
    designs: tuple[Design, ...]
    timing: Timing = field(default=DEFAULT_TIMING)

    def __post_init__(self) -> None:
        if not 1 <= len(self.labels) <= MOST_DOSES:
            raise refuse("doses", len(self.labels), f"1 to {MOST_DOSES} doses")
        if any(not label.strip() for label in self.labels) or len(set(self.labels)) < len(self.labels):
            raise refuse("labels", self.labels, "a name for each dose, no two the same")
        if any(NOT_DRAWABLE.search(label) for label in self.labels):
            raise refuse("labels", self.labels, "names without control characters")
        if len(probabilities("toxicity", self.toxicity)) != len(self.labels):
            raise refuse("toxicity", self.toxicity, f"{len(self.labels)} probabilities, one per dose")
        real_number("target", self.target, 0.05, 0.6)
        whole_number("designs", len(self.designs), 1, MOST_DESIGNS)
        for design in self.designs:
            design.check_ladder(len(self.labels))

    @property
    def doses(self) -> int:
        return len(self.labels)

    @property
    def needs_time(self) -> bool:
        """Whether one of the designs depends on when patients and toxicities come."""
        return any(isinstance(design, TiteBoinDesign) for design in self.designs)

    def to_dict(self) -> dict[str, Any]:
        """In full, JSON-able; `from_dict` gives an equal question back."""
        return {
            "labels": list(self.labels),
            "toxicity": list(self.toxicity),
            "target": self.target,
            "designs": [{"name": design.name, "parameters": design.parameters()} for design in self.designs],
            "timing": asdict(self.timing),
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Question:
        """The question that `to_dict` wrote. Raises ValueError for one that cannot be asked."""
        return cls(
            labels=tuple(given["labels"]),
            toxicity=tuple(given["toxicity"]),
            target=given["target"],
            designs=tuple(design_from_parameters(d["name"], d["parameters"]) for d in given["designs"]),
            timing=Timing(**given["timing"]),
        )
