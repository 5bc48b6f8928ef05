"""Where a study stands, as pages show it: worked out once for the same data and day."""

import datetime as dt

from audit.memory import remembered
from dosing.queries.stage import Situation, where_we_stand
from trials.clock import day_of
from trials.models import Slot, Study


def situation_seen(study: Study, moment: dt.datetime) -> Situation:
    """`where_we_stand` for reading. Operations, which decide, ask `where_we_stand` itself under the study's lock."""
    return remembered(study.pk, ("situation", *what_time_changes(study, moment)), lambda: where_we_stand(study, moment))


def what_time_changes(study: Study, moment: dt.datetime) -> tuple[tuple[dt.date, ...], tuple[int, ...]]:
    """What makes a moment another one for a study: the day at each site, and which reservations still run."""
    zones = sorted({study.time_zone, *study.sites.values_list("time_zone", flat=True)})
    running = Slot.objects.filter(study=study, reserved_until__gt=moment).order_by("pk").values_list("pk", flat=True)
    return tuple(day_of(moment, zone) for zone in zones), tuple(running)
