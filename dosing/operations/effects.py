"""What a decision does when the last required signature is given."""

import datetime as dt

from accounts.models import User
from dosing.models import Decision, Recommendation
from dosing.queries.choices import expansion_places_left
from trials.models import Cohort, Part, Study
from trials.operations import (
    close_cohort,
    decision_waits_no_more,
    end_hold,
    end_part,
    hold_registration,
    open_cohort,
)
from trials.queries import current_cohort, lock_study

Choice, Kind = Decision.Choice, Recommendation.Kind


def take_effect(*, decision: Decision, by: User, at: dt.datetime) -> Cohort | None:
    """Do what the decision says, in the transaction of the last signature. Returns the cohort that it opens."""
    study = lock_study(decision.study)
    decision_waits_no_more(study=study, by=by, at=at)
    if decision.choice == Choice.HOLD:
        _hold(study, decision, at)
        return None
    _end_hold(study, decision, at)
    kind = Kind(decision.recommendation.kind)
    if kind == Kind.MTD:
        return _settle_mtd(study, decision, by, at)
    if kind == Kind.MONITORING:
        return _continue_expansion(study, decision, by, at)
    if decision.level is None:
        _stop_escalation(study, decision, by, at)
        return None
    assert decision.cohort_size is not None
    part = study.parts.get(kind=Part.Kind.ESCALATION)
    return open_cohort(study=study, part=part, level=decision.level, size=decision.cohort_size, by=by, at=at)


def _stop_escalation(study: Study, decision: Decision, by: User, at: dt.datetime) -> None:
    """Nobody is registered any more; the MTD is selected next, on the patients there are."""
    present = current_cohort(study)
    if present is not None:
        because = f"decision {decision.recommendation.number} stops the escalation"
        close_cohort(cohort=present, because=because, by=by, at=at)


def _settle_mtd(study: Study, decision: Decision, by: User, at: dt.datetime) -> Cohort | None:
    """The escalation ends; where there is an MTD and the protocol has an expansion, its cohort opens at the MTD."""
    end_part(part=study.parts.get(kind=Part.Kind.ESCALATION), because="the MTD is settled", by=by, at=at)
    if decision.level is None:
        _end_expansion(study, decision, by, at)
        return None
    return _continue_expansion(study, decision, by, at)


def _continue_expansion(study: Study, decision: Decision, by: User, at: dt.datetime) -> Cohort | None:
    """The places left of the expansion open at the dose decided on; nothing opens where they are open there already."""
    expansion = study.parts.filter(kind=Part.Kind.EXPANSION).first()
    if decision.level is None:
        _end_expansion(study, decision, by, at)
        return None
    present = current_cohort(study)
    if present is not None and present.part == expansion and present.level_id == decision.level_id:
        return None
    if expansion is None or decision.cohort_size is None or not expansion_places_left(study):
        return None
    return open_cohort(study=study, part=expansion, level=decision.level, size=decision.cohort_size, by=by, at=at)


def _end_expansion(study: Study, decision: Decision, by: User, at: dt.datetime) -> None:
    expansion = study.parts.filter(kind=Part.Kind.EXPANSION, opened_at__isnull=False).first()
    if expansion is not None:
        end_part(part=expansion, because=f"decision {decision.recommendation.number}", by=by, at=at)


def _hold(study: Study, decision: Decision, at: dt.datetime) -> None:
    why = f"Decision {decision.recommendation.number}: hold registration. {decision.comment}".strip()
    hold_registration(study=study, reason=why, by=User.objects.system(), at=at)


def _end_hold(study: Study, decision: Decision, at: dt.datetime) -> None:
    """A decision after a hold ends it. A suspension by a person's own hand stays."""
    if study.accrual_suspended_at is None:
        return
    why = f"Decision {decision.recommendation.number} ends the hold"
    end_hold(study=study, reason=why, by=User.objects.system(), at=at)
