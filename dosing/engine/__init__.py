"""Dose-finding designs for phase I trials: advice for the next dose, the MTD, look-ahead."""

from dosing.engine.advice import Action, Advice, StopReason
from dosing.engine.boin import BoinDesign
from dosing.engine.boundaries import BoundaryRow, BoundaryTable
from dosing.engine.characteristics import OperatingCharacteristics
from dosing.engine.exact import TooManyStates, operating_characteristics
from dosing.engine.isotonic import MtdSelection
from dosing.engine.lookahead import Lookahead, Outcome, lookahead
from dosing.engine.paths import Cohort, DosePath, DosePaths, PathNode, dose_paths
from dosing.engine.registry import ENGINE_VERSION, design_from_parameters
from dosing.engine.tally import DoseTally

__all__ = [
    "ENGINE_VERSION",
    "Action",
    "Advice",
    "BoinDesign",
    "BoundaryRow",
    "BoundaryTable",
    "Cohort",
    "DosePath",
    "DosePaths",
    "DoseTally",
    "Lookahead",
    "MtdSelection",
    "OperatingCharacteristics",
    "Outcome",
    "PathNode",
    "StopReason",
    "TooManyStates",
    "design_from_parameters",
    "dose_paths",
    "lookahead",
    "operating_characteristics",
]
