"""Each requirement is said to be Rung's, open or the organisation's; what is said to be Rung's is shown by a test."""

from pathlib import Path

import pytest

from config.environment import BASE_DIR
from tests.validation import marks
from tests.validation.requirements import Requirement, read_rules, requirements


@pytest.mark.req("EMA-A2.4", "EMA-A2.1", "EMA-A2.2", "EMA-4.10", "P11-10a")
def test_what_rung_claims_is_shown_by_a_test() -> None:
    shown = marks.shown_by_tests()
    assert [each.id for each in requirements().values() if each.rung and not shown.get(each.id)] == []


@pytest.mark.req("EMA-A2.4")
def test_no_test_names_a_requirement_that_is_not_there() -> None:
    known, shown = requirements(), marks.shown_by_tests()
    assert {each: tests for each, tests in shown.items() if each not in known} == {}


def test_what_is_open_or_somebody_elses_duty_is_not_said_to_be_shown() -> None:
    shown = marks.shown_by_tests()
    assert [each.id for each in requirements().values() if not each.rung and shown.get(each.id)] == []


def test_every_requirement_is_somebodys_and_none_stands_twice() -> None:
    listed = [each for rule in read_rules() for each in rule.requirements]
    assert len(listed) == len(requirements()) > 100
    assert [each.id for each in listed if not (each.rung or each.open or each.duty)] == []
    assert [each.id for each in listed if each.rung and each.open] == []


@pytest.mark.req("P11-10k")
def test_what_is_said_to_be_documented_is_there() -> None:
    named = {path for each in requirements().values() for path in each.documented}
    assert {path for path in named if not (BASE_DIR / path).is_file()} == set()
    assert [each.id for each in requirements().values() if each.rung and not each.documented] == []


PART_11 = [*(f"P11-10{letter}" for letter in "abcdefghijk"), *(f"P11-{n}" for n in (30, 50, 70, 100, 200, 300))]
R3 = ["R3-4.1", *(f"R3-4.2.{n}" for n in range(1, 9)), *(f"R3-4.3.{n}" for n in range(1, 9))]
EMA = [f"EMA-A{annex}.{n}" for annex, last in ((2, 10), (3, 6), (4, 17)) for n in range(1, last + 1)]


@pytest.mark.parametrize("paragraph", [*PART_11, *R3, *EMA])
def test_no_paragraph_is_left_out(paragraph: str) -> None:
    assert paragraph in requirements()


SOURCE = """
pytestmark = [pytest.mark.django_db, pytest.mark.req("whole-file")]

@pytest.mark.req("one", "two")
@pytest.mark.parametrize("x", [1, pytest.param(2, marks=pytest.mark.req("of-a-parameter"))])
def test_a_rule(x): ...

def helper(): ...

@pytest.mark.req("of-the-class")
class TestMany:
    def test_inside(self): ...

TestAnyTrial = AnyTrial.TestCase
"""


def test_marks_are_found_wherever_pytest_takes_them_from() -> None:
    assert sorted(marks.marked_in(SOURCE)) == [
        ("TestAnyTrial::runTest", "whole-file"),
        ("TestMany::test_inside", "of-the-class"),
        ("TestMany::test_inside", "whole-file"),
        ("test_a_rule", "of-a-parameter"),
        ("test_a_rule", "one"),
        ("test_a_rule", "two"),
        ("test_a_rule", "whole-file"),
    ]


def test_tests_are_named_as_pytest_names_them(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "test_x.py").write_text('@pytest.mark.req("R")\ndef test_y(): ...\n')
    assert marks.shown_by_tests(tmp_path, tmp_path) == {"R": ["audit/test_x.py::test_y"]}


@pytest.mark.parametrize(
    ("given", "standing"),
    [
        ({"rung": "does it"}, "Rung"),
        ({"rung": "does it", "duty": "help"}, "Rung, and the organisation"),
        ({"open": "not yet", "duty": "watch"}, "open"),
        ({"duty": "do it"}, "the organisation's own duty"),
    ],
)
def test_whose_a_requirement_is(given: dict[str, str], standing: str) -> None:
    assert Requirement(id="X", says="is asked", **given).standing == standing
