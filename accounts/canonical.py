"""Canonical JSON: what a signature or a snapshot is bound to. Sorted keys, no spaces, decimals and dates as strings."""

import datetime as dt
import hashlib
import json
from decimal import Decimal
from typing import Any


def canonical_json(record: Any) -> str:
    """The one text for a record. Raises TypeError for what has no canonical form."""
    return json.dumps(
        record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_as_text
    )


def sha256_of(record: Any) -> str:
    """SHA-256 over the canonical JSON, in hex (64 characters)."""
    return hashlib.sha256(canonical_json(record).encode()).hexdigest()


def _as_text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")
