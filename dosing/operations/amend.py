"""Approving an amendment, with its design: its boundaries hold from then on, and what was recommended by the old one
is no longer waited for.
"""

import datetime as dt
from collections.abc import Mapping

from accounts.models import User
from audit.context import operation
from dosing.models import Decision, Recommendation
from dosing.operations.protocol import boundaries_of, refuse_faulty_design
from dosing.operations.recommend import store_recommendation, withdraw_outdated
from dosing.queries import where_we_stand
from dosing.queries.changes import is_stale
from dosing.queries.tally import tally_now
from patients.operations.safety import stop_if_eliminated
from trials import operations as trials
from trials.models import ProtocolVersion, Study
from trials.operations import decision_waits_no_more
from trials.queries import amendment_of, lock_study


@operation
def approve_amendment(
    *, study: Study, from_days: Mapping[str, dt.date], seen_sha256: str, by: User, at: dt.datetime
) -> ProtocolVersion:
    """Approve an amendment with the boundaries of its design. As `trials.operations.approve_amendment`.

    In the same transaction the safety stop is looked at again at every level, under the new boundaries; and a
    recommendation that no decision has taken effect on is issued anew, where the data allow one.
    """
    study = lock_study(study)
    refuse_faulty_design(study)
    draft = amendment_of(study)
    waiting = _waiting_recommendation(study)
    version = trials.approve_amendment(
        study=study,
        boundaries=boundaries_of(draft) if draft is not None else [],
        from_days=from_days,
        seen_sha256=seen_sha256,
        by=by,
        at=at,
    )
    study = lock_study(study)
    for level in study.levels.order_by("ordinal"):
        stop_if_eliminated(study=study, level=level, by=by, at=at)
    if waiting is not None:
        _recommend_anew(study, waiting, by, at)
    return version


def _waiting_recommendation(study: Study) -> Recommendation | None:
    """The newest recommendation, while no decision on it has taken effect."""
    newest = study.recommendations.order_by("-number").first()
    if newest is None or newest.decisions.filter(status=Decision.Status.SIGNED).exists():
        return None
    return newest


def _recommend_anew(study: Study, waiting: Recommendation, by: User, at: dt.datetime) -> None:
    """What was proposed on it is withdrawn: it names a version that is no longer the study's."""
    if not is_stale(waiting, tally_now(study, at)):
        return
    situation = where_we_stand(study, at)
    withdraw_outdated(situation, at)
    if situation.decidable:
        store_recommendation(situation, by, at)
    else:
        decision_waits_no_more(study=study, by=by, at=at)
