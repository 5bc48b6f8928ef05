"""Accrual and the isotonic curve: pure geometry."""

import datetime as dt

import pytest

from dosing.accrual import BOTTOM, LEFT, RIGHT, TOP, draw_accrual
from dosing.curve import draw_curve

DAY = dt.date(2026, 1, 5)


def after(days: int) -> dt.date:
    return DAY + dt.timedelta(days=days)


def test_accrual_climbs_one_step_a_registration() -> None:
    drawn = draw_accrual([after(0), after(50), after(100)], start=DAY, today=after(100), planned=4)
    width, step = RIGHT - LEFT, (BOTTOM - TOP) / 4
    assert drawn.route == (
        f"M{LEFT} {BOTTOM:.1f}H{LEFT:.1f}V{BOTTOM - step:.1f}H{LEFT + width / 2:.1f}V{BOTTOM - 2 * step:.1f}"
        f"H{RIGHT:.1f}V{BOTTOM - 3 * step:.1f}H{RIGHT:.1f}"
    )
    assert drawn.planned_y == TOP
    assert drawn.sentence == "3 of 4 registered in 14 weeks"
    assert drawn.months == (("January 2026", 1, 1), ("February 2026", 1, 2), ("April 2026", 1, 3))


def test_accrual_beyond_the_plan_still_fits() -> None:
    drawn = draw_accrual([DAY] * 6, start=DAY, today=DAY, planned=4)
    assert drawn.planned_y > TOP
    assert drawn.route.endswith(f"V{TOP:.1f}H{LEFT:.1f}")


def test_accrual_needs_somebody() -> None:
    with pytest.raises(ValueError, match="at least one"):
        draw_accrual([], start=DAY, today=DAY, planned=4)


def level(ordinal: int, estimate: float | None, n: int = 3) -> dict[str, object]:
    interval = None if estimate is None else (estimate / 2, estimate + 0.2)
    return {"level": ordinal, "label": f"dose {ordinal}", "n": n, "y": 1, "estimate": estimate, "interval": interval}


def test_the_curve_joins_the_doses_tried_and_rings_the_mtd() -> None:
    curve = draw_curve([level(1, 0.1), level(2, 0.3), level(3, None, n=0)], target=0.3, selected=2)
    assert curve is not None
    assert [p.selected for p in curve.points] == [False, True]
    assert curve.points[1].y == curve.target_y
    assert curve.points[0].y > curve.points[1].y
    assert [seen for _, _, seen in curve.labels] == ["1 of 3", "1 of 3", "not tried"]
    assert curve.sentence.startswith("dose 1: estimate 0.10, interval 0.05 to 0.30")


def test_there_is_no_curve_before_anybody_was_treated() -> None:
    assert draw_curve([level(1, None, n=0)], target=0.3, selected=None) is None
