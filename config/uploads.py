"""What is uploaded: cut off while it arrives, once it is larger than anything that Rung reads."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler

LARGEST = 1_000_000  # bytes; a form may take less, and looks at the content


class AtMost(MemoryFileUploadHandler):
    """Keeps a file in memory, never on disk, and stops the request where it is too large."""

    received = 0

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.activated = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.received += len(raw_data)
        if self.received > LARGEST:
            raise RequestDataTooBig(f"At most {LARGEST:,} bytes are taken in one request.")
        return super().receive_data_chunk(raw_data, start)
