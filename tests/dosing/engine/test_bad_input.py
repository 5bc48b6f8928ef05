"""Bad input of each kind is refused with the parameter, the value and what is allowed."""

import json
from typing import Any

import pytest

from dosing.engine import BoinDesign, DoseTally, design_from_parameters, lookahead

GOOD: dict[str, Any] = {"target": 0.30, "max_patients": 12, "cohort_size": 1}


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("target", 0.0, "from 0.05 to 0.6"),
        ("target", 0.61, "from 0.05 to 0.6"),
        ("target", float("nan"), "from 0.05 to 0.6"),
        ("target", "0.3", "from 0.05 to 0.6"),
        ("target", True, "from 0.05 to 0.6"),
        ("target", None, "from 0.05 to 0.6"),
        ("max_patients", 0, "from 1 to 1000"),
        ("max_patients", 12.5, "from 1 to 1000"),
        ("max_patients", 1001, "from 1 to 1000"),
        ("cohort_size", 0, "at least 1"),
        ("cohort_size", True, "at least 1"),
        ("p_saf", 0.28, "at most 0.27"),
        ("p_saf", 0.0, "greater than 0"),
        ("p_tox", 0.32, "at least 0.33"),
        ("p_tox", 1.0, "less than 1"),
        ("elimination_cutoff", 0.5, "greater than 0.5 and less than 1"),
        ("elimination_cutoff", 1.0, "greater than 0.5 and less than 1"),
        ("extra_safe", 1, "True or False"),
        ("extra_safe_offset", -0.01, "from 0 to 0.5"),
        ("early_stop_n", 0, "at least 1"),
        ("titration", "yes", "True or False"),
        ("bound_mtd", None, "True or False"),
        ("start_dose", 0, "at least 1"),
    ],
)
def test_a_parameter_outside_its_range_is_refused(parameter: str, value: object, allowed: str) -> None:
    with pytest.raises(ValueError, match=parameter) as refusal:
        BoinDesign(**(GOOD | {parameter: value}))
    assert repr(value) in str(refusal.value)
    assert allowed in str(refusal.value)


def test_the_limits_of_the_target_are_allowed() -> None:
    for target in (0.05, 0.6):
        design = BoinDesign(target=target, max_patients=30)
        assert 0 < design.escalation_boundary < target < design.de_escalation_boundary < 1
        assert len(design.boundaries()) == 30


@pytest.mark.parametrize(
    ("treated", "dlts", "names"),
    [
        ((), (), "treated"),
        ((3,), (1, 1), "dlts"),
        ((3, -1), (0, 0), r"treated\[1\]"),
        ((3, 2), (0, 3), r"dlts\[1\]"),
        ((3, 2.5), (0, 0), r"treated\[1\]"),
        ((3, True), (0, 0), r"treated\[1\]"),
        ("33", (0, 0), "treated"),
        (3, 0, "treated"),
    ],
)
def test_an_impossible_tally_is_refused(treated: Any, dlts: Any, names: str) -> None:
    with pytest.raises(ValueError, match=names):
        DoseTally(treated, dlts)


def test_lists_become_tuples() -> None:
    assert DoseTally([3, 0], [1, 0]) == DoseTally((3, 0), (1, 0))  # type: ignore[arg-type]


@pytest.mark.parametrize("dose", [0, 4, -1, 1.5, True])
def test_a_dose_that_is_not_on_the_ladder_is_refused(dose: Any) -> None:
    with pytest.raises(ValueError, match="current_dose"):
        BoinDesign(**GOOD).advise(DoseTally.empty(3), dose)


def test_a_start_dose_above_the_ladder_and_wrong_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="start_dose = 3"):
        BoinDesign(**GOOD, start_dose=3).advise(DoseTally.empty(2), 1)
    with pytest.raises(ValueError, match="labels"):
        BoinDesign(**GOOD).advise(DoseTally.empty(2), 1, ("10 mg",))


def test_a_row_outside_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="n = 31"):
        BoinDesign(**GOOD).boundaries(max_n=30).for_n(31)
    with pytest.raises(ValueError, match="max_n = 0"):
        BoinDesign(**GOOD).boundaries(max_n=0)


@pytest.mark.parametrize("pending", [(1,), (1, -1), (400, 400), "12"])
def test_pending_patients_must_fit_the_ladder(pending: Any) -> None:
    with pytest.raises(ValueError, match="pending"):
        lookahead(BoinDesign(**GOOD), DoseTally.empty(2), 1, pending)


def test_a_design_comes_back_from_its_stored_parameters() -> None:
    design = BoinDesign(**GOOD, p_tox=0.45, extra_safe=True, early_stop_n=9, titration=True, bound_mtd=True)
    stored = json.loads(json.dumps(design.parameters()))
    assert design_from_parameters("boin", stored) == design
    assert set(stored) == {
        "target", "max_patients", "cohort_size", "p_saf", "p_tox", "elimination_cutoff", "extra_safe",
        "extra_safe_offset", "early_stop_n", "titration", "bound_mtd", "start_dose",
    }  # fmt: skip
    assert stored["p_saf"] == 0.6 * 0.30


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("boing", GOOD, "boing"),
        ("boin", GOOD | {"cohortsize": 3}, "cohortsize"),
        ("boin", {"target": 0.3}, "max_patients"),
        ("boin", GOOD | {"target": 0.9}, "target = 0.9"),
    ],
)
def test_parameters_that_make_no_design_are_refused(name: str, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        design_from_parameters(name, parameters)
