"""Settings of a worker process under test: the real ones, with the mail backend that can be stopped."""

from config.settings import *  # noqa: F403

EMAIL_BACKEND = "tests.reminders.blocking_mail.BlockingMail"
# The tests' own: by another, no password that a test has set would be the right one, and nobody could sign.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
