"""Designs in words: short names that tell them apart, and every parameter with what it means."""

import pytest

from dosing.engine import DESIGNS, BoinDesign, CrmDesign, Design, ThreePlusThreeDesign
from dosing.workbench.parameters import CALIBRATION, PARAMETERS, parameters_of
from dosing.workbench.words import design_names, design_words, parameter_rows


def _example(kind: str) -> Design:
    if kind == "crm":
        return CrmDesign(target=0.3, max_patients=30, skeleton=(0.1, 0.3))
    return ThreePlusThreeDesign() if kind == "three_plus_three" else DESIGNS[kind](target=0.3, max_patients=30)


def boin(**more: object) -> BoinDesign:
    return BoinDesign(target=0.3, max_patients=30, **more)  # type: ignore[arg-type]


def test_designs_of_different_kinds_have_their_short_names() -> None:
    assert design_names([boin(), ThreePlusThreeDesign()]) == ("BOIN", "3+3")


def test_designs_of_one_kind_say_what_sets_them_apart() -> None:
    names = design_names([boin(), boin(cohort_size=1), ThreePlusThreeDesign()])
    assert names == ("BOIN, cohort size 3", "BOIN, cohort size 1", "3+3")


def test_equal_designs_are_numbered() -> None:
    assert design_names([boin(), boin()]) == ("BOIN (1)", "BOIN (2)")


def test_three_alike_that_differ_in_much_have_three_names() -> None:
    designs = [boin(), boin(cohort_size=1, titration=True), boin(cohort_size=1, titration=True, bound_mtd=True)]
    assert len(set(design_names(designs))) == 3


@pytest.mark.parametrize("kind", DESIGNS)
def test_every_parameter_of_every_design_has_its_words(kind: str) -> None:
    design = _example(kind)
    assert design_words(design)
    rows = parameter_rows(design)
    assert len(rows) == len(design.parameters())
    assert all(label and value and meaning for label, value, meaning in rows)
    assert {p.name for p in parameters_of(kind)} - set(CALIBRATION) == set(design.parameters())


def test_what_is_not_set_says_what_that_means() -> None:
    rows = {label: value for label, value, _ in parameter_rows(boin())}
    assert rows["Enough patients at a dose"] == "no early stop"
    assert rows["Highest toxicity deemed too low (φ₁)"] == "0.18"
    assert rows["Accelerated titration"] == "no"


def test_labels_are_told_apart() -> None:
    labels = [parameter.label for parameter in PARAMETERS.values()]
    assert len(set(labels)) == len(labels)
