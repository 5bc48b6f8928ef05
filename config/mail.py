"""E-mail while trying Rung out: a file to read and a line in the log, nothing leaves the machine."""

from collections.abc import Sequence

import structlog
from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend as FileBackend

log = structlog.get_logger(__name__)


class LocalMailBackend(FileBackend):
    """Writes each message to EMAIL_FILE_PATH; the log says how many and where, never to whom or what."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        sent = super().send_messages(email_messages) or 0
        log.info("mail_written", messages=sent, folder=str(self.file_path))
        return sent
