"""Beat looks once a minute; each task is one call of an operation. Arguments are ids, never a patient's data."""

import time
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from accounts.models import User
from audit.operations import publish_what_is_due
from reminders import operations
from reminders.models import Play, Reminder
from reminders.operations.rehearsal import play_on
from trials import clock
from trials.models import Study

log = structlog.get_logger(__name__)
PLAY_AT_ONCE = 20  # seconds; what others do in a rehearsal meanwhile is noticed after them


@shared_task(ignore_result=True)
def sweep() -> None:
    """Look at each live study by itself, so that a fault in one keeps nobody else waiting."""
    for study_id in Study.objects.filter(versions__status="live").values_list("pk", flat=True):
        sweep_study.delay(study_id)


@shared_task(ignore_result=True)
def sweep_study(study_id: int) -> None:
    """Plan what the study's day calls for, settle what a lost worker left, and hand out what is ready to go."""
    study, rung = Study.objects.get(pk=study_id), User.objects.system()
    try:
        operations.plan_reminders(study=study, by=rung, at=clock.now(study))
    finally:  # what could be planned goes out, whatever else could not
        operations.mark_abandoned(study=study, by=rung, at=clock.now())
        for reminder_id in Reminder.objects.filter(study=study).ready(clock.now()).values_list("pk", flat=True):
            send_reminder.delay(reminder_id)


@shared_task(ignore_result=True)
def send_reminder(reminder_id: int) -> None:
    operations.send_reminder(reminder_id=reminder_id, by=User.objects.system(), at=clock.now())


@shared_task(ignore_result=True)
def play_rehearsal(play_id: int) -> None:
    """Play day after day for some seconds, and queue up again behind other tasks until the play has ended."""
    rung, player, until = User.objects.system(), None, time.monotonic() + PLAY_AT_ONCE
    while True:
        player = play_on(play_id=play_id, player=player, by=rung, at=clock.now())
        if player is None:
            return
        if time.monotonic() > until:
            break
    play_rehearsal.delay(play_id)


@shared_task(ignore_result=True)
def look_for_abandoned_plays() -> None:
    """Hand out again what no worker is at. It expires with the next look, so that nothing piles up."""
    for play_id in Play.objects.abandoned(clock.now()).values_list("pk", flat=True):
        log.warning("play_abandoned", play=play_id)
        hand_out_play(play_id, expires=60)


def hand_out_play(play_id: int, **how: Any) -> None:
    """Ask a worker. Where the queue cannot be reached, the look for abandoned plays does it."""
    try:
        play_rehearsal.apply_async((play_id,), **how)
    except OperationalError as error:
        log.warning("play_not_handed_out", play=play_id, error=type(error).__name__)


@shared_task(ignore_result=True)
def publish_audit() -> None:
    """The newest hash of each chain of the audit trail, once a day."""
    publish_what_is_due(
        names=dict(Study.objects.values_list("pk", "key")),
        folder=settings.AUDIT_PUBLISHED_DIR,
        addresses=settings.AUDIT_PUBLISHED_TO,
        by=User.objects.system(),
        at=clock.now(),
    )
