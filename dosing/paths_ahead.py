"""The dose paths of a running trial: what follows each outcome of the next cohorts, from a recommendation's inputs.

Worked out from the stored inputs and nothing else, and only by the engine that made the recommendation: so the picture
shows what was known when people signed. No database here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dosing.conclusion import Conclusion, Inputs, design_of, tally_of, within_open_doses
from dosing.engine import Action, Advice, DoseTally, Outcome, StopReason, dose_paths
from dosing.workbench.path_tree import Tree, draw_tree

COHORTS = 2


@dataclass(frozen=True)
class WithinOpenDoses:
    """The design of a trial, never at a dose that the safety stop has closed."""

    inputs: Inputs
    design: Any

    def most_patients(self, doses: int) -> int:
        return int(self.design.most_patients(doses))

    def advise(self, tally: DoseTally, current_dose: int, labels: tuple[str, ...] | None = None) -> Advice:
        """The design's advice, or what is left of it where its dose is closed."""
        advice: Advice = self.design.advise(tally, current_dose, labels)
        here = {**self.inputs, "current_dose": current_dose}
        reached = within_open_doses(here, Outcome((), tally, advice))
        return advice if reached.dose == advice.next_dose else self._instead(advice, tally, reached)

    def _instead(self, advice: Advice, tally: DoseTally, reached: Conclusion) -> Advice:
        if reached.dose is None:
            unsafe = self.inputs.get("closed_from") == 1
            why = StopReason.LOWEST_ELIMINATED if unsafe else StopReason.COMPLETE
            return Advice(Action.STOP, None, advice.eliminated, reached.reason, why)
        size = self.design.cohort_at(tally, reached.dose)
        return replace(
            advice, action=reached.action, next_dose=reached.dose, reason=reached.reason, next_cohort_size=size
        )


def tree_ahead(inputs: Inputs) -> Tree | None:
    """The next two cohorts, if what is recommended is accepted.

    None where patients are pending (their outcomes come first), where no cohort follows, and outside the escalation.
    """
    if inputs["kind"] != "dose" or any(inputs["pending"]):
        return None
    design, labels = WithinOpenDoses(inputs, design_of(inputs)), tuple(inputs["doses"])
    paths = dose_paths(design, tally_of(inputs), inputs["current_dose"], COHORTS, labels=labels)
    return draw_tree(paths, labels) if paths.root.children else None
