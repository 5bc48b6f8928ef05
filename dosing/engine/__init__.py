"""Dose-finding designs for phase I trials: advice for the next dose, the MTD, look-ahead."""

from dosing.engine.advice import Action, Advice, StopReason
from dosing.engine.boin import BoinDesign
from dosing.engine.boundaries import BoundaryRow, BoundaryTable
from dosing.engine.isotonic import MtdSelection
from dosing.engine.lookahead import Lookahead, Outcome, lookahead
from dosing.engine.registry import ENGINE_VERSION, design_from_parameters
from dosing.engine.tally import DoseTally

__all__ = [
    "ENGINE_VERSION",
    "Action",
    "Advice",
    "BoinDesign",
    "BoundaryRow",
    "BoundaryTable",
    "DoseTally",
    "Lookahead",
    "MtdSelection",
    "Outcome",
    "StopReason",
    "design_from_parameters",
    "lookahead",
]
