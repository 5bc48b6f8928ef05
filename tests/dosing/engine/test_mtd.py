"""Selecting the MTD: edges, ties, and the fast selection of many tallies against the plain one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing.engine import BoinDesign, DoseTally, I3Plus3Design, Mtpi2Design
from dosing.engine.isotonic import pava


def design(**others: object) -> BoinDesign:
    return BoinDesign(**({"target": 0.30, "max_patients": 30} | others))  # type: ignore[arg-type]


def test_the_dose_nearest_to_the_target_is_selected_and_said_so() -> None:
    mtd = design().select_mtd(DoseTally((3, 6, 3), (0, 2, 2)), ("10 mg", "15 mg", "25 mg"))
    assert mtd.dose == 2
    assert mtd.reason == (
        "15 mg is the MTD: of the open doses its estimated toxicity is nearest to the target of 0.30 (2 of 6 had a DLT)"
    )
    assert mtd.estimates[1] == pytest.approx(2.05 / 6.1)


def test_untried_levels_have_no_estimate_and_are_not_selected() -> None:
    mtd = design().select_mtd(DoseTally((0, 3, 0), (0, 0, 0)))
    assert mtd.dose == 2
    assert (mtd.estimates[0], mtd.intervals[2], mtd.prob_above_target[0]) == (None, None, None)


@pytest.mark.parametrize(
    ("treated", "dlts", "words"),
    [
        ((3, 0), (3, 0), "too toxic"),
        ((0, 0), (0, 0), "nobody has been evaluated"),
        ((0, 3), (0, 3), "nobody has been evaluated"),
    ],
)
def test_no_dose_is_selected(treated: tuple[int, ...], dlts: tuple[int, ...], words: str) -> None:
    mtd = design().select_mtd(DoseTally(treated, dlts))
    assert mtd.dose is None
    assert words in mtd.reason


def test_bounding_the_mtd_excludes_estimates_above_the_de_escalation_boundary() -> None:
    tally = DoseTally((6, 6), (0, 3))
    assert design().select_mtd(tally).dose == 2
    assert design(bound_mtd=True).select_mtd(tally).dose == 1
    nothing = design(bound_mtd=True).select_mtd(DoseTally((6, 0), (3, 0)))
    assert nothing.dose is None
    assert "too far above the target" in nothing.reason


def test_of_equal_estimates_the_higher_dose_below_the_target_and_the_lower_above() -> None:
    assert design().select_mtd(DoseTally((6, 6, 6), (1, 1, 1))).dose == 3
    assert design().select_mtd(DoseTally((6, 6, 6), (2, 2, 2))).dose == 1


def test_no_dlt_selects_the_highest_and_all_dlt_none() -> None:
    assert design().select_mtd(DoseTally((3, 3, 3), (0, 0, 0))).dose == 3
    assert design().select_mtd(DoseTally((3, 3, 3), (3, 3, 3))).dose is None


def test_pooling_adjacent_violators_by_hand() -> None:
    assert pava([0.1, 0.4, 0.2], [1, 1, 1]) == pytest.approx([0.1, 0.3, 0.3])
    assert pava([0.5, 0.1], [3, 1]) == pytest.approx([0.4, 0.4])
    assert pava([], []) == []


@st.composite
def tallies(draw: st.DrawFn) -> DoseTally:
    treated = draw(st.lists(st.integers(0, 12), min_size=1, max_size=6))
    return DoseTally(tuple(treated), tuple(draw(st.integers(0, n)) for n in treated))


@settings(max_examples=300, deadline=None)
@given(
    tally=tallies(),
    target=st.sampled_from([0.1, 0.2, 0.25, 0.3, 1 / 3, 0.5]),
    bound=st.booleans(),
    safe=st.booleans(),
)
def test_selecting_many_at_once_equals_selecting_one(tally: DoseTally, target: float, bound: bool, safe: bool) -> None:
    chosen = design(target=target, bound_mtd=bound, extra_safe=safe)
    many = chosen.select_rows(np.array([tally.treated]), np.array([tally.dlts]))
    assert many.tolist() == [chosen.select_mtd(tally).dose or 0]


@settings(max_examples=200, deadline=None)
@given(tally=tallies())
def test_estimates_never_fall_and_the_mtd_is_open_and_treated(tally: DoseTally) -> None:
    mtd = design().select_mtd(tally)
    known = [p for p in mtd.estimates if p is not None]
    assert known == sorted(known)
    assert [p is None for p in mtd.estimates] == [n == 0 for n in tally.treated]
    for interval, n in zip(mtd.intervals, tally.treated, strict=True):
        assert (interval is None) == (n == 0)
        assert interval is None or 0.0 <= interval[0] <= interval[1] <= 1.0
    if mtd.dose is not None:
        assert mtd.dose not in mtd.eliminated
        assert tally.treated[mtd.dose - 1] > 0


@pytest.mark.parametrize("kind", [Mtpi2Design, I3Plus3Design])
def test_the_intervals_of_mtpi2_and_i3plus3_say_how_little_three_patients_tell(kind: Any) -> None:
    """Beta(1 + y, 1 + n - y): after 0 of 3 up to 1 - 0.025 ** (1/4), after 3 of 3 from 0.025 ** (1/4) on."""
    shown = kind(target=0.30, max_patients=12).select_mtd(DoseTally((3, 3, 0), (0, 3, 0)))
    assert shown.intervals[0] == pytest.approx((0.0, 1 - 0.025**0.25), abs=1e-12)
    assert shown.intervals[1] == pytest.approx((0.025**0.25, 1.0), abs=1e-12)
    assert shown.intervals[2] is None
    assert shown.prob_above_target[:2] == pytest.approx((0.7**4, 1 - 0.3**4), abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(tally=tallies(), kind=st.sampled_from([Mtpi2Design, I3Plus3Design]))
def test_an_interval_holds_its_estimate(tally: DoseTally, kind: Any) -> None:
    shown = kind(target=0.30, max_patients=12).select_mtd(tally)
    for estimate, interval in zip(shown.estimates, shown.intervals, strict=True):
        if estimate is not None and interval is not None:
            assert interval[0] - 1e-12 <= estimate <= interval[1] + 1e-12
