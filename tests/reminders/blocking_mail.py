"""A mail backend that stops where a test wants to kill its worker, and notes in a file what went out.

RUNG_TEST_MAIL names the file. RUNG_TEST_BLOCK says where to stop: "open" (claimed, nothing handed over yet),
"before-write" (about to hand over), "after-write" (handed over, nothing noted yet), or nothing.
"""

import os
import time
from pathlib import Path
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend


class BlockingMail(BaseEmailBackend):
    def open(self) -> bool:
        _stop_at("open")
        return True

    def send_messages(self, email_messages: Any) -> int:
        _stop_at("before-write")
        with Path(os.environ["RUNG_TEST_MAIL"]).open("a") as log:
            for message in email_messages:
                log.write(f"{message.to[0]} {message.subject}\n")
        _stop_at("after-write")
        return len(email_messages)


def _stop_at(place: str) -> None:
    if os.environ.get("RUNG_TEST_BLOCK") == place:
        Path(os.environ["RUNG_TEST_MAIL"]).with_suffix(".stopped").touch()
        time.sleep(600)
