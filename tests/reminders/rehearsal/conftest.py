import copy
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from dosing.queries import Situation
from reminders.models import Rehearsal
from reminders.operations.rehearsal import play_day, player_of, try_it
from reminders.rehearsal.days import has_ended
from reminders.rehearsal.fate import Scenario
from tests.cast import definition_in, person
from trials.models import Study
from trials.operations import start_study

TODAY = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
PROTOCOLS = Path(__file__).parents[3] / "trials" / "protocols"
ANTI_MAG, CETUXIMAB = "anti-mag-lenalidomide", "lenalidomide-cetuximab"
# What is done beside treatment; without it a trial is played fast.
BESIDE = ("samples", "outcome_measures", "activities", "visits")


def definition_of(name: str, **changes: Any) -> dict[str, Any]:
    """A study file's content with some of its parts replaced, or (None) taken out."""
    definition = {**definition_in(PROTOCOLS / f"{name}.yaml"), **changes}
    return {part: copy.deepcopy(content) for part, content in definition.items() if content is not None}


def small(name: str, patients: int = 6, **changes: Any) -> dict[str, Any]:
    """The study with few patients, nothing beside treatment, and without its expansion."""
    definition = definition_of(name)
    without = dict.fromkeys(part for part in (*BESIDE, "expansion") if part in definition)
    return definition_of(name, **{**without, "escalation": fewer(definition, patients), **changes})


def fewer(definition: dict[str, Any], patients: int) -> dict[str, Any]:
    """The escalation with so many patients; of 3+3, whose own rule says how many, as it is."""
    escalation: dict[str, Any] = definition["escalation"]
    if definition["design"]["name"] == "three_plus_three":
        return escalation
    return {**escalation, "maximum_patients": patients}


def draft(definition: dict[str, Any], by: User) -> Study:
    return start_study(definition=definition, by=by, at=TODAY)


def tried(
    study: Study, by: User, toxicity: tuple[float, ...], seed: int = 1, at: dt.datetime = TODAY, **more: float
) -> Rehearsal:
    """A rehearsal with many patients a week, so that it is over soon."""
    scenario = Scenario(**{"toxicity": toxicity, "patients_per_week": 20.0, **more})
    return try_it(source=study, scenario=scenario, seed=seed, by=by, at=at)


def played(rehearsal: Rehearsal, by: User, most: int = 1500) -> Situation:
    """To the end, or for so many days."""
    player = player_of(rehearsal)
    for _ in range(most):
        situation = play_day(rehearsal=rehearsal, by=by, at=TODAY, player=player)
        if has_ended(situation):
            break
    return situation


@pytest.fixture
def planner(db: None) -> User:
    """Somebody who sets studies up."""
    return person("planner", "Pia Planner")
