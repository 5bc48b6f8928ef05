"""TITE-BOIN against its published table, its formula, and the R package TITEgBOIN 0.4.0."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing.engine import (
    Action,
    BoinDesign,
    DoseTally,
    StopReason,
    Timing,
    TiteBoinDesign,
    TiteTally,
    simulate_trials,
)
from tests.dosing.engine.reference import records

RECORDS = records("tite_boin")
TABLE = [r for r in RECORDS if r["kind"] == "published-table"]
FORMULA = [r for r in RECORDS if r["kind"] == "formula"]
PACKAGE = [r for r in RECORDS if r["kind"].endswith("next_TITE_QuasiBOIN")]
SIMULATED = [r for r in RECORDS if r["kind"].endswith("get_oc_TITE_QuasiBOIN")]


def decision(design: TiteBoinDesign, n: int, y: int, pending: int) -> tuple[str, float | None, float | None]:
    """What the table of the paper prints for a cell, with the thresholds of follow-up where they decide."""
    limits = design.boin.limits(60)
    up, down = (float(t[0]) for t in design.thresholds(np.array([n]), np.array([y]), np.array([pending])))
    if y >= limits.de_escalate[n]:
        return ("deescalate&eliminate" if y >= limits.eliminate[n] else "deescalate"), None, None
    if pending > n / 2:
        return "suspend", None, None
    if pending == 0:
        return ("escalate" if y <= limits.escalate[n] else "stay"), None, None
    if up <= 0:
        return "escalate", None, None
    if down >= pending:
        return "deescalate", None, None
    if up <= pending:
        return "stft", up, None
    return ("stft", None, down) if down >= 0 else ("stay", None, None)


def test_every_cell_of_the_formula() -> None:
    assert len(FORMULA) > 1_500
    for record in FORMULA:
        design = TiteBoinDesign(target=record["target"], max_patients=60)
        found, up, down = decision(design, record["n_treated"], record["n_dlt"], record["n_pending"])
        assert found == record["decision"], record["id"]
        for ours, theirs in ((up, record["escalate_if_stft_ge"]), (down, record["deescalate_if_stft_le"])):
            assert (ours is None) == (theirs is None), record["id"]
            assert ours is None or ours == pytest.approx(theirs, abs=1e-9), record["id"]


def values(text: str, most: int) -> range:
    """The numbers that a column of the published table means: "2", ">=2", "<=1"."""
    if text.startswith(">="):
        return range(int(text[2:]), most + 1)
    return range(int(text[2:]) + 1) if text.startswith("<=") else range(int(text), int(text) + 1)


@pytest.mark.parametrize("record", TABLE, ids=lambda r: r["id"])
def test_the_published_table(record: dict[str, Any]) -> None:
    """Table 1 of Ananthakrishnan et al. 2022 (after Yuan et al. 2018), thresholds to its two decimals."""
    design, n = TiteBoinDesign(target=record["target"], max_patients=60), record["n_treated"]
    cells = [(y, c) for y in values(record["n_dlt"], n) for c in values(record["n_pending"], n - y) if y + c <= n]
    assert cells
    for y, c in cells:
        found, up, down = decision(design, n, y, c)
        assert found == record["decision"], (n, y, c)
        for ours, theirs in ((up, record["escalate_if_stft"]), (down, record["deescalate_if_stft"])):
            if theirs is not None:
                assert ours == pytest.approx(float(theirs[2:]), abs=0.0051)


def package_answer(record: dict[str, Any]) -> tuple[int, bool, bool, bool, list[int]]:
    return (
        record["next_d"],
        bool(record["pending"]),
        bool(record["earlystop"]),
        bool(record["stop"]),
        record["elimi"],
    )


def our_answer(record: dict[str, Any]) -> tuple[int, bool, bool, bool, list[int]]:
    early = record["n_earlystop"]
    design = TiteBoinDesign(
        target=record["target"],
        max_patients=100,
        elimination_cutoff=record["cutoff_eli"],
        extra_safe=record["extrasafe"],
        extra_safe_offset=record["offset"],
        early_stop_n=None if early >= 100 else early,
        max_pending=record["maxpen"],
        rule="effective_sample_size",  # type: ignore[arg-type]
    )
    follow_up = tuple(time / record["maxt"] for time in record["ft"])
    tally = TiteTally(tuple(record["n"]), tuple(record["y"]), tuple(record["npend"]), follow_up)
    advice = design.advise(tally, record["d"])
    unsafe = advice.stop_reason is not None and advice.stop_reason.no_dose_is_safe
    stays = advice.action is Action.SUSPEND or advice.stop_reason is StopReason.EARLY_STOP_N
    return (
        record["d"] if stays else advice.next_dose or 0,
        advice.action is Action.SUSPEND,
        unsafe,
        advice.stop_reason is StopReason.EARLY_STOP_N,
        [int(dose in advice.eliminated) for dose in range(1, len(record["n"]) + 1)],
    )


def reason_to_differ(record: dict[str, Any]) -> str | None:
    """Why the package answers otherwise, or None where it has no reason to."""
    place = record["d"] - 1
    n, y, pending = record["n"][place], record["y"][place], record["npend"][place]
    design = BoinDesign(target=record["target"], max_patients=100)
    if record["pending"] and y / n >= design.de_escalation_boundary:
        return "suspends first"
    if record["pending"] and record["d"] == 1 and 0 < pending <= n / 2:
        return "suspends at the lowest dose"
    if record["extrasafe"] and record["d"] > 1:
        return "extra safety at the current dose only"
    return None


def test_the_effective_sample_size_rule_answers_as_the_package() -> None:
    """360 situations. Three kinds of difference, each where the paper is followed:

    the package suspends before it looks at y/n, where the paper de-escalates as soon as y/n reaches the boundary; at
    the lowest dose it suspends where the follow-up asks to de-escalate, where the paper stays; and it tests the extra
    safety rule only while dose 1 is the current dose.
    """
    different = [r for r in PACKAGE if not r["error"] and our_answer(r) != package_answer(r)]
    assert [r["id"] for r in different if reason_to_differ(r) is None] == []
    assert len(PACKAGE) == 360
    assert len(different) <= 7


@pytest.mark.parametrize("record", SIMULATED, ids=lambda r: r["id"])
def test_simulation_agrees_with_the_packages(record: dict[str, Any]) -> None:
    """Selection within 4 standard errors of both simulations together, durations within 10 %.

    Weibull times with half of the DLTs late, exponential arrivals. With very toxic doses (tite-oc-07) the package
    treats fewer at the lowest, where it suspends and the paper stays.
    """
    call, result = record["call"], record["result"]
    shared: dict[str, Any] = {
        "target": call["target"],
        "max_patients": call["ncohort"] * call["cohortsize"],
        "cohort_size": call["cohortsize"],
    }
    design: Any = BoinDesign(**shared)
    if call["TITE"]:
        design = TiteBoinDesign(**shared, max_pending=call["maxpen"], rule="effective_sample_size")
    timing = Timing(window=call["maxt"], accrual_rate=call["accrual"], toxicity_times="weibull")  # type: ignore[arg-type]
    ours = simulate_trials(design, call["prob"], trials=5_000, seed=3, timing=timing)
    if record["id"] == "tite-oc-07":
        assert ours.patients[0, 0] > result["npatients"][0]
        return
    for p, percent in zip(ours.selection[0], result["selpercent"], strict=True):
        assert abs(p - percent / 100) <= 4 * np.sqrt(2 * p * (1 - p) / 5_000) + 1e-9
    assert ours.duration[0] == pytest.approx(result["duration"][0], rel=0.1)


@pytest.mark.parametrize("early_stop_n", [None, 6])
def test_who_is_pending_when_the_trial_stops_counts_with_the_outcome(early_stop_n: int | None) -> None:
    """The share with a DLT at a dose is its toxicity, also where trials stop early or for safety."""
    truth = [0.5, 0.6]
    design = TiteBoinDesign(target=0.3, max_patients=24, early_stop_n=early_stop_n)
    found = simulate_trials(design, truth, trials=4_000, seed=2, timing=Timing(window=28, accrual_rate=0.2))
    assert found.stop_early[0] > 0.3
    for dlts, patients, error, p in zip(
        found.dlts[0], found.patients[0], found.standard_errors.dlts[0], truth, strict=True
    ):
        assert abs(dlts - p * patients) <= 5 * error


def test_without_any_follow_up_and_any_dlt_the_dose_does_not_go_down() -> None:
    everybody = TiteTally((3, 3), (0, 0), (0, 3), (0.0, 0.0))
    for rule in ("single_imputation", "effective_sample_size"):
        design = TiteBoinDesign(target=0.3, max_patients=30, max_pending=1.0, rule=rule)  # type: ignore[arg-type]
        assert design.advise(everybody, 2).action is not Action.DE_ESCALATE


DESIGN = TiteBoinDesign(target=0.3, max_patients=30)


def situation(n: int, y: int, pending: int, follow_up: float) -> TiteTally:
    return TiteTally((3, n, 0), (0, y, 0), (0, pending, 0), (0.0, follow_up, 0.0))


@pytest.mark.parametrize(
    ("n", "y", "pending", "follow_up", "action", "words"),
    [
        (3, 0, 1, 0.1, Action.ESCALATE, "the follow-up of 1 pending, 0.10 windows, is at least 0.00"),
        (3, 0, 2, 1.9, Action.SUSPEND, "2 of 3 patients at dose 2 are pending, so suspend accrual"),
        (6, 1, 3, 0.0, Action.STAY, "settles no move yet"),
        (6, 1, 3, 2.9, Action.ESCALATE, "is at least"),
        (6, 3, 3, 0.0, Action.DE_ESCALATE, "0.50 is at least 0.359"),
        (6, 2, 3, 0.1, Action.DE_ESCALATE, "is at most"),
        (6, 2, 0, 0.0, Action.STAY, "lies between"),
    ],
)
def test_advice_with_pending_patients(
    n: int, y: int, pending: int, follow_up: float, action: Action, words: str
) -> None:
    advice = DESIGN.advise(situation(n, y, pending, follow_up), 2)
    assert advice.action is action
    assert words in advice.reason
    assert (advice.next_dose is None) is (action is Action.SUSPEND)
    assert advice.stop_reason is None


def test_at_the_maximum_the_outcomes_are_awaited() -> None:
    small = TiteBoinDesign(target=0.3, max_patients=6)
    waiting = small.advise(TiteTally((3, 3), (0, 0), (0, 1), (0.0, 0.5)), 2)
    assert waiting.action is Action.SUSPEND
    assert "1 patient pending" in waiting.reason
    assert small.advise(DoseTally((3, 3), (0, 0)), 2).stop_reason is StopReason.MAX_PATIENTS


def test_safety_does_not_wait() -> None:
    advice = DESIGN.advise(TiteTally((4, 0), (4, 0), (0, 0), (0.0, 0.0)), 1)
    assert advice.stop_reason is StopReason.LOWEST_ELIMINATED
    down = DESIGN.advise(TiteTally((3, 6), (0, 4), (0, 2), (0.0, 0.1)), 2)
    assert (down.action, down.next_dose, down.eliminated) == (Action.DE_ESCALATE, 1, (2,))


@st.composite
def situations(draw: st.DrawFn) -> tuple[TiteTally, int]:
    treated = draw(st.lists(st.integers(0, 9), min_size=2, max_size=4))
    dlts = [draw(st.integers(0, n)) for n in treated]
    pending = [draw(st.integers(0, n - y)) for n, y in zip(treated, dlts, strict=True)]
    follow_up = [draw(st.floats(0.0, 1.0)) * c for c in pending]
    tally = TiteTally(tuple(treated), tuple(dlts), tuple(pending), tuple(follow_up))
    return tally, draw(st.integers(1, len(treated)))


@st.composite
def tite_designs(draw: st.DrawFn) -> TiteBoinDesign:
    return TiteBoinDesign(
        target=draw(st.sampled_from([0.1, 0.25, 0.3, 0.5])),
        max_patients=draw(st.integers(1, 30)),
        cohort_size=draw(st.integers(1, 3)),
        extra_safe=draw(st.booleans()),
        early_stop_n=draw(st.sampled_from([None, 3, 6])),
        max_pending=draw(st.sampled_from([0.25, 0.5, 1.0])),
        rule=draw(st.sampled_from(["single_imputation", "effective_sample_size"])),
    )


@settings(max_examples=400, deadline=None)
@given(design=tite_designs(), case=situations())
def test_moves_of_many_equal_the_advice_for_each(design: TiteBoinDesign, case: tuple[TiteTally, int]) -> None:
    tally, current = case
    advice = design.advise(tally, current)
    arrays = (np.array([tally.treated]), np.array([tally.dlts]), np.array([tally.pending]))
    moves, waits = design.timed_moves(*arrays, np.array([tally.follow_up]), np.array([current]))
    assert bool(waits[0]) is (advice.action is Action.SUSPEND)
    assert moves.next_dose[0] == (advice.next_dose or 0)
    if advice.next_dose is not None:
        assert moves.size[0] == advice.next_cohort_size
        assert advice.next_dose <= current + 1
        assert advice.next_dose not in advice.eliminated


@settings(max_examples=200, deadline=None)
@given(design=tite_designs(), case=situations())
def test_with_nobody_pending_it_is_boin(design: TiteBoinDesign, case: tuple[TiteTally, int]) -> None:
    tally, current = case
    complete = DoseTally(tally.treated, tally.dlts)
    assert design.advise(complete, current) == design.boin.advise(complete, current)
    assert design.select_mtd(complete) == design.boin.select_mtd(complete)


@settings(max_examples=200, deadline=None)
@given(design=tite_designs(), case=situations(), more=st.floats(0.0, 1.0))
def test_longer_follow_up_without_dlt_never_gives_a_lower_dose(
    design: TiteBoinDesign, case: tuple[TiteTally, int], more: float
) -> None:
    tally, current = case
    longer = tuple(f + more * (c - f) for f, c in zip(tally.follow_up, tally.pending, strict=True))
    before = design.advise(tally, current)
    after = design.advise(TiteTally(tally.treated, tally.dlts, tally.pending, longer), current)
    if before.next_dose is not None and after.next_dose is not None:
        assert after.next_dose >= before.next_dose


@pytest.mark.parametrize(
    ("pending", "follow_up", "words"),
    [
        ((0, 4, 0), (0.0, 1.0, 0.0), r"pending\[1\]"),
        ((0, 1, 0), (0.0, 1.1, 0.0), r"follow_up\[1\]"),
        ((0, 1), (0.0, 1.0), "pending"),
        ((0, -1, 0), (0.0, 0.0, 0.0), r"pending\[1\]"),
    ],
)
def test_an_impossible_tally_is_refused(pending: Any, follow_up: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TiteTally((3, 4, 0), (0, 1, 0), pending, follow_up)


@pytest.mark.parametrize(("name", "value"), [("max_pending", 1.5), ("rule", "guess"), ("target", 0.7), ("p_saf", 0.29)])
def test_a_parameter_outside_its_range_is_refused(name: str, value: Any) -> None:
    good: dict[str, Any] = {"target": 0.3, "max_patients": 12}
    with pytest.raises(ValueError, match=name):
        TiteBoinDesign(**(good | {name: value}))
