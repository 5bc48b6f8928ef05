"""A study file's content as plain data: what a draft keeps, in the form in which a file would have it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trials.errors import Fault
from trials.protocol import Protocol

# Line breaks and tabs are text. Neither the database nor a drawing nor a PDF can hold all of the others.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
MOST_VALUES = 20_000
DEEPEST = 20

# The parts of a study file by their names there, in the order in which a file has them.
PARTS = tuple(
    field.alias or name
    for name, field in Protocol.model_fields.items()
    if name not in ("schema_version", "assumed", "note")
)


def changed_parts(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The parts of a study file in which two definitions differ, in a file's order."""
    return [part for part in PARTS if old.get(part) != new.get(part)]


class NotPlain(ValueError):
    """Content that no study file can hold."""

    def __init__(self, path: str, value: object, allowed: str) -> None:
        self.fault = Fault(path.removeprefix("file."), value, allowed)
        super().__init__(str(self.fault))


def plain(content: Any) -> Any:
    """The same content in mappings, lists, texts, whole and decimal numbers, booleans and None: as JSON has it.

    Decimals become numbers, whole ones without a fraction, so that a form and a file that say the same are the same.
    Raises NotPlain for anything else, and for more than any protocol would say.
    """
    return _Plain().of(content, "file", 0)


class _Plain:
    def __init__(self) -> None:
        self.values = 0

    def of(self, value: Any, path: str, depth: int) -> Any:
        self.values += 1
        if self.values > MOST_VALUES or depth > DEEPEST:
            raise NotPlain(path, "…", f"at most {MOST_VALUES} values, in at most {DEEPEST} layers")
        if isinstance(value, Mapping):
            return {self._key(k, path): self.of(v, f"{path}.{k}", depth + 1) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(v, f"{path}.{i}", depth + 1) for i, v in enumerate(value)]
        return self._single(value, path)

    def _key(self, key: object, path: str) -> str:
        if not isinstance(key, str):
            raise NotPlain(path, key, "names of parts are texts")
        return str(self._single(key, path))

    def _single(self, value: Any, path: str) -> Any:
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, str):
            if CONTROL.search(value):
                raise NotPlain(path, value[:40], "a text without control characters")
            return str(value)
        if isinstance(value, Decimal):
            value = int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
        if isinstance(value, float) and value - value == 0:
            return value
        if isinstance(value, dt.date):
            return value.isoformat()
        if isinstance(value, int):
            return value
        raise NotPlain(path, value, "a text, a finite number, yes or no")
