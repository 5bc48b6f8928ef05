"""A rehearsal's own day."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from trials.errors import Refused
from trials.models import Study
from trials.permissions import Permission, require
from trials.queries import lock_study


@operation
def move_rehearsal_day(*, study: Study, days: int, by: User, at: dt.datetime) -> dt.date:
    """Move a rehearsal's own day on by 1 to 366 days; a live study has no such day."""
    require(by, Permission.MOVE_REHEARSAL_DAY, study)
    study = lock_study(study)
    if study.rehearsal_day is None:
        raise Refused("not-a-rehearsal", f"{study.key} is a live study: its day is today's and cannot be moved.")
    if not 1 <= days <= 366:
        raise Refused(
            "days-out-of-range",
            f"{days} days is not possible; move the day on by 1 to 366 days.",
            field="days",
        )
    study.rehearsal_day += dt.timedelta(days=days)
    study.save(update_fields=["rehearsal_day"])
    return study.rehearsal_day
