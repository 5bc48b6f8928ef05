"""Every design that may run a live study runs one, and its live path is the engine's; the others are refused."""

import random
from typing import Any

import pytest

from accounts.models import User
from dosing.engine import Action, DoseTally
from dosing.operations import load_protocol
from dosing.queries import design_of_protocol
from dosing.queries.replay import replay
from tests.cast import ANTI_MAG, DAY_ONE, moment
from tests.dosing.cohorts import DAY, THREE_PLUS_THREE, THREES, definition_with, live, treat
from tests.dosing.steps import decide
from trials.errors import InvalidProtocol
from trials.models import Study

pytestmark = pytest.mark.django_db

TWELVE = {"maximum_patients": 12, "cohort_size": 3, "maximum_cohort_size": 3}
TARGET = {"parameters": {"target": 0.30}}
DESIGNS: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "boin": ({"name": "boin", **TARGET}, TWELVE),
    "keyboard": ({"name": "keyboard", **TARGET}, TWELVE),
    "mtpi2": ({"name": "mtpi2", **TARGET}, TWELVE),
    "i3plus3": ({"name": "i3plus3", **TARGET}, TWELVE),
    "three_plus_three": (THREE_PLUS_THREE, THREES),
    "three_plus_three below": (
        {"name": "three_plus_three", "parameters": {"de_escalate": False, "complete_highest": False}},
        THREES,
    ),
}
SEEDS = {"three_plus_three": range(6)}
TRIALS = [(name, seed) for name in DESIGNS for seed in SEEDS.get(name, range(2))]


@pytest.fixture
def plan(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def study(rung: User, plan: str) -> Study:
    design, sizes = DESIGNS[plan]
    return live(definition_with(design, **sizes))


@pytest.mark.parametrize(("plan", "seed"), TRIALS, indirect=["plan"])
def test_the_live_path_is_the_engines(trial: Study, coordinator_a: User, plan: str, seed: int) -> None:
    """A random patient has a DLT with a chance of a third; every recommendation is accepted."""
    chance, on = random.Random(seed), DAY_ONE
    design, labels = design_of_protocol(trial.protocol), tuple(lv.label for lv in trial.levels.order_by("ordinal"))
    tally, dose, size = DoseTally.empty(len(labels)), 1, 3
    while size:
        cohort = trial.cohorts.get(closed_at=None)
        assert (cohort.level.ordinal, cohort.size) == (dose, size)
        outcomes = "".join(chance.choice("NNT") for _ in range(size))
        _, on = treat(trial, coordinator_a, on, outcomes, dlts_last=True)
        tally = tally.after_cohort(dose, size, outcomes.count("T"))
        advice, issued = design.advise(tally, dose, labels), decide(trial, on, size=3).recommendation
        if advice.action is Action.STOP:
            mtd = design.select_mtd(tally, labels)
            assert (issued.kind, issued.reason) == ("mtd", mtd.reason)
            assert (issued.level.ordinal if issued.level else None) == mtd.dose
        else:
            assert (issued.action, issued.level.ordinal, issued.reason) == (
                advice.action,
                advice.next_dose,
                advice.reason,
            )
        dose, size, on = advice.next_dose or dose, advice.next_cohort_size, on + DAY
    assert replay(trial) == []


# --- what a study file may say ---


def load(text: str, by: User) -> None:
    load_protocol(text=text, rehearsal_day=DAY_ONE, by=by, at=moment(DAY_ONE))


def with_design(design: str, sizes: str = "") -> str:
    text = ANTI_MAG.read_text().replace("name: boin\n  parameters: {target: 0.30}", design)
    given = "maximum_patients: 12\n  cohort_size: 1\n  maximum_cohort_size: 3"
    assert given in text
    return text.replace(given, sizes or given)


SIX_EACH = "maximum_patients: 18\n  cohort_size: 3\n  maximum_cohort_size: 3"
THREE = "name: three_plus_three\n  parameters: {de_escalate: true, complete_highest: true}"


@pytest.mark.parametrize(
    "text",
    [
        with_design(THREE, SIX_EACH),
        *(with_design(f"name: {name}\n  parameters: {{target: 0.25}}") for name in ("keyboard", "mtpi2", "i3plus3")),
    ],
)
def test_these_are_taken(rung: User, text: str) -> None:
    load(text, rung)
    assert Study.objects.exists()


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            with_design(THREE),
            {
                "escalation.cohort_size: 1 is not allowed; 3: three_plus_three treats cohorts of 3",
                "escalation.maximum_patients: 12 is not allowed; "
                "18: three_plus_three treats at most 6 at each of the 3 levels",
            },
        ),
        (
            with_design(THREE, SIX_EACH.replace("maximum_cohort_size: 3", "maximum_cohort_size: 6")),
            {"escalation.maximum_cohort_size: 6 is not allowed; 3: three_plus_three treats cohorts of 3"},
        ),
        (
            with_design(THREE.replace("}", ", max_patients: 18}"), SIX_EACH),
            {
                "design.parameters.max_patients: 18 is not allowed; 'max_patients' is not a parameter of "
                "three_plus_three, which has de_escalate, complete_highest, target"
            },
        ),
        (
            with_design(THREE.replace("true}", "perhaps}"), SIX_EACH),
            {"design.parameters.complete_highest: 'perhaps' is not allowed; complete_highest must be True or False"},
        ),
        (
            with_design("name: boin\n  parameters: {target: 0.30, cohort_size: 2}"),
            {"design.parameters.cohort_size: 2 is not allowed; it stands in escalation.cohort_size, and there only"},
        ),
        (
            with_design("name: keyboard\n  parameters: {}"),
            {"design.parameters.target: None is not allowed; it is required"},
        ),
        (
            with_design("name: crm\n  parameters: {target: 0.30, skeleton: [0.1, 0.2, 0.3]}"),
            {
                "design.name: 'crm' is not allowed; CRM has no table of boundaries, and the safety stop closes a dose "
                "by one; it can be compared with others in the workbench only"
            },
        ),
        (
            with_design("name: tite_boin\n  parameters: {target: 0.30}"),
            {
                "design.name: 'tite_boin' is not allowed; TITE-BOIN counts how long patients were followed so far, and "
                "a live study counts outcomes; it can be compared with others in the workbench only"
            },
        ),
    ],
)
def test_these_are_refused_with_path_value_and_what_is_allowed(rung: User, text: str, faults: set[str]) -> None:
    with pytest.raises(InvalidProtocol) as refused:
        load(text, rung)
    assert set(map(str, refused.value.faults)) == faults
    assert not Study.objects.exists()
