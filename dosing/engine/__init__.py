"""Dose-finding designs for phase I trials: advice, the MTD, look-ahead, operating characteristics, dose paths."""

from dosing.engine.advice import Action, Advice, StopReason
from dosing.engine.boin import BoinDesign
from dosing.engine.boundaries import BoundaryRow, BoundaryTable
from dosing.engine.characteristics import OperatingCharacteristics
from dosing.engine.crm import CrmDesign
from dosing.engine.crm_model import CrmModel, calibrated_skeleton
from dosing.engine.exact import TooManyStates, operating_characteristics
from dosing.engine.i3plus3 import I3Plus3Design
from dosing.engine.isotonic import MtdSelection
from dosing.engine.keyboard import KeyboardDesign
from dosing.engine.lookahead import Lookahead, Outcome, lookahead
from dosing.engine.mtpi2 import Mtpi2Design
from dosing.engine.paths import Cohort, DosePath, DosePaths, PathNode, dose_paths
from dosing.engine.registry import DESIGNS, ENGINE_VERSION, CountBased, Design, design_from_parameters
from dosing.engine.simulate import (
    SimulatedCharacteristics,
    SimulationSums,
    simulate_block,
    simulate_trials,
    simulated_characteristics,
    simulation_blocks,
)
from dosing.engine.tally import DoseTally
from dosing.engine.three_plus_three import ThreePlusThreeDesign
from dosing.engine.timing import Arrivals, Timing, ToxicityTimes
from dosing.engine.tite_boin import TiteBoinDesign, TiteRule, TiteTally

__all__ = [
    "DESIGNS",
    "ENGINE_VERSION",
    "Action",
    "Advice",
    "Arrivals",
    "BoinDesign",
    "BoundaryRow",
    "BoundaryTable",
    "Cohort",
    "CountBased",
    "CrmDesign",
    "CrmModel",
    "Design",
    "DosePath",
    "DosePaths",
    "DoseTally",
    "I3Plus3Design",
    "KeyboardDesign",
    "Lookahead",
    "MtdSelection",
    "Mtpi2Design",
    "OperatingCharacteristics",
    "Outcome",
    "PathNode",
    "SimulatedCharacteristics",
    "SimulationSums",
    "StopReason",
    "ThreePlusThreeDesign",
    "Timing",
    "TiteBoinDesign",
    "TiteRule",
    "TiteTally",
    "TooManyStates",
    "ToxicityTimes",
    "calibrated_skeleton",
    "design_from_parameters",
    "dose_paths",
    "lookahead",
    "operating_characteristics",
    "simulate_block",
    "simulate_trials",
    "simulated_characteristics",
    "simulation_blocks",
]
