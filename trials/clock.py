"""The one function that says what time it is for a study. Operations never look: they are given `at`."""

import datetime as dt
from zoneinfo import ZoneInfo

from django.utils import timezone

from trials.models import Study


def now(study: Study | None = None) -> dt.datetime:
    """The present moment; in a rehearsal, the present time of day on the rehearsal's own day."""
    moment = timezone.now()
    if study is None or study.rehearsal_day is None:
        return moment
    local = moment.astimezone(ZoneInfo(study.time_zone))
    return local.replace(
        year=study.rehearsal_day.year, month=study.rehearsal_day.month, day=study.rehearsal_day.day, fold=0
    )


def today(study: Study, zone: str | None = None) -> dt.date:
    """The calendar day of `now`, in the given site's time zone or the study's."""
    return now(study).astimezone(ZoneInfo(zone or study.time_zone)).date()


def day_of(at: dt.datetime, zone: str) -> dt.date:
    """The calendar day of a moment in a time zone."""
    return at.astimezone(ZoneInfo(zone)).date()
