"""Proposing a decision on a recommendation, and withdrawing it before it is signed."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from dosing.errors import DataChanged
from dosing.models import Decision, Recommendation
from dosing.queries.changes import changes_since, is_stale
from dosing.queries.choices import Option, expansion_places_left, most_in_next_cohort, options
from dosing.queries.tally import TrialTally, tally_now
from trials.errors import Refused
from trials.models import DoseLevel, Study
from trials.permissions import Permission, require
from trials.queries import lock_study

Kind, Status = Recommendation.Kind, Decision.Status


@operation
def propose_decision(
    *,
    recommendation: Recommendation,
    choice: Decision.Choice,
    level: DoseLevel | None,
    cohort_size: int | None,
    comment: str,
    by: User,
    at: dt.datetime,
) -> Decision:
    """Put a decision on the newest recommendation up for signature by every role that the protocol names.

    level: the dose chosen, None for hold and stop. cohort_size: patients of the next cohort, from 1 to the protocol's
    largest and never more than are left of its maximum; for an expansion it is the places left, whatever is given.
    A choice that differs from the recommendation needs a comment.
    """
    study = recommendation.study
    require(by, Permission.PROPOSE_DECISION, study)
    study = lock_study(study)
    refuse_unless_newest(study, recommendation)
    refuse_if_changed(recommendation, tally_now(study, at))
    option = _chosen(recommendation, study, choice, level)
    comment = comment.strip()
    if option.choice != Decision.Choice.ACCEPT and not comment:
        raise Refused("comment-needed", "Say why the choice differs from the recommendation.", field="comment")
    return Decision.objects.create(
        study=study,
        recommendation=recommendation,
        choice=option.choice,
        level=option.level,
        cohort_size=_cohort_size(recommendation, study, option, cohort_size),
        comment=comment,
        roles_required=_roles(study, recommendation),
        proposed_at=at,
        proposed_by=by,
    )


@operation
def withdraw_decision(*, decision: Decision, reason: str, by: User, at: dt.datetime) -> Decision:
    """Take back a decision that still waits for signatures. Signatures given on it stay on record."""
    require(by, Permission.PROPOSE_DECISION, decision.study)
    if not reason.strip():
        raise Refused("reason-needed", "Say why the decision is withdrawn.", field="reason")
    lock_study(decision.study)
    decision = waiting_decision(decision)
    decision.status, decision.withdrawn_at, decision.withdrawn_reason = Status.WITHDRAWN, at, reason.strip()
    decision.save(update_fields=["status", "withdrawn_at", "withdrawn_reason"])
    return decision


def waiting_decision(decision: Decision) -> Decision:
    """The decision read afresh. Refused unless it still waits for signatures."""
    fresh = Decision.objects.select_related(
        "study", "recommendation__study", "recommendation__level", "level", "proposed_by"
    ).get(pk=decision.pk)
    if fresh.status == Status.SIGNED:
        raise Refused("already-signed", "Everybody has signed this decision already; it has taken effect.")
    if fresh.status == Status.WITHDRAWN:
        raise Refused("decision-withdrawn", f"This decision was withdrawn: {fresh.withdrawn_reason}")
    return fresh


def refuse_unless_newest(study: Study, recommendation: Recommendation) -> None:
    """Refused where a newer recommendation exists, or a decision on this one is in force."""
    newest = study.recommendations.order_by("-number").values_list("number", flat=True)[0]
    if newest != recommendation.number:
        raise Refused(
            "newer-recommendation", f"Recommendation {newest} has been issued since. Read that one and decide on it."
        )
    if recommendation.decisions.exclude(status=Status.WITHDRAWN).exists():
        raise Refused("decision-waits", "Somebody has proposed a decision on it already. Read it, then sign it.")


def refuse_if_changed(recommendation: Recommendation, tally: TrialTally) -> None:
    """Rule 5: refused where the tally has changed since the recommendation."""
    if not is_stale(recommendation, tally):
        return
    changes = "; ".join(c.sentence for c in changes_since(recommendation, tally))
    changed = f" ({changes})" if changes else ""
    raise DataChanged(
        f"The data changed since recommendation {recommendation.number} was issued{changed}. Nothing has been signed."
    )


def _chosen(recommendation: Recommendation, study: Study, choice: Decision.Choice, level: DoseLevel | None) -> Option:
    """The option that was chosen. Refused with the reason where it cannot be."""
    offered = options(recommendation, list(study.levels.order_by("ordinal")))
    lower = choice == Decision.Choice.LOWER
    alike = [o for o in offered if o.choice == choice or (lower and o.choice == Decision.Choice.STAY)]
    found = next((o for o in alike if not lower or o.level == level), None)
    if found is None:
        raise Refused("choice-not-offered", "This cannot be chosen on this recommendation.", field="choice")
    if found.refused:
        raise Refused(found.code, f"{found.label} cannot be chosen: {found.refused}.", field="choice")
    return found


def _cohort_size(recommendation: Recommendation, study: Study, option: Option, wanted: int | None) -> int | None:
    if option.level is None:
        return None
    if recommendation.kind != Kind.DOSE:
        return expansion_places_left(study) or None
    most = most_in_next_cohort(recommendation, study, option.level)
    if wanted is None or not 1 <= wanted <= most:
        sizes = f"1 to {most} patients" if most > 1 else "1 patient"
        raise Refused("cohort-size", f"The next cohort at {option.level.label} can have {sizes}.", field="cohort_size")
    return wanted


def _roles(study: Study, recommendation: Recommendation) -> list[str]:
    signatures = study.protocol.signatures
    return list(signatures.mtd if recommendation.kind == Kind.MTD else signatures.dose_decision)
