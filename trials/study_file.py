"""The study file as text: YAML read into plain data, and plain data written as YAML."""

from __future__ import annotations

import types
import typing
from typing import Any

import yaml
from pydantic import BaseModel

from trials.definition import NotPlain, plain
from trials.errors import Fault, InvalidProtocol
from trials.protocol import Protocol

LONGEST = 200_000


class _OneKeyOnce(yaml.SafeLoader):
    """YAML in which a key that stands twice is a fault: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise InvalidProtocol([Fault(f"line {key_node.start_mark.line + 1}", key, "a key may stand once only")])
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def parse_study_file(text: str) -> dict[str, Any]:
    """The file's content as plain data. Raises InvalidProtocol for what is no study file at all."""
    if len(text) > LONGEST:
        raise InvalidProtocol([Fault("file", f"{len(text)} characters", f"at most {LONGEST} characters")])
    try:
        content = yaml.load(text, Loader=_OneKeyOnce)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise InvalidProtocol([Fault("file", str(error), "a study file is YAML")]) from error
    if not isinstance(content, dict):
        raise InvalidProtocol([Fault("file", type(content).__name__, "a study file is a mapping of its parts")])
    try:
        found: dict[str, Any] = plain(content)
    except NotPlain as error:
        raise InvalidProtocol([error.fault]) from error
    return found


def write_study_file(definition: dict[str, Any]) -> str:
    """The definition as a study file, in the order in which people read one. Reading it gives the same definition."""
    return yaml.safe_dump(_in_order(definition, Protocol), sort_keys=False, allow_unicode=True, width=120)


def _in_order(value: Any, part: type[BaseModel] | None) -> Any:
    if isinstance(value, list):
        return [_in_order(item, part) for item in value]
    if not isinstance(value, dict):
        return value
    fields = {field.alias or name: field.annotation for name, field in (part.model_fields if part else {}).items()}
    last = [name for name in ("assumed", "note") if name in fields]
    known = [name for name in fields if name in value and name not in last]
    unknown = sorted(name for name in value if name not in fields)
    order = [*known, *unknown, *(name for name in last if name in value)]
    return {name: _in_order(value[name], _part_in(fields.get(name))) for name in order}


def _part_in(annotation: Any) -> type[BaseModel] | None:
    """The part of a study file that a field holds: itself, as a list, or where it is not None."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((found for found in map(_part_in, typing.get_args(annotation)) if found is not None), None)
