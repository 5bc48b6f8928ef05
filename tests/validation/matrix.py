"""The traceability matrix: requirement → what Rung does → tests → their result, as Markdown and as PDF.

The matrix that is checked in lists the tests; results belong to a run and stand in the run's own matrix.
"""

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typst

from config.environment import BASE_DIR
from tests.validation.marks import Tests, shown_by_tests
from tests.validation.requirements import Requirement, Rule, read_rules

CHECKED_IN = BASE_DIR / "docs" / "validation" / "traceability.md"
SOURCE = Path(__file__).with_name("matrix.typ")
INTRODUCTION = (
    "Made by `make validation` from [requirements.yaml](requirements.yaml) and the marks on the tests; not to be"
    " edited. [README](README.md) says how to read it. The results of a run are in the matrix that the run writes."
)
WORST_FIRST = ("failed", "not run", "skipped", "passed")


@dataclass(frozen=True)
class Run:
    """A run of the tests: when, on what, and the outcome of each marked test that ran."""

    at: str
    versions: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)

    def of(self, tests: list[str]) -> str:
        """The worst outcome of these tests; empty where there are none."""
        found = {self.outcomes.get(test, "not run") for test in tests}
        return next((outcome for outcome in WORST_FIRST if outcome in found), "")


def markdown(rules: list[Rule] | None = None, tests: Tests | None = None, run: Run | None = None) -> str:
    rules = read_rules() if rules is None else rules
    tests = shown_by_tests() if tests is None else tests
    lines = ["# Requirements and the tests that show them", "", _heading(run), ""]
    for rule in rules:
        lines += _overview(rule, tests, run)
    for rule in rules:
        lines += [f"## {rule.title}", ""]
        for each in rule.requirements:
            lines += _detail(each, tests.get(each.id, []), run)
    return "\n".join(lines).rstrip() + "\n"


def write() -> None:
    CHECKED_IN.write_text(markdown())


def check() -> None:
    """Ends the process with a sentence where the matrix that is checked in is not what the marks say."""
    if not CHECKED_IN.is_file() or CHECKED_IN.read_text() != markdown():
        raise SystemExit(f"docs/validation/{CHECKED_IN.name} is not current; run `make validation` and commit it.")


def _heading(run: Run | None) -> str:
    if run is None:
        return INTRODUCTION
    on = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return f"Results of the run of {run.at} on {on}."


def _overview(rule: Rule, tests: Tests, run: Run | None) -> list[str]:
    result = [" Result |", " --- |"] if run else ["", ""]
    lines = [f"**{rule.title}**", "", f"| Requirement | Whose | Tests |{result[0]}", f"| --- | --- | ---: |{result[1]}"]
    for each in rule.requirements:
        shown = tests.get(each.id, [])
        last = f" {run.of(shown) or '–'} |" if run else ""
        lines.append(f"| [{each.id}](#{_anchor(each.id)}) | {each.standing} | {len(shown) or '–'} |{last}")
    return [*lines, ""]


def _anchor(requirement: str) -> str:
    return requirement.lower().replace(".", "")


def _detail(each: Requirement, tests: list[str], run: Run | None) -> list[str]:
    result = f": {run.of(tests)}" if run and tests else ""
    lines = [f"### {each.id}{result}", "", f"*{each.says}*", ""]
    if each.rung:
        lines += [f"Rung: {each.rung}", ""]
    if each.open:
        lines += [f"Open: {each.open}", ""]
    if each.duty:
        lines += [f"The organisation: {each.duty}", ""]
    if each.documented:
        lines += ["Documented: " + ", ".join(f"[{path}](../../{path})" for path in each.documented), ""]
    if tests:
        lines += [*_by_file(tests, run), ""]
    return lines


def _by_file(tests: list[str], run: Run | None) -> list[str]:
    files: dict[str, list[str]] = {}
    for test in tests:
        path, _, name = test.partition("::")
        outcome = run.outcomes.get(test, "not run") if run else "passed"
        files.setdefault(path, []).append(in_words(name) + ("" if outcome == "passed" else f" (**{outcome}**)"))
    return [f"- [{path}](../../{path}): {'; '.join(names)}" for path, names in files.items()]


def in_words(name: str) -> str:
    """A test's name is the rule that it shows: `test_a_role_signs_once` → "a role signs once"."""
    parts = [part for part in name.split("::") if part != "runTest"]
    return ", ".join(part.removeprefix("test_").replace("_", " ") for part in parts)


def pdf(run: Run) -> bytes:
    """The matrix of a run as PDF/A-2a and PDF/UA-1; the same run gives the same bytes."""
    tests = shown_by_tests()
    rules = [
        {"title": rule.title, "requirements": [_row(each, tests.get(each.id, []), run) for each in rule.requirements]}
        for rule in read_rules()
    ]
    made = typst.compile(
        SOURCE.read_bytes(),
        format="pdf",
        sys_inputs={"matrix": json.dumps({"heading": _heading(run), "rules": rules})},
        pdf_standards=["a-2a", "ua-1"],
        timestamp=int(dt.datetime.fromisoformat(run.at).timestamp()),
        ignore_system_fonts=True,
    )
    assert isinstance(made, bytes)
    return made


def _row(each: Requirement, tests: list[str], run: Run) -> dict[str, Any]:
    whose = {"Rung": each.rung, "Open": each.open, "The organisation": each.duty}
    return {
        "id": each.id,
        "says": each.says,
        "does": [[who, what] for who, what in whose.items() if what],
        "tests": [[in_words(test.partition("::")[2]), run.outcomes.get(test, "not run")] for test in tests],
        "result": run.of(tests),
    }
