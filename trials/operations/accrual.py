"""Registration stops and goes on: by hand, by a signed hold, while a decision waits."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from trials.errors import Refused
from trials.models import Study
from trials.permissions import Permission, require
from trials.queries import lock_study


@operation
def suspend_accrual(*, study: Study, reason: str, by: User, at: dt.datetime) -> None:
    """Stop registration in the whole study until it is resumed."""
    require(by, Permission.SUSPEND_ACCRUAL, study)
    if not reason.strip():
        raise Refused("reason-needed", "Say why accrual is suspended.", field="reason")
    study = lock_study(study)
    if study.accrual_suspended_at is not None:
        raise Refused("already-suspended", "Accrual is suspended already.")
    study.accrual_suspended_at, study.accrual_suspended_by = at, by
    study.accrual_suspended_reason = reason
    study.save(update_fields=["accrual_suspended_at", "accrual_suspended_by", "accrual_suspended_reason"])


@operation
def resume_accrual(*, study: Study, reason: str, by: User, at: dt.datetime) -> None:
    """Let registration go on."""
    require(by, Permission.SUSPEND_ACCRUAL, study)
    if not reason.strip():
        raise Refused("reason-needed", "Say why accrual can go on.", field="reason")
    study = lock_study(study)
    if study.accrual_suspended_at is None:
        raise Refused("not-suspended", "Accrual is not suspended.")
    if study.held_reason or (_suspended_by_rung(study) and by.username != User.SYSTEM):
        raise Refused("held-by-decision", "A signed decision holds registration; the next signed decision ends it.")
    study.accrual_suspended_at = study.accrual_suspended_by = None
    study.accrual_suspended_reason = ""
    study.save(update_fields=["accrual_suspended_at", "accrual_suspended_by", "accrual_suspended_reason"])


@operation
def hold_registration(*, study: Study, reason: str, by: User, at: dt.datetime) -> None:
    """Stop registration because a signed decision says so: nobody ends it by themselves, `end_hold` does.

    by: Rung itself, as for `end_hold`.
    A person's own suspension that stands already stays theirs, and is still there when the hold has ended.
    """
    study = lock_study(study)
    study.held_reason = reason
    study.save(update_fields=["held_reason"])
    if study.accrual_suspended_at is None:
        suspend_accrual(study=study, reason=reason, by=by, at=at)


@operation
def end_hold(*, study: Study, reason: str, by: User, at: dt.datetime) -> None:
    """End a hold, and the suspension that it made (by Rung itself). Nothing happens where there is none."""
    study = lock_study(study)
    if study.held_reason:
        study.held_reason = ""
        study.save(update_fields=["held_reason"])
    if _suspended_by_rung(study):
        resume_accrual(study=study, reason=reason, by=by, at=at)


def _suspended_by_rung(study: Study) -> bool:
    suspended_by = study.accrual_suspended_by
    return suspended_by is not None and suspended_by.username == User.SYSTEM


@operation
def wait_for_decision(*, study: Study, on: str, by: User, at: dt.datetime) -> None:
    """Stop registration until the dose decision is signed. on: a digest of the data that it is to be made on.

    It asks for no permission: it follows from a recommendation's being issued.
    """
    study = lock_study(study)
    study.decision_waits_since, study.decision_waits_on = at, on
    study.save(update_fields=["decision_waits_since", "decision_waits_on"])


@operation
def decision_waits_no_more(*, study: Study, by: User, at: dt.datetime) -> None:
    """Let registration go on: the decision took effect, or the data are no longer those that it was to be made on."""
    study = lock_study(study)
    if study.decision_waits_since is not None:
        study.decision_waits_since, study.decision_waits_on = None, ""
        study.save(update_fields=["decision_waits_since", "decision_waits_on"])
