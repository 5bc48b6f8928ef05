"""Event monitoring: the visits after treatment."""

from __future__ import annotations

import datetime as dt

from patients.models import FollowUpVisit, Patient
from patients.schedule.ending import discontinuation_in_force
from patients.schedule.planned import FollowUpDue, around
from patients.schedule.versions import protocol_on
from trials.protocol import Window


def follow_up_visits(patient: Patient) -> list[FollowUpDue]:
    """The event-monitoring visits, done and to come, counted on across a re-treatment; after death none."""
    done = {visit.number: visit for visit in patient.follow_up_visits.all()}
    ended = discontinuation_in_force(patient)
    if ended is None:
        return []
    plan = protocol_on(patient, ended.on).event_monitoring
    before = max((v.number for v in done.values() if v.done_on <= ended.on), default=0)
    latest = max(done, default=0)
    dead = any(not visit.alive for visit in done.values())
    total = plan.for_days // plan.every_days
    return [
        _follow_up(
            before + step,
            ended.on + dt.timedelta(days=step * plan.every_days),
            plan.window,
            last=step == total,
            done=done.get(before + step),
            latest=latest,
        )
        for step in range(1, total + 1)
        if before + step in done or not dead
    ]


def next_follow_up(patient: Patient) -> FollowUpDue | None:
    """The first event-monitoring visit that is neither done nor passed over."""
    return next((v for v in follow_up_visits(patient) if v.done is None and not v.passed_over), None)


def _follow_up(
    number: int, on: dt.date, window: Window, *, last: bool, done: FollowUpVisit | None, latest: int
) -> FollowUpDue:
    day = around(on, window, firm=True)
    passed_over = done is None and number < latest
    return FollowUpDue(number, on, day.window_from, day.window_to, last, done, passed_over)
