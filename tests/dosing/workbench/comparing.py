"""A comparison to look at: BOIN with 3+3 on the anti-MAG ladder."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.models import User
from dosing.engine import BoinDesign, Design, ThreePlusThreeDesign
from dosing.models import Comparison
from dosing.operations import save_comparison
from dosing.workbench.question import Question
from trials.models import Study

BOIN = BoinDesign(target=0.30, max_patients=12, cohort_size=1)
THREE_PLUS_THREE = ThreePlusThreeDesign(complete_highest=True)
SAVED_AT = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)


def question(*designs: Design, **changed: Any) -> Question:
    given: dict[str, Any] = {
        "labels": ("10 mg", "15 mg", "25 mg"),
        "toxicity": (0.10, 0.30, 0.50),
        "target": 0.30,
        "designs": designs or (BOIN, THREE_PLUS_THREE),
    }
    return Question(**given | changed)


def saved(by: User, asked: Question | None = None, study: Study | None = None, **said: str) -> Comparison:
    title, note = said.get("title", "BOIN or 3+3"), said.get("note", "Twelve patients at most.")
    return save_comparison(question=asked or question(), title=title, note=note, study=study, by=by, at=SAVED_AT)
