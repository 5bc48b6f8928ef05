"""How operating characteristics were computed, and what their names mean: the last part of a statistical section."""

from __future__ import annotations

from dosing.engine import Timing
from dosing.engine.simulate import SimulatedCharacteristics
from dosing.engine.timing import Arrivals, ToxicityTimes
from dosing.workbench.question import Question
from dosing.workbench.results import Answer

DEFINITIONS = (
    "A trial is taken to enrol evaluable patients whose DLTs occur independently with the true probability of their "
    "dose level. The true MTD of a scenario is the level whose probability of a DLT is nearest to the target; of two "
    "equally near the lower counts, and of levels with equal probabilities each is right. Where even the lowest level "
    "is above 1.4 times the target, no level is the MTD, and selecting none is correct.",
    "Correct selection: the probability that the true MTD is selected. Stopped early: before the planned number of "
    "patients (for 3+3: because the lowest level is too toxic); stopped for safety: because the lowest "
    "level is too toxic, after the last planned patient included. "
    "Overdosed (underdosed): the probability that more than the given share of the patients is treated above (below) "
    "the true MTD, of the maximum sample size where the design has one, else of the patients treated. "
    "The shares of 3+3, which has none, are therefore not of the same patients as those of the other designs.",
)


def how_computed(answer: Answer, question: Question) -> str:
    """The paragraph for one design: exactly, or simulated with how many trials, which seed and what error."""
    found = answer.characteristics
    if found is None:
        return answer.problem
    if isinstance(found, SimulatedCharacteristics):
        return _simulated(found, question.timing if question.needs_time else None)
    return (
        "The operating characteristics were computed exactly, without simulation. Every course that the trial can "
        "take is followed cohort by cohort, courses that lead to the same numbers of patients and DLTs are merged, and "
        "the probabilities of the final states under a scenario are added up. The numbers therefore carry no "
        "simulation error."
    )


def _simulated(found: SimulatedCharacteristics, timing: Timing | None) -> str:
    largest = 100 * float(found.standard_errors.selection[0].max())
    text = (
        f"The operating characteristics were estimated from {found.trials:,} simulated trials per scenario "
        f"(random seed {found.seed}). The largest standard error of a selection probability under the true toxicity "
        f"as given is {largest:.1f} percentage points."
    )
    return f"{text} {_timing(timing)}" if timing else text


def _timing(timing: Timing) -> str:
    gaps = "exponentially distributed" if timing.arrivals is Arrivals.EXPONENTIAL else "uniformly distributed"
    times = "uniformly over the window"
    if timing.toxicity_times is ToxicityTimes.WEIBULL:
        times = f"with Weibull times, {timing.late * 100:g} % of them in the second half of the window"
    return (
        f"Patients arrive at a mean rate of {timing.accrual_rate:g} per day, with {gaps} times between arrivals; the "
        f"DLT window lasts {timing.window:g} days, and DLTs occur {times}."
    )
