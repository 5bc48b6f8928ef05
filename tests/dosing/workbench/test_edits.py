"""The workbench's buttons: what each does to the fields, and that one without meaning does nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosing.workbench.draft import Draft, DraftDesign, default_draft
from dosing.workbench.edits import edited
from dosing.workbench.question import MOST_DESIGNS, MOST_DOSES

NEW = default_draft()


def ladder(*pairs: tuple[str, str], target: str = "0.3") -> Draft:
    labels, toxicity = zip(*pairs, strict=True)
    return Draft(labels, toxicity, target, (DraftDesign("boin", {"max_patients": "12"}), DraftDesign("crm")))


def test_a_new_dose_is_more_toxic_than_the_last_and_has_a_name_of_its_own() -> None:
    added = edited(ladder(("Dose 2", "0.3")), "add-dose")
    assert added.labels == ("Dose 2", "Dose 3")
    assert added.toxicity == ("0.3", "0.45")


@pytest.mark.parametrize("last", ["", "x", "0", "1", "-2"])
def test_a_new_dose_over_one_that_cannot_be_read_has_no_toxicity_yet(last: str) -> None:
    assert edited(ladder(("a", last)), "add-dose").toxicity == (last, "")


def test_removed_is_the_dose_that_was_meant_with_its_toxicity() -> None:
    left = edited(ladder(("a", "0.1"), ("b", "0.2"), ("c", "0.3")), "remove-dose-2")
    assert (left.labels, left.toxicity) == (("a", "c"), ("0.1", "0.3"))


def test_a_copy_stands_beside_its_original_with_all_that_was_typed() -> None:
    copied = edited(ladder(("a", "0.1")), "copy-design-1")
    assert [design.kind for design in copied.designs] == ["boin", "boin", "crm"]
    assert copied.designs[1] == copied.designs[0]


def test_an_added_design_is_one_that_is_not_there_yet() -> None:
    assert edited(ladder(("a", "0.1")), "add-design").designs[-1].kind == "three_plus_three"


def test_a_scenario_replaces_the_toxicities_alone() -> None:
    taken = edited(ladder(("a", "0.9"), ("b", "")), "scenario-2")
    assert taken.toxicity == ("0.18", "0.3")
    assert taken.labels == ("a", "b")


@pytest.mark.parametrize("target", ["", "x", "0", "1", "nan"])
def test_without_a_target_there_are_no_scenarios(target: str) -> None:
    draft = ladder(("a", "0.1"), target=target)
    assert edited(draft, "scenario-1") == draft


@pytest.mark.parametrize(
    "action", ["", "add", "remove-dose-0", "remove-dose-6", "copy-design-3", "scenario-99", "x" * 99]
)
def test_a_button_without_meaning_changes_nothing(action: str) -> None:
    assert edited(NEW, action) == NEW


@given(st.lists(st.sampled_from(["add-dose", "remove-dose-1", "add-design", "copy-design-1", "remove-design-1"])))
def test_however_buttons_are_pressed_there_are_as_many_doses_and_designs_as_allowed(actions: list[str]) -> None:
    draft = NEW
    for action in actions:
        draft = edited(draft, action)
    assert 1 <= len(draft.labels) == len(draft.toxicity) <= MOST_DOSES
    assert 1 <= len(draft.designs) <= MOST_DESIGNS
    assert len(set(draft.labels)) == len(draft.labels)
