"""The matrix lists each requirement with its tests; a run's own also says what came out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from config.environment import BASE_DIR
from tests.validation import matrix
from tests.validation.matrix import Run, in_words, markdown
from tests.validation.requirements import Requirement, Rule

DONE = Requirement("A-1", "Asked.", rung="Done.", documented=["README.md"])
RULES = [Rule("A rule", [DONE, Requirement("A-2", "B.", duty="C.")])]
TESTS = {"A-1": ["tests/x/test_y.py::test_one_thing", "tests/x/test_y.py::test_another"]}


@pytest.mark.req("EMA-A2.4", "P11-10k")
def test_a_matrix_that_is_not_current_ends_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "CHECKED_IN", tmp_path / "traceability.md")
    matrix.write()
    matrix.check()
    matrix.CHECKED_IN.write_text(markdown().replace("P11-10e", "P11-10x"))
    with pytest.raises(SystemExit, match="make validation"):
        matrix.check()


def test_each_requirement_has_what_is_asked_what_rung_does_and_its_tests() -> None:
    text = markdown(RULES, TESTS)
    assert "| [A-1](#a-1) | Rung | 2 |" in text
    assert "| [A-2](#a-2) | the organisation's own duty | – |" in text
    assert "- [tests/x/test_y.py](../../tests/x/test_y.py): one thing; another" in text
    assert "passed" not in text


@pytest.mark.req("EMA-A2.6")
@pytest.mark.parametrize(
    ("outcomes", "result"),
    [(("passed", "passed"), "passed"), (("passed", "failed"), "failed"), (("passed",), "not run"), ((), "not run")],
)
def test_a_run_says_the_worst_of_what_came_out(outcomes: tuple[str, ...], result: str) -> None:
    run = Run("2026-01-05T15:00:00+00:00", {"Rung": "0.1.0"}, dict(zip(TESTS["A-1"], outcomes, strict=False)))
    text = markdown(RULES, TESTS, run)
    assert f"| [A-1](#a-1) | Rung | 2 | {result} |" in text
    assert f"### A-1: {result}" in text
    assert "Results of the run of 2026-01-05T15:00:00+00:00 on Rung 0.1.0." in text


def test_a_tests_name_is_its_rule() -> None:
    assert in_words("TestAnyTrial::runTest") == "TestAnyTrial"
    assert in_words("test_a_role_signs_once") == "a role signs once"


RUN_OF_ITS_OWN = """
import pytest

@pytest.mark.req("P11-10e")
@pytest.mark.parametrize("x", [1, 2])
def test_one_of_them_fails(x):
    assert x == 1

@pytest.mark.req("P11-50")
def test_fine(): ...

def test_unmarked(): ...
"""


@pytest.mark.req("EMA-A2.6", "EMA-A2.5")
def test_a_run_leaves_its_results_spread_over_processes_or_not(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(RUN_OF_ITS_OWN)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = req(id): x\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.validation.results", "-p", "no:django", "-n", "2"]
    subprocess.run(
        [*command, f"--rootdir={tmp_path}", "-c", tmp_path / "pytest.ini", "--validation", tmp_path / "out", tmp_path],
        cwd=BASE_DIR, capture_output=True, check=False,
    )  # fmt: skip
    kept = json.loads((tmp_path / "out" / "results.json").read_text())
    assert kept["outcomes"] == {"test_it.py::test_fine": "passed", "test_it.py::test_one_of_them_fails": "failed"}
    assert kept["versions"]["Rung"]
    assert (tmp_path / "out" / "traceability.pdf").read_bytes().startswith(b"%PDF")
    assert (
        "### P11-10e: not run" in (tmp_path / "out" / "traceability.md").read_text()
    )  # the run had another test of it
