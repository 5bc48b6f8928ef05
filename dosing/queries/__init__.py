"""Reads about doses: the tally, where a study stands, what changed since somebody signed."""

from dosing.queries.changes import (
    Change,
    Reconsider,
    changes_since_signing,
    decision_is_stale,
    decisions_to_reconsider,
    inputs_changed_since_signing,
)
from dosing.queries.inputs import boundary_rows, design_of_protocol, inputs_now
from dosing.queries.stage import Situation, Stage, Wait, where_we_stand
from dosing.queries.tally import TrialTally, tally_now

__all__ = [
    "Change",
    "Reconsider",
    "Situation",
    "Stage",
    "TrialTally",
    "Wait",
    "boundary_rows",
    "changes_since_signing",
    "decision_is_stale",
    "decisions_to_reconsider",
    "design_of_protocol",
    "inputs_changed_since_signing",
    "inputs_now",
    "tally_now",
    "where_we_stand",
]
