"""Beat looks once a minute; each task is one call of an operation. Arguments are ids, never a patient's data."""

from celery import shared_task

from accounts.models import User
from reminders import operations
from reminders.models import Reminder
from trials import clock
from trials.models import Study


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
