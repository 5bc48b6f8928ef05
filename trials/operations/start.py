"""A study starts."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from trials.errors import Refused
from trials.models import Cohort, Part, ProtocolVersion, Study
from trials.operations.cohorts import open_cohort
from trials.operations.people import require_set_up
from trials.queries import lock_study


@operation
def go_live(*, study: Study, by: User, at: dt.datetime) -> Cohort:
    """Start the study: its draft version becomes live and the first cohort opens at the protocol's start level."""
    require_set_up(by, study)
    study = lock_study(study)
    version = study.versions.filter(status=ProtocolVersion.Status.DRAFT).order_by("number").first()
    if version is None:
        raise Refused("already-live", f"{study.key} is live already; there is no draft version to start.")
    if not study.sites.exists():
        raise Refused("no-site", "Add at least one site before the study starts.")
    version.status, version.live_at = ProtocolVersion.Status.LIVE, at
    version.save(update_fields=["status", "live_at"])
    part = study.parts.get(kind=Part.Kind.ESCALATION)
    plan = version.protocol.escalation
    level = study.levels.get(ordinal=plan.start_level)
    return open_cohort(study=study, part=part, level=level, size=plan.cohort_size, by=by, at=at)
