"""Dose paths: the tree of the next cohorts."""

from typing import Any

import pytest

from dosing.engine import Action, BoinDesign, DoseTally, dose_paths

DESIGN = BoinDesign(target=0.3, max_patients=30, cohort_size=3)
TALLY = DoseTally((3, 3, 0), (0, 1, 0))


def test_every_outcome_of_the_next_cohort_is_a_path_with_its_advice() -> None:
    tree = dose_paths(DESIGN, TALLY, current_dose=2, cohorts=1)
    assert tree.root.advice == DESIGN.advise(TALLY, 2)
    assert [str(path) for path in tree] == ["2NNN", "2NNT", "2NTT", "2TTT"]
    assert [path.advice.action for path in tree] == [
        Action.ESCALATE,
        Action.STAY,
        Action.DE_ESCALATE,
        Action.DE_ESCALATE,
    ]


def test_two_cohorts_follow_the_advice_and_stop_where_it_stops() -> None:
    tree = dose_paths(DESIGN, DoseTally.empty(2), current_dose=1, cohorts=2)
    paths = [str(path) for path in tree]
    assert paths[0] == "1NNN 2NNN"
    assert "1TTT" in paths
    assert sum(path.probability([0.2, 0.4]) for path in tree) == pytest.approx(1.0)
    for path in tree:
        for cohort in path.cohorts:
            assert cohort.size == 3


def test_sizes_of_cohorts_can_be_given_and_are_cut_to_the_maximum() -> None:
    tree = dose_paths(DESIGN, DoseTally.empty(2), current_dose=1, cohorts=2, cohort_sizes=(1, 2))
    assert [str(path) for path in tree][:3] == ["1N 2NN", "1N 2NT", "1N 2TT"]
    short = BoinDesign(target=0.3, max_patients=4, cohort_size=3)
    assert str(next(iter(dose_paths(short, DoseTally.empty(1), 1, cohorts=2)))) == "1NNN 1N"
    assert str(next(iter(dose_paths(short, DoseTally.empty(1), 1, 2, cohort_sizes=(3, 3))))) == "1NNN 1N"


def test_reasons_use_the_names_of_the_doses() -> None:
    tree = dose_paths(DESIGN, TALLY, 2, cohorts=1, labels=("10 mg", "15 mg", "25 mg"))
    assert next(iter(tree)).advice.reason.endswith("escalate to 25 mg")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cohorts": 0}, "cohorts"),
        ({"cohorts": 2, "cohort_sizes": (3,)}, "cohort_sizes"),
        ({"cohorts": 1, "cohort_sizes": (0,)}, "cohort_sizes"),
        ({"cohorts": 20}, "cohorts"),
    ],
)
def test_bad_input_is_refused(arguments: dict[str, Any], words: str) -> None:
    design = BoinDesign(target=0.3, max_patients=200, cohort_size=3)
    with pytest.raises(ValueError, match=words):
        dose_paths(design, TALLY, 2, **arguments)


def test_a_toxicity_for_each_dose_is_needed() -> None:
    path = next(iter(dose_paths(DESIGN, TALLY, 2, cohorts=1)))
    with pytest.raises(ValueError, match="toxicity"):
        path.probability([0.1])
