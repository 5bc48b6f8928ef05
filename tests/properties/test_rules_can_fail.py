"""The rules that are held at each step notice when they are broken: rows are changed behind the product's back."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable

import pytest

from tests.cast import ANTI_MAG, DAY_ONE
from tests.dosing.steps import decide, evaluated
from tests.properties import changes, rules
from tests.properties.tables import Row, Tables
from tests.properties.trial import Cast, Trial

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def trial(db: None) -> Trial:
    """A-001 without a DLT at 10 mg, a decision to go to 15 mg, A-002 there with a DLT."""
    cast = Cast.of(ANTI_MAG)
    by = next(p.user for p in cast.people if p.role == "coordinator")
    _, on = evaluated(cast.study, by, DAY_ONE)
    decide(cast.study, on)
    _, on = evaluated(cast.study, by, on + DAY, dlt=True)
    return Trial(cast, dt.datetime.combine(on, dt.time(15), tzinfo=dt.UTC))


def second(t: Tables) -> Row:
    return t.patients[1]


def counted_elsewhere(t: Tables) -> None:
    second(t).assigned_level_id = t.levels[0].id


def two_in_a_slot(t: Tables) -> None:
    second(t).slot_id = t.patients[0].slot_id


def one_place_more(t: Tables) -> None:
    t.cohorts[1].size = 2


def open_above_a_closed_level(t: Tables) -> None:
    t.levels[0].closed_at = t.at


def too_late(t: Tables) -> None:
    t.cycles[1].started_on = t.cycles[1].due_on + 29 * DAY


def too_early(t: Tables) -> None:
    t.cycles[1].due_on -= DAY


def goes_on_after_the_end(t: Tables) -> None:
    t.ends.append(Row(patient_id=second(t).id, retreated_on=None, on=t.cycles[1].started_on - DAY))
    second(t).status = "event_monitoring"


def two_rungs_down(t: Tables) -> None:
    step = {"cause": "other", "explanation": "tired", "event_id": None, "effective_on": DAY_ONE}
    t.reductions.append(Row(patient_id=second(t).id, number=1, from_rung=1, to_rung=3, **step))


def a_dlt_that_nobody_counts(t: Tables) -> None:
    t.judgements.clear()


BROKEN_STATES = [
    counted_elsewhere,
    two_in_a_slot,
    one_place_more,
    open_above_a_closed_level,
    too_late,
    too_early,
    goes_on_after_the_end,
    two_rungs_down,
    a_dlt_that_nobody_counts,
]


def test_a_broken_state_is_noticed(trial: Trial) -> None:
    rules.hold(trial.now)
    for tamper in BROKEN_STATES:
        broken = copy.deepcopy(trial.now)
        tamper(broken)
        assert _is_noticed(rules.hold, broken), tamper.__name__


def registered_while_suspended(before: Tables, after: Tables) -> None:
    before.study.accrual_suspended_at = before.at
    before.patients.pop()


def registered_while_a_decision_waits(before: Tables, after: Tables) -> None:
    before.patients.pop()
    before.cycles.pop()
    before.events.clear()
    before.decisions[0].status = "proposed"


def registered_at_a_closed_level(before: Tables, after: Tables) -> None:
    before.levels[1].closed_at = before.at
    before.patients.pop()


def moved_to_another_level(before: Tables, after: Tables) -> None:
    second(before).assigned_level_id = before.levels[0].id


def signed_by_one(before: Tables, after: Tables) -> None:
    before.decisions[0].status = "proposed"
    before.patients.pop()
    after.signatures.pop()


def signed_on_other_data(before: Tables, after: Tables) -> None:
    before.decisions[0].status = "proposed"
    before.windows[0].taken = 0


def opened_by_nobody(before: Tables, after: Tables) -> None:
    before.cohorts.pop()
    after.decisions[0].opened_cohort_id = None


def advice_of_another_tally(before: Tables, after: Tables) -> None:
    before.recommendations.clear()


def opened_again(before: Tables, after: Tables) -> None:
    before.levels[2].closed_at = before.at


def closed_for_nothing(before: Tables, after: Tables) -> None:
    after.levels[2].closed_at = after.at


BROKEN_STEPS = [
    registered_while_suspended,
    registered_while_a_decision_waits,
    registered_at_a_closed_level,
    moved_to_another_level,
    signed_by_one,
    signed_on_other_data,
    opened_by_nobody,
    advice_of_another_tally,
    opened_again,
    closed_for_nothing,
]


def test_a_broken_step_is_noticed(trial: Trial) -> None:
    changes.hold(trial.now, trial.now)
    for tamper in BROKEN_STEPS:
        before, after = copy.deepcopy(trial.now), copy.deepcopy(trial.now)
        tamper(before, after)
        assert _is_noticed(changes.hold, before, after), tamper.__name__


def _is_noticed(look: Callable[..., object], *rows: Tables) -> bool:
    try:
        look(*rows)
    except AssertionError:
        return True
    return False
