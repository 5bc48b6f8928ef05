"""The boundary strip, on BOIN's table for target 0.30."""

import pytest

from dosing.strip import boundary_strip


def test_six_patients_at_target_030() -> None:
    strip = boundary_strip(n=6, escalate_if_at_most=1, de_escalate_if_at_least=3, eliminate_if_at_least=4, here=2)
    assert [cell.kind for cell in strip.cells] == ["up", "up", "stay", "down", "out", "out", "out"]
    assert [cell.dlts for cell in strip.cells if cell.here] == [2]
    assert [(entry.word, entry.counts) for entry in strip.legend] == [
        ("escalate", "0 to 1"),
        ("stay", "2"),
        ("de-escalate", "3"),
        ("eliminate", "4 or more"),
    ]


def test_a_single_patient_has_no_elimination_and_no_stay() -> None:
    strip = boundary_strip(n=1, escalate_if_at_most=0, de_escalate_if_at_least=1, eliminate_if_at_least=None)
    assert [cell.kind for cell in strip.cells] == ["up", "down"]
    assert [(entry.word, entry.counts) for entry in strip.legend] == [("escalate", "0"), ("de-escalate", "1")]


def test_a_design_that_never_escalates_or_de_escalates_at_n_stays() -> None:
    strip = boundary_strip(n=2, escalate_if_at_most=None, de_escalate_if_at_least=None, eliminate_if_at_least=None)
    assert [(entry.word, entry.counts) for entry in strip.legend] == [("stay", "0 to 2")]


@pytest.mark.parametrize(("n", "here"), [(0, None), (3, 4), (3, -1)])
def test_impossible_counts_are_refused(n: int, here: int | None) -> None:
    with pytest.raises(ValueError, match="must"):
        boundary_strip(n=n, escalate_if_at_most=0, de_escalate_if_at_least=1, eliminate_if_at_least=None, here=here)
