"""E-mail about accounts. It never says more than that something happened."""

from collections.abc import Sequence

import structlog
from django.core.mail import EmailMessage

log = structlog.get_logger(__name__)


def tell(addresses: Sequence[str], subject: str, text: str) -> bool:
    """Send a message to each address by itself. False where the mail server did not take one; nothing is raised."""
    outcomes = [_sent(EmailMessage(subject, text, to=[address])) for address in addresses if address]
    return all(outcomes)


def _sent(message: EmailMessage) -> bool:
    try:
        message.send()
    except OSError as error:  # smtplib's errors are OSErrors
        log.warning("account_mail_not_sent", error=type(error).__name__)
        return False
    return True
