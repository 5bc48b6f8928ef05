"""What holds for every design: the fast moves equal the advice, the exact walk the slow one, and safety."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing.engine import (
    DESIGNS,
    Action,
    CrmDesign,
    ThreePlusThreeDesign,
    design_from_parameters,
    lookahead,
    operating_characteristics,
)
from tests.dosing.engine import slow, strategies


@settings(max_examples=400, deadline=None)
@given(data=st.data(), doses=st.integers(2, 4))
def test_moves_of_many_equal_the_advice_for_each(data: st.DataObject, doses: int) -> None:
    design = data.draw(strategies.designs(doses))
    rows = data.draw(st.lists(strategies.tallies(doses), min_size=1, max_size=4))
    current = [data.draw(st.integers(1, doses)) for _ in rows]
    n, y = np.array([t.treated for t in rows]), np.array([t.dlts for t in rows])
    moves = design.moves(n, y, np.array(current))
    for k, (tally, dose) in enumerate(zip(rows, current, strict=True)):
        advice = design.advise(tally, dose)
        assert moves.next_dose[k] == (advice.next_dose or 0)
        if advice.next_dose is not None:
            assert moves.size[k] == advice.next_cohort_size
        assert bool(moves.unsafe[k]) is (advice.stop_reason is not None and advice.stop_reason.no_dose_is_safe)
    selected = [design.select_mtd(tally).dose or 0 for tally in rows]
    assert design.select_rows(n, y).tolist() == selected


@settings(max_examples=300, deadline=None)
@given(data=st.data(), doses=st.integers(2, 4))
def test_advice_is_on_the_ladder_open_and_not_skipping(data: st.DataObject, doses: int) -> None:
    design = data.draw(strategies.designs(doses))
    tally, current = data.draw(strategies.tallies(doses)), data.draw(st.integers(1, doses))
    advice = design.advise(tally, current)
    assert (advice.next_dose is None) is (advice.action is Action.STOP) is (advice.stop_reason is not None)
    if advice.next_dose is not None:
        assert advice.next_dose not in advice.eliminated
        assert advice.next_cohort_size >= 1
        if not (isinstance(design, CrmDesign) and not design.no_skipping):
            # Only 3+3 passes over a dose, and only one that has its six patients.
            skipped = tally.treated[current : advice.next_dose - 1]
            assert not skipped or (isinstance(design, ThreePlusThreeDesign) and min(skipped) >= design.most_at_a_dose)
    mtd = design.select_mtd(tally)
    assert mtd.dose is None or mtd.dose not in mtd.eliminated


@settings(max_examples=150, deadline=None)
@given(data=st.data(), doses=st.integers(2, 3))
def test_one_more_dlt_never_gives_a_higher_dose(data: st.DataObject, doses: int) -> None:
    design = data.draw(strategies.designs(doses))
    tally, current = data.draw(strategies.tallies(doses)), data.draw(st.integers(1, doses))
    room = [d for d in range(doses) if tally.dlts[d] < tally.treated[d]]
    if not room:
        return
    place = data.draw(st.sampled_from(room))
    worse = type(tally)(tally.treated, tuple(y + (d == place) for d, y in enumerate(tally.dlts)))
    before, after = design.advise(tally, current), design.advise(worse, current)
    if before.next_dose is not None and after.next_dose is not None:
        assert after.next_dose <= before.next_dose
    if before.stop_reason is not None and before.stop_reason.no_dose_is_safe:
        assert after.stop_reason is not None
        assert after.stop_reason.no_dose_is_safe


@settings(max_examples=80, deadline=None)
@given(data=st.data(), doses=st.integers(2, 3))
def test_exact_equals_the_enumeration_of_all_histories(data: st.DataObject, doses: int) -> None:
    design = data.draw(strategies.designs(doses, most=7))
    toxicity = data.draw(st.lists(st.floats(0.0, 1.0), min_size=doses, max_size=doses))
    ours = operating_characteristics(design, [toxicity])
    plain = slow.characteristics(design, toxicity, design.planned_patients)
    assert plain["total"] == pytest.approx(1.0, abs=1e-12)
    assert ours.selection[0] == pytest.approx(plain["selection"], abs=1e-12)
    assert ours.no_selection[0] == pytest.approx(plain["none"], abs=1e-12)
    assert ours.patients[0] == pytest.approx(plain["patients"], abs=1e-12)
    assert ours.dlts[0] == pytest.approx(plain["dlts"], abs=1e-12)
    assert ours.stop_early[0] == pytest.approx(plain["stop_early"], abs=1e-12)
    assert ours.stop_for_safety[0] == pytest.approx(plain["stop_for_safety"], abs=1e-12)
    assert ours.overdose_60[0] == pytest.approx(plain["overdose_60"], abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_design_comes_back_from_its_stored_parameters(data: st.DataObject) -> None:
    design = data.draw(strategies.designs(3))
    stored = json.loads(json.dumps(design.parameters()))
    assert design_from_parameters(design.name, stored) == design
    assert hash(design_from_parameters(design.name, stored)) == hash(design)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_look_ahead_works_for_every_design(data: st.DataObject) -> None:
    design = data.draw(strategies.designs(3))
    tally, current = data.draw(strategies.tallies(3, 3)), data.draw(st.integers(1, 3))
    pending = tuple(data.draw(st.integers(0, 2)) for _ in range(3))
    for outcome in lookahead(design, tally, current, pending).outcomes:
        assert outcome.advice == design.advise(tally.plus(pending, outcome.dlts), current)


GOOD: dict[str, dict[str, Any]] = {
    "boin": {"target": 0.3, "max_patients": 12},
    "keyboard": {"target": 0.3, "max_patients": 12},
    "mtpi2": {"target": 0.3, "max_patients": 12},
    "i3plus3": {"target": 0.3, "max_patients": 12},
    "three_plus_three": {},
    "crm": {"target": 0.3, "max_patients": 12, "skeleton": (0.1, 0.2, 0.3)},
}


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("keyboard", "margin_left", 0.3),
        ("keyboard", "margin_right", 0.0),
        ("keyboard", "target", 0.7),
        ("mtpi2", "epsilon1", 0.3),
        ("mtpi2", "epsilon2", "0.05"),
        ("i3plus3", "epsilon1", 0.0),
        ("i3plus3", "epsilon2", 0.6),
        ("three_plus_three", "de_escalate", 1),
        ("three_plus_three", "complete_highest", None),
        ("three_plus_three", "start_dose", 0),
        ("three_plus_three", "target", 0.0),
        ("crm", "skeleton", (0.1, 0.1, 0.3)),
        ("crm", "skeleton", (0.0, 0.1)),
        ("crm", "skeleton", ()),
        ("crm", "model", "probit"),
        ("crm", "scale", 0.0),
        ("crm", "intercept", 21.0),
        ("crm", "stop_cutoff", 1.0),
        ("crm", "no_skipping", 0),
        ("crm", "start_dose", 4),
        ("crm", "early_stop_n", 0),
        ("crm", "max_patients", 0),
        ("crm", "cohort_size", 1.5),
    ],
)
def test_a_parameter_outside_its_range_is_refused(name: str, parameter: str, value: object) -> None:
    assert DESIGNS[name](**GOOD[name])
    with pytest.raises(ValueError, match=parameter) as refusal:
        DESIGNS[name](**(GOOD[name] | {parameter: value}))
    assert "must be" in str(refusal.value)
