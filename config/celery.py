"""Worker and beat. Sweeps once a minute find what is due and what was left; they are code: a release changes them."""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Schedule:
    """Celery's own settings."""

    task_serializer = "json"
    accept_content = ["json"]
    # Nobody waits for an answer: what a task did is in the database.
    task_ignore_result = True
    # A task is taken off the queue when it is done, so one whose worker dies is run again by another.
    task_acks_late = True
    task_reject_on_worker_lost = True
    worker_prefetch_multiplier = 1
    # After how many seconds a task that a dead worker had taken is given to another; no task lasts as long.
    broker_transport_options = {"visibility_timeout": 300}
    worker_hijack_root_logger = False
    broker_connection_retry_on_startup = True
    timezone = "UTC"
    # Redis' lowest priority: neither a simulation of a million trials nor a rehearsal keeps a reminder waiting.
    task_routes = {
        "dosing.tasks.work_on_simulation": {"priority": 9},
        "reminders.tasks.play_rehearsal": {"priority": 9},
    }
    beat_schedule = {
        "dormant-accounts": {"task": "accounts.tasks.close_dormant", "schedule": 3600.0},
        "lockouts-to-tell": {"task": "accounts.tasks.tell_of_lockouts", "schedule": 60.0},
        "sweep": {"task": "reminders.tasks.sweep", "schedule": 60.0},
        "audit-publication": {"task": "reminders.tasks.publish_audit", "schedule": 900.0},
        "abandoned-plays": {"task": "reminders.tasks.look_for_abandoned_plays", "schedule": 60.0},
        "abandoned-simulations": {"task": "dosing.tasks.look_for_abandoned_simulations", "schedule": 60.0},
    }


app = Celery("rung")
app.config_from_object(Schedule)
# Read when it is first needed, so that what settings say then is what holds.
app.add_defaults(lambda: {"broker_url": settings.CELERY_BROKER_URL})
app.autodiscover_tasks()
