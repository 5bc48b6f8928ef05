"""Issuing a recommendation."""

import datetime as dt

from accounts.canonical import sha256_of
from accounts.models import User
from audit.context import operation
from dosing.conclusion import conclude
from dosing.engine import ENGINE_VERSION
from dosing.errors import NotDecidableYet
from dosing.models import Decision, Recommendation
from dosing.queries import Situation, Stage, Wait, where_we_stand
from dosing.queries.reader import Reader, reader_of
from dosing.queries.shown import shown_now
from patients.waiting import Data, digest_of
from trials.errors import Refused
from trials.models import Study
from trials.operations import decision_waits_no_more, wait_for_decision
from trials.permissions import Permission, require
from trials.queries import lock_study


@operation
def issue_recommendation(*, study: Study, by: User, at: dt.datetime) -> Recommendation:
    """Store the engine's advice for the study as it is at `at`, with all inputs and with what is shown beside it.

    Refused as long as it matters what becomes of pending patients (NotDecidableYet, with who and what is missing),
    and where the newest recommendation still stands on the same data. A decision that waits for signatures on data
    that have changed is withdrawn.
    """
    require(by, Permission.ISSUE_RECOMMENDATION, study)
    study = lock_study(study)
    situation = where_we_stand(study, at)
    refuse_unless_decidable(situation, reader_of(by, study))
    withdraw_outdated(situation, at)
    return store_recommendation(situation, by, at)


@operation
def renew_recommendation(*, study: Study, by: User, at: dt.datetime) -> Recommendation | None:
    """Withdraw the decision whose data changed, and issue the next recommendation where one can be made.

    None where it must wait for data first, or where the newest recommendation turns out to stand after all.
    """
    require(by, Permission.ISSUE_RECOMMENDATION, study)
    study = lock_study(study)
    situation = where_we_stand(study, at)
    if situation.stage in (Stage.RECOMMENDED, Stage.SIGNING):
        return None
    withdraw_outdated(situation, at)
    if situation.decidable:
        return store_recommendation(situation, by, at)
    decision_waits_no_more(study=study, by=by, at=at)
    return None


def refuse_unless_decidable(situation: Situation, reader: Reader) -> None:
    """Raises Refused, saying what to do instead, unless a recommendation can be issued now."""
    if situation.decidable:
        return
    stage, newest = situation.stage, situation.newest
    if stage in (Stage.RECOMMENDED, Stage.SIGNING) and newest is not None:
        raise Refused(
            "nothing-changed", f"Recommendation {newest.number} stands on the data of now. Read it and decide on it."
        )
    if stage == Stage.NOT_STARTED:
        raise Refused("not-started", "The study has not started; no cohort has opened yet.")
    if stage == Stage.FINISHED:
        raise Refused("part-ended", "No further dose is to be decided: this part of the study has ended.")
    if stage == Stage.EXPANSION or situation.tally.in_expansion:
        raise Refused(
            "no-boundary-crossed", "In the expansion the dose goes on unless a boundary is crossed, and none is."
        )
    raise NotDecidableYet(_what_is_missing(reader.waits(situation.waits)), situation)


def _what_is_missing(waits: tuple[Wait, ...]) -> str:
    missing = "; ".join(f"{w.who} ({w.what})" for w in waits)
    return f"Not decidable yet: what is still missing can change the next dose. Waiting for {missing}."


def withdraw_outdated(situation: Situation, at: dt.datetime) -> None:
    """Withdraw the proposed decision where its data changed: nobody can sign it any more."""
    decision = situation.decision
    if situation.stage != Stage.OUTDATED or decision is None:
        return
    changed = "; ".join(c.sentence for c in situation.changes) or "the study's protocol or dose levels changed"
    decision.status, decision.withdrawn_at = Decision.Status.WITHDRAWN, at
    decision.withdrawn_reason = f"The data changed: {changed}"
    decision.save(update_fields=["status", "withdrawn_at", "withdrawn_reason"])


def _data_of(kind: Recommendation.Kind) -> Data:
    return Data.COUNTING if kind == Recommendation.Kind.MONITORING else Data.ESCALATION


def store_recommendation(situation: Situation, by: User, at: dt.datetime) -> Recommendation:
    """Write the recommendation that a decidable situation gives."""
    assert situation.kind is not None
    tally, inputs = situation.tally, situation.inputs()
    cohort = tally.cohort
    assert cohort is not None
    conclusion = conclude(inputs)
    wait_for_decision(study=tally.study, on=digest_of(tally.standings, _data_of(situation.kind)), by=by, at=at)
    return Recommendation.objects.create(
        study=tally.study,
        version=tally.version,
        number=(situation.newest.number if situation.newest else 0) + 1,
        kind=situation.kind,
        cohort=cohort,
        action=conclusion.action.value,
        level=tally.levels[conclusion.dose - 1] if conclusion.dose else None,
        reason=conclusion.reason,
        inputs=inputs,
        inputs_sha256=sha256_of(inputs),
        shown=shown_now(tally, inputs, conclusion),
        engine_version=ENGINE_VERSION,
        issued_at=at,
        issued_by=by,
    )
