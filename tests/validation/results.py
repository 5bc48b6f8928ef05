"""A pytest plugin: after a run, the matrix with the results of that run (`pytest -p tests.validation.results`).

Works with the tests spread over processes too: each report carries the requirements of its test.
"""

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from config.versions import program_versions
from tests.validation import matrix

SHOWN = "req"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--validation", metavar="DIR", type=Path, help="write the requirements' results of this run there")


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("validation")
    if folder and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(folder), "validation-recorder")


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    for item in items:
        item.user_properties += [(SHOWN, each) for mark in item.iter_markers("req") for each in mark.args]


class Recorder:
    """Keeps the worst outcome of each marked test, over its parameters and phases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        self.outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not any(name == SHOWN for name, _value in report.user_properties):
            return
        if report.when != "call" and report.passed:
            return
        test = report.nodeid.partition("[")[0]
        found = {self.outcomes.get(test, "passed"), report.outcome}
        self.outcomes[test] = next(outcome for outcome in matrix.WORST_FIRST if outcome in found)

    def pytest_sessionfinish(self) -> None:
        run = matrix.Run(at=self.at, versions=program_versions(), outcomes=dict(sorted(self.outcomes.items())))
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {"at": run.at, "versions": run.versions, "outcomes": run.outcomes}
        (self.folder / "results.json").write_text(json.dumps(kept, indent=1) + "\n")
        (self.folder / "traceability.md").write_text(matrix.markdown(run=run))
        (self.folder / "traceability.pdf").write_bytes(matrix.pdf(run))
