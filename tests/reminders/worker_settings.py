"""Settings of a worker process under test: the real ones, with the mail backend that can be stopped."""

from config.settings import *  # noqa: F403

EMAIL_BACKEND = "tests.reminders.blocking_mail.BlockingMail"
