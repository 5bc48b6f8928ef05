"""What follows from a recommendation's inputs alone: closed doses, look-ahead, and monitoring in expansion."""

from typing import Any

import pytest

from dosing.conclusion import NotDecided, conclude, outcomes_of

DESIGN = {"name": "boin", "parameters": {"target": 0.30, "max_patients": 12, "cohort_size": 1}}


def inputs(kind: str, treated: list[int], dlts: list[int], current: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "current_dose": current,
        "doses": ["10 mg", "15 mg", "25 mg"],
        "closed_from": None,
        "tally": {"treated": treated, "dlts": dlts},
        "pending": [0, 0, 0],
        "design": DESIGN,
        "patients": [],
        **more,
    }


def said(given: dict[str, Any]) -> tuple[str, int | None]:
    conclusion = conclude(given)
    return conclusion.action.value, conclusion.dose


@pytest.mark.parametrize(
    ("treated", "dlts", "current", "answer"),
    [
        ([1, 0, 0], [0, 0, 0], 1, ("escalate", 2)),
        ([1, 6, 3], [0, 2, 2], 2, ("stay", 2)),
        ([1, 1, 0], [0, 1, 0], 2, ("de_escalate", 1)),
        ([3, 0, 0], [3, 0, 0], 1, ("stop", None)),
        ([2, 6, 4], [0, 1, 1], 2, ("stop", None)),
    ],
)
def test_the_dose_is_the_engines(treated: list[int], dlts: list[int], current: int, answer: tuple[str, int]) -> None:
    assert said(inputs("dose", treated, dlts, current)) == answer


def test_pending_patients_who_matter_leave_it_undecided() -> None:
    with pytest.raises(NotDecided):
        conclude(inputs("dose", [1, 2, 0], [0, 0, 0], 2, pending=[0, 1, 0]))


def test_pending_patients_at_two_doses_are_looked_ahead_to_together() -> None:
    given = inputs("dose", [1, 2, 1], [0, 0, 1], 2, pending=[1, 1, 0])
    assert [o.dlts for o in outcomes_of(given).outcomes] == [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0)]


def test_a_closed_dose_stays_closed_when_a_correction_would_open_it() -> None:
    """25 mg was closed; with 0 of 3 at 15 mg the table escalates."""
    conclusion = conclude(inputs("dose", [1, 3, 3], [0, 0, 1], 2, closed_from=3))
    assert (conclusion.action, conclusion.dose) == ("stay", 2)
    assert "25 mg was closed by the safety stop" in conclusion.reason


def test_with_the_lowest_dose_closed_the_trial_stops() -> None:
    assert said(inputs("dose", [3, 0, 0], [1, 0, 0], 1, closed_from=1)) == ("stop", None)
    assert said(inputs("mtd", [3, 0, 0], [1, 0, 0], 1, closed_from=1)) == ("stop", None)


def test_the_mtd_is_below_a_closed_dose() -> None:
    """By the estimates 25 mg (1 of 4) is nearest to 0.30, but it was closed."""
    given = inputs("mtd", [1, 7, 4], [0, 1, 1], 2)
    assert conclude(given).dose == 3
    assert conclude({**given, "closed_from": 3}).dose == 2


def test_the_mtd_settled_anew_in_expansion_is_not_above_the_expansions_dose() -> None:
    given = inputs("mtd", [1, 7, 4], [0, 1, 1], 2)
    assert conclude({**given, "highest_dose": 3}).dose == 3
    assert conclude({**given, "highest_dose": 2}).dose == 2
    assert conclude({**given, "highest_dose": 2, "closed_from": 2}).dose == 1


def test_the_mtd_waits_for_everybody() -> None:
    with pytest.raises(NotDecided):
        conclude(inputs("mtd", [1, 7, 3], [0, 1, 3], 2, pending=[0, 1, 0]))


@pytest.mark.parametrize(
    ("treated", "dlts", "current", "closed", "answer"),
    [
        ([2, 10, 3], [0, 3, 2], 2, None, ("stay", 2)),  # 4 of 10 de-escalate
        ([2, 10, 3], [0, 4, 2], 2, None, ("de_escalate", 1)),
        ([2, 10, 3], [0, 6, 2], 2, None, ("de_escalate", 1)),  # 6 of 10 eliminate
        ([2, 10, 3], [0, 0, 2], 2, None, ("stay", 2)),  # never up
        ([2, 10, 3], [0, 3, 2], 2, 2, ("de_escalate", 1)),  # closed before a correction
        ([10, 0, 0], [4, 0, 0], 1, None, ("stay", 1)),  # the lowest, not eliminated
        ([10, 0, 0], [6, 0, 0], 1, None, ("stop", None)),
        ([3, 10, 0], [3, 6, 0], 2, None, ("stop", None)),  # the lower one is eliminated too
    ],
)
def test_monitoring_in_expansion(
    treated: list[int], dlts: list[int], current: int, closed: int | None, answer: tuple[str, int | None]
) -> None:
    assert said(inputs("monitoring", treated, dlts, current, closed_from=closed)) == answer
