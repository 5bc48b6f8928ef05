"""The parameters of the designs in the field's words: one table; pages, addresses and appendices are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Any

from dosing.engine import DESIGNS

MAX_PATIENTS = 30  # the engine has no default: a trial's size is its own


class Kind(StrEnum):
    """What is typed into the parameter's field."""

    NUMBER = "number"
    WHOLE = "whole"
    YES_NO = "yes_no"
    CHOICE = "choice"
    PROBABILITIES = "probabilities"


@dataclass(frozen=True)
class Parameter:
    """name: in the engine. empty: what leaving the field empty means; "" where it must be filled in.

    first: shown at once; the others are folded away. choices: value and words, for a CHOICE.
    """

    name: str
    label: str
    meaning: str
    kind: Kind = Kind.NUMBER
    empty: str = ""
    first: bool = False
    choices: tuple[tuple[str, str], ...] = ()


_YES, _WHOLE = Kind.YES_NO, Kind.WHOLE
_ALL = (
    Parameter("max_patients", "Patients at most", "Evaluable patients at which escalation ends.", _WHOLE, first=True),
    Parameter("cohort_size", "Cohort size", "Patients treated between two decisions.", _WHOLE, first=True),
    Parameter("start_dose", "Starting dose", "The dose level at which the trial begins, 1 for the lowest.", _WHOLE),
    Parameter(
        "target",
        "Target of this design",
        "The probability of a DLT that the MTD should have.",
        empty="as in the comparison",
    ),
    Parameter(
        "p_saf",
        "Highest toxicity deemed too low (φ₁)",
        "Up to this true toxicity the dose should be raised.",
        empty="0.6 of the target",
    ),
    Parameter(
        "p_tox",
        "Lowest toxicity deemed too high (φ₂)",
        "From this true toxicity on the dose should be lowered.",
        empty="1.4 times the target",
    ),
    Parameter("margin_left", "Target key, below the target", "How far the target key reaches below the target."),
    Parameter("margin_right", "Target key, above the target", "How far the target key reaches above the target."),
    Parameter(
        "epsilon1", "Equivalence interval, below (ε₁)", "How far the interval to stay in reaches below the target."
    ),
    Parameter(
        "epsilon2", "Equivalence interval, above (ε₂)", "How far the interval to stay in reaches above the target."
    ),
    Parameter(
        "skeleton",
        "Skeleton",
        "The prior guess of each dose's toxicity, rising.",
        Kind.PROBABILITIES,
        empty="from the half-width",
    ),
    Parameter(
        "halfwidth",
        "Half-width of indifference",
        "Calibrates the skeleton: toxicities so near to the target are as good as it.",
        empty="a quarter of the target",
    ),
    Parameter(
        "prior_mtd", "Prior guess of the MTD", "The dose level thought to be the MTD.", _WHOLE, "the middle dose"
    ),
    Parameter(
        "model",
        "Model",
        "How toxicity rises with the dose.",
        Kind.CHOICE,
        choices=(("empiric", "empiric (power)"), ("logistic", "logistic, one parameter")),
    ),
    Parameter("intercept", "Intercept", "Fixed intercept of the logistic model; the empiric model has none."),
    Parameter("scale", "Prior standard deviation", "Of the model's parameter, which has a normal prior with mean 0."),
    Parameter("no_skipping", "No dose is skipped", "Never more than one dose level up at a time.", _YES),
    Parameter(
        "stop_cutoff",
        "Stop for safety above",
        "The trial stops when the probability that the lowest dose is above the target exceeds this.",
        empty="never",
    ),
    Parameter("mtd_tried_only", "MTD among tried doses", "The MTD is a dose at which somebody was treated.", _YES),
    Parameter(
        "elimination_cutoff",
        "Elimination cut-off",
        "A dose and all above it are closed when the probability that it is above the target exceeds this.",
    ),
    Parameter("extra_safe", "Stricter at the lowest dose", "Stop earlier when the lowest dose looks too toxic.", _YES),
    Parameter("extra_safe_offset", "Offset of the stricter stop", "The stricter stop's cut-off is lower by so much."),
    Parameter(
        "early_stop_n",
        "Enough patients at a dose",
        "Stop when the current dose has so many patients and the advice is to remain there (keyboard: whatever it is).",
        _WHOLE,
        empty="no early stop",
    ),
    Parameter("titration", "Accelerated titration", "Single patients until the first DLT, then cohorts.", _YES),
    Parameter("bound_mtd", "Bounded MTD", "The MTD's estimate must not be above the de-escalation boundary.", _YES),
    Parameter(
        "de_escalate",
        "Complete the dose below",
        "After two DLTs treat the next lower dose to six patients; the MTD has at most 1 DLT of 6.",
        _YES,
        first=True,
    ),
    Parameter(
        "complete_highest",
        "Complete the highest dose",
        "The highest dose, too, needs six patients before it is the MTD.",
        _YES,
        first=True,
    ),
    Parameter(
        "max_pending",
        "Most pending patients",
        "Accrual is suspended while a larger share of the patients at the dose is pending.",
    ),
    Parameter(
        "rule",
        "Follow-up counts by",
        "How pending patients count.",
        Kind.CHOICE,
        choices=(
            ("single_imputation", "single imputation (2018)"),
            ("effective_sample_size", "effective sample size (2020)"),
        ),
    ),
)
PARAMETERS: Mapping[str, Parameter] = {parameter.name: parameter for parameter in _ALL}
CALIBRATION = ("halfwidth", "prior_mtd")  # make a CRM's skeleton; the design itself keeps the skeleton alone


def parameters_of(kind: str) -> tuple[Parameter, ...]:
    """The parameters of the design called `kind` ("boin", ...), those that matter most first."""
    names = {field.name for field in fields(DESIGNS[kind])}
    if "skeleton" in names:
        names |= set(CALIBRATION)
    return tuple(parameter for parameter in _ALL if parameter.name in names)


def default_of(kind: str, name: str) -> Any:
    """The published default; None where it follows from something else or there is none."""
    if name == "max_patients":
        return MAX_PATIENTS
    defaults = {field.name: field.default for field in fields(DESIGNS[kind])}
    value = defaults.get(name)
    if name == "target" or value is MISSING:
        return None
    return value


def text_of(value: Any) -> str:
    """A parameter's value as it is typed: "0.3", "yes", "" for None, "0.1, 0.2, 0.3"; read back it is equal."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str) else repr(value)
