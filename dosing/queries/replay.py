"""Recomputes stored recommendations from their stored inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.canonical import sha256_of
from dosing.conclusion import NotDecided, conclude
from dosing.models import Recommendation
from trials.models import Study


@dataclass(frozen=True)
class Difference:
    """A stored recommendation that the engine of now does not repeat."""

    number: int
    what: str
    stored: Any
    now: Any

    def __str__(self) -> str:
        return f"recommendation {self.number}: {self.what} was stored as {self.stored!r}, is now {self.now!r}"


def replay(study: Study) -> list[Difference]:
    """Every difference between the study's stored recommendations and what their inputs give now; empty when none."""
    stored = study.recommendations.select_related("level").order_by("number")
    return [difference for recommendation in stored for difference in replay_one(recommendation)]


def replay_one(recommendation: Recommendation) -> list[Difference]:
    """The differences of one recommendation: its digest, its action, its dose and its reason."""
    dose = recommendation.level.ordinal if recommendation.level else None
    stored = {
        "inputs' SHA-256": recommendation.inputs_sha256,
        "action": recommendation.action,
        "dose": dose,
        "reason": recommendation.reason,
    }
    now = {"inputs' SHA-256": sha256_of(recommendation.inputs), **_recomputed(recommendation)}
    return [
        Difference(recommendation.number, what, stored[what], now[what]) for what in stored if stored[what] != now[what]
    ]


def _recomputed(recommendation: Recommendation) -> dict[str, Any]:
    try:
        conclusion = conclude(recommendation.inputs)
    except (NotDecided, ValueError, KeyError) as error:
        gone = f"cannot be recomputed: {error or 'the look-ahead does not agree'}"
        return {"action": gone, "dose": None, "reason": gone}
    return {"action": conclusion.action.value, "dose": conclusion.dose, "reason": conclusion.reason}
