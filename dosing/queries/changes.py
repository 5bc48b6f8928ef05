"""What has changed since a recommendation was issued or a decision signed: compared whenever it is looked at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.canonical import sha256_of
from dosing.models import Decision, Recommendation
from dosing.queries.inputs import inputs_now
from dosing.queries.tally import TrialTally, level_of, tally_now
from patients.evaluability import Standing
from trials.models import Study


@dataclass(frozen=True)
class Change:
    """One patient whose standing is not what the snapshot says. before, now: values of Standing, "" for nobody."""

    patient: str
    before: str
    now: str
    level: str

    @property
    def sentence(self) -> str:
        """'A-001 at 10 mg: evaluable, no DLT → DLT'."""
        return f"{self.patient} at {self.level}: {_words(self.before)} → {_words(self.now)}"


@dataclass(frozen=True)
class Reconsider:
    """A signed decision whose inputs changed afterwards, with what changed."""

    decision: Decision
    changes: tuple[Change, ...]


def _words(standing: str) -> str:
    return Standing(standing).label if standing else "not registered"


def is_stale(recommendation: Recommendation, tally: TrialTally) -> bool:
    """Whether what the recommendation was made of is no longer what it would be made of now (rule 5)."""
    return sha256_of(inputs_now(tally, Recommendation.Kind(recommendation.kind))) != recommendation.inputs_sha256


def changes_since(recommendation: Recommendation, tally: TrialTally) -> tuple[Change, ...]:
    """Patients whose standing differs from the snapshot's, those who came later included."""
    now = inputs_now(tally, Recommendation.Kind(recommendation.kind))
    return tuple(_differences(recommendation.inputs["patients"], now["patients"], recommendation.inputs["doses"]))


def _differences(then: list[dict[str, Any]], now: list[dict[str, Any]], doses: list[str]) -> Iterable[Change]:
    before = {p["patient"]: p for p in then}
    after = {p["patient"]: p for p in now}
    for code in sorted(before.keys() | after.keys()):
        was, is_now = before.get(code), after.get(code)
        pair = (was["standing"] if was else "", is_now["standing"] if is_now else "")
        if pair[0] != pair[1]:
            known = was or is_now
            assert known is not None
            yield Change(code, pair[0], pair[1], doses[known["level"] - 1])


def changes_since_signing(decision: Decision, tally: TrialTally) -> tuple[Change, ...]:
    """What changed in the inputs of a decision that is signed, over the same patients.

    Patients registered later are no inputs of it. A pending patient of the snapshot who has meanwhile turned out with
    or without a DLT is no change either: both outcomes were looked ahead to. One who turned out not evaluable is.
    """
    if decision.status != Decision.Status.SIGNED:
        return ()
    now = {s.patient.code: s for s in tally.standings}
    found = []
    for then in decision.recommendation.inputs["patients"]:
        standing = now.get(then["patient"])
        after = standing.standing.value if standing else ""
        foreseen = then["standing"] == Standing.PENDING and after != Standing.NOT_EVALUABLE
        if after != then["standing"] and not foreseen:
            level = level_of(standing).label if standing else decision.recommendation.inputs["doses"][then["level"] - 1]
            found.append(Change(then["patient"], then["standing"], after, level))
    return tuple(found)


def unanswered(changes: Iterable[Change], newest: Recommendation | None) -> tuple[Change, ...]:
    """The changes that the newest recommendation does not know of yet. (Monitoring lists those who count only.)"""
    if newest is None:
        return tuple(changes)
    known = {p["patient"]: p["standing"] for p in newest.inputs["patients"]}
    counting = newest.kind == Recommendation.Kind.MONITORING
    uncounted = ("", Standing.PENDING, Standing.NOT_EVALUABLE)
    return tuple(
        c
        for c in changes
        if known.get(c.patient) != c.now and not (counting and c.patient not in known and c.now in uncounted)
    )


def reconsider(tally: TrialTally, signed: Iterable[Decision], newest: Recommendation | None) -> list[Reconsider]:
    """Signed decisions whose inputs changed and for which no recommendation knows of it yet, newest first."""
    found = ((d, unanswered(changes_since_signing(d, tally), newest)) for d in signed)
    return [Reconsider(d, changes) for d, changes in found if changes]


def signed_decisions(study: Study) -> list[Decision]:
    """The study's signed decisions with their recommendations, newest first."""
    signed = study.decisions.filter(status=Decision.Status.SIGNED)
    loaded = signed.select_related("recommendation__level", "level").defer("recommendation__shown")
    return list(loaded.order_by("-recommendation__number"))


def decisions_to_reconsider(study: Study, moment: dt.datetime) -> list[Reconsider]:
    """Signed decisions whose inputs changed since signing, until a new recommendation knows of it, newest first."""
    newest = study.recommendations.order_by("-number").first()
    return reconsider(tally_now(study, moment), signed_decisions(study), newest)


def decision_is_stale(decision: Decision, moment: dt.datetime) -> bool:
    """Whether the data changed since the recommendation of a decision that still waits for signatures."""
    return is_stale(decision.recommendation, tally_now(decision.study, moment))


def inputs_changed_since_signing(decision: Decision, moment: dt.datetime) -> tuple[Change, ...]:
    """What changed in the inputs of a signed decision; empty when nothing did."""
    return changes_since_signing(decision, tally_now(decision.study, moment))
