"""The record of a qualification: a PDF for people, the same as JSON for machines."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

from config.oq.run import Qualified
from config.oq.step import Outcome
from dosing.typesetting import typeset

SOURCE = Path(__file__).with_suffix(".typ")


def report_of(done: Qualified) -> dict[str, Any]:
    """Everything that is printed, JSON-able."""
    count = sum(len(outcomes) for _, outcomes in done.chapters)
    return {
        "passed": not done.deviations,
        "answer": f"All {count} steps passed." if not done.deviations else f"{len(done.deviations)} of {count} failed.",
        "by": done.by,
        "started": _moment(done.started),
        "ended": _moment(done.ended),
        "versions": [[name, version] for name, version in done.versions.items()],
        "deviations": [[_number(done, outcome), outcome.step.title] for outcome in done.deviations],
        "chapters": [
            {"title": title, "steps": [_step(done, outcome) for outcome in outcomes]}
            for title, outcomes in done.chapters
        ],
    }


def pdf(done: Qualified) -> bytes:
    """As PDF/A-2a and PDF/UA-1; the same qualification gives the same bytes."""
    return typeset(SOURCE.read_bytes(), "report", report_of(done), done.ended)


def write(done: Qualified, folder: Path) -> Path:
    """The PDF that was written into `folder`, beside its JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"oq-{done.started.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}.pdf"
    path.write_bytes(pdf(done))
    path.with_suffix(".json").write_text(json.dumps(report_of(done), indent=1) + "\n")
    return path


def _step(done: Qualified, outcome: Outcome) -> dict[str, Any]:
    step = outcome.step
    return {
        "number": _number(done, outcome),
        "title": step.title,
        "shows": step.shows,
        "expected": step.expected,
        "observed": outcome.observed,
        "passed": outcome.passed,
        "at": f"{outcome.at.astimezone(dt.UTC):%H:%M:%S}",
    }


def _number(done: Qualified, wanted: Outcome) -> str:
    return next(
        f"{chapter}.{place}"
        for chapter, (_, outcomes) in enumerate(done.chapters, start=1)
        for place, outcome in enumerate(outcomes, start=1)
        if outcome is wanted
    )


def _moment(at: dt.datetime) -> str:
    utc = at.astimezone(dt.UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M:%S} UTC"
