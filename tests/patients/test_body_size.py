"""From height and weight to a dose, against examples worked by hand. Nothing here reads the database."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from patients.body_size import (
    body_surface,
    capped,
    changed_too_much,
    dubois,
    measurement_in_use,
    mosteller,
    out_of_date,
    rounded,
)
from trials.protocol_doses import Calculation, Rounding

D = Decimal


@dataclass(frozen=True)
class Seen:
    measured_on: dt.date
    height_cm: Decimal
    weight_kg: Decimal


def seen(day: int, weight: str, height: str = "178") -> Seen:
    return Seen(dt.date(2026, 3, day), D(height), D(weight))


def plan(**more: Any) -> Calculation:
    rules = {"bsa_formula": "mosteller", "weight_change_percent": 10, "rounding": [{"agent": "x", "to": 5}]}
    return Calculation(**{**rules, **more})


# Mosteller, 178 cm and 70.2 kg: 178 × 70.2 = 12 495.6; / 3600 = 3.4710; √3.4710 = 1.86306 (1.863² = 3.470769)
# Mosteller, 165 cm and 58 kg:   165 × 58 = 9570; / 3600 = 2.658333; √ = 1.63044 (1.6304² = 2.65820)
# Mosteller, 180 cm and 80 kg:   14 400 / 3600 = 4; √4 = 2 exactly
@pytest.mark.parametrize(
    ("height", "weight", "square_metres"), [("178", "70.2", "1.8631"), ("165", "58", "1.6304"), ("180", "80", "2")]
)
def test_mosteller_by_hand(height: str, weight: str, square_metres: str) -> None:
    assert abs(mosteller(D(height), D(weight)) - D(square_metres)) <= D("0.00005")


# Du Bois, 178 cm and 70.2 kg: 70.2^0.425 = e^(0.425 × 4.251348) = e^1.806823 = 6.09107;
#   178^0.725 = e^(0.725 × 5.181784) = e^3.756793 = 42.8109; 0.007184 × 6.09107 × 42.8109 = 1.87333
# Du Bois, 165 cm and 58 kg:   58^0.425 = e^(0.425 × 4.060443) = e^1.725688 = 5.61638;
#   165^0.725 = e^(0.725 × 5.105945) = e^3.701810 = 40.5206; 0.007184 × 5.61638 × 40.5206 = 1.63493
@pytest.mark.parametrize(("height", "weight", "square_metres"), [("178", "70.2", "1.87333"), ("165", "58", "1.63493")])
def test_du_bois_by_hand(height: str, weight: str, square_metres: str) -> None:
    assert abs(dubois(D(height), D(weight)) - D(square_metres)) < D("0.00001")


def test_the_study_file_names_the_formula_and_the_decimals() -> None:
    assert body_surface(plan(), D(178), D("70.2")) == D("1.86")
    assert body_surface(plan(bsa_formula="dubois"), D(178), D("70.2")) == D("1.87")
    assert body_surface(plan(bsa_decimals=3), D(178), D("70.2")) == D("1.863")
    with pytest.raises(ValueError, match="bsa_formula"):
        body_surface(plan(bsa_formula=None), D(178), D("70.2"))


def test_half_of_the_last_decimal_goes_up() -> None:
    # 2.025² = 4.100625; × 3600 = 14 762.25 = 150 × 98.415: exactly half way between 2.02 and 2.03
    assert body_surface(plan(), D(150), D("98.415")) == D("2.03")


def test_a_cap_holds_the_body_surface_down_and_never_up() -> None:
    assert capped(plan(bsa_cap_m2=2), D("2.13")) == 2
    assert capped(plan(bsa_cap_m2=2), D("1.86")) == D("1.86")
    assert capped(plan(), D("2.63")) == D("2.63")


@pytest.mark.parametrize(
    ("amount", "to", "direction", "expected"),
    [
        ("465", "5", "nearest", "465"),
        ("467.4999", "5", "nearest", "465"),
        ("467.5", "5", "nearest", "470"),  # a half goes up, from an odd and from an even step alike
        ("462.5", "5", "nearest", "465"),
        ("469.99", "5", "down", "465"),
        ("470", "5", "down", "470"),
        ("0.15", "0.1", "nearest", "0.2"),  # in binary 0.15 / 0.1 is 1.4999…
        ("0.3", "0.1", "down", "0.3"),  # in binary 0.3 / 0.1 is 2.9999…
        ("2", "5", "down", "0"),
    ],
)
def test_amounts_are_rounded_to_whole_steps(amount: str, to: str, direction: Any, expected: str) -> None:
    assert rounded(D(amount), Rounding(agent="x", to=D(to), direction=direction)) == D(expected)


# 10 % of 70.2 kg is 7.02 kg: 77.22 and 63.18 are just not more, the next tenth is
@pytest.mark.parametrize(
    ("now", "changed"),
    [("77.22", False), ("77.2", False), ("77.3", True), ("63.18", False), ("63.2", False), ("63.1", True)],
)
def test_a_weight_has_changed_when_it_differs_by_more_than_the_percentage(now: str, changed: bool) -> None:
    assert changed_too_much(plan(), D("70.2"), D(now)) is changed


def test_with_no_percentage_every_other_weight_counts() -> None:
    every = plan(weight_change_percent=0)
    assert changed_too_much(every, D(70), D("70.1"))
    assert not changed_too_much(every, D(70), D(70))


def test_the_first_dose_is_computed_with_the_newest_measurement() -> None:
    rows = [seen(3, "70.2"), seen(1, "69.0")]
    assert measurement_in_use(rows, plan(), None, dt.date(2026, 3, 10)) == rows[0]
    assert measurement_in_use(rows, plan(), None, dt.date(2026, 3, 2)) == rows[1]
    assert measurement_in_use(rows, plan(), None, dt.date(2026, 2, 28)) is None


def test_after_that_the_weight_in_use_stays_until_it_has_changed_too_much() -> None:
    rows = [seen(3, "70.2"), seen(10, "77.2"), seen(17, "77.3"), seen(24, "70.4")]
    in_use = [measurement_in_use(rows, plan(), rows[0], dt.date(2026, 3, day)) for day in (9, 16, 23, 30)]
    assert in_use == [rows[0], rows[0], rows[2], rows[0]]  # 77.3 is more than 10 % away; 70.4 no more
    assert measurement_in_use(rows, plan(), rows[2], dt.date(2026, 3, 30)) == rows[2]  # once dosed by it: 8.9 %


def test_slow_changes_are_measured_from_the_weight_in_use_not_from_the_last_one() -> None:
    rows = [seen(1, "70"), seen(8, "74"), seen(15, "77"), seen(22, "77.1")]
    assert measurement_in_use(rows, plan(), rows[0], dt.date(2026, 3, 15)) == rows[0]  # exactly 10 %
    assert measurement_in_use(rows, plan(), rows[0], dt.date(2026, 3, 22)) == rows[3]


def test_a_measurement_is_out_of_date_after_the_protocols_days() -> None:
    rows = [seen(1, "70"), seen(3, "70")]
    assert not out_of_date(rows, plan(measurement_days=7), dt.date(2026, 3, 10))
    assert out_of_date(rows, plan(measurement_days=7), dt.date(2026, 3, 11))
    assert not out_of_date(rows, plan(), dt.date(2027, 3, 11))
    assert not out_of_date([], plan(measurement_days=7), dt.date(2026, 3, 11))
