"""What a part of the study file is made of, as forms need to know it: read off the types of `trials.protocol`."""

from __future__ import annotations

import types
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import BaseMetadata, Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from trials.protocol import Protocol

EVERYWHERE = ("assumed", "note")  # of every part; forms show them once, folded


class Kind(StrEnum):
    """How a value is entered."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    YES_NO = "yes or no"
    CHOICE = "choice"
    CHOICES = "choices"
    DAYS = "days"
    LINES = "lines"
    PART = "part"
    LIST = "list"
    PARAMETERS = "parameters"


@dataclass(frozen=True)
class Shape:
    """A field's type. part: the model of a PART; item: of what a LIST is made; choices: values that can be chosen.

    optional: the field may be left out. default: what then holds. least, most: limits of a number, None where none.
    """

    kind: Kind
    optional: bool = False
    default: Any = None
    part: type[BaseModel] | None = None
    item: Shape | None = None
    choices: tuple[str, ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None


@cache
def shape_of_section(section: str) -> Shape:
    """The shape of a top-level part of the study file, by its name there. KeyError for one that does not exist."""
    return fields_of(Protocol)[section]


@cache
def fields_of(part: type[BaseModel]) -> dict[str, Shape]:
    """The fields of a part by name, in their order, without those that every part has."""
    hints = get_type_hints(part, include_extras=True)
    return {
        name: _shape(name, hints[name], field) for name, field in part.model_fields.items() if name not in EVERYWHERE
    }


def _shape(name: str, hint: Any, field: FieldInfo) -> Shape:
    optional = not field.is_required()
    default = field.get_default(call_default_factory=True) if optional else None
    limits = list(field.metadata)
    kind, limits = _without_wrapping(hint, limits)
    return _typed(name, kind, limits, optional=optional, default=default)


def _without_wrapping(hint: Any, limits: list[Any]) -> tuple[Any, list[Any]]:
    """The type without `Annotated` and `| None`, and the limits that were said on the way."""
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *said = get_args(hint)
        return _without_wrapping(inner, [*limits, *said])
    if origin in (Union, types.UnionType):
        [inner] = [arg for arg in get_args(hint) if arg is not type(None)]
        return _without_wrapping(inner, limits)
    return hint, limits


def _typed(name: str, kind: Any, limits: list[Any], *, optional: bool, default: Any) -> Shape:
    common: dict[str, Any] = {"optional": optional, "default": default}
    if get_origin(kind) is tuple:
        return _several(name, get_args(kind)[0], common)
    if get_origin(kind) is dict:
        return Shape(Kind.PARAMETERS, **common)
    if get_origin(kind) is Literal:
        return Shape(Kind.CHOICE, choices=tuple(map(str, get_args(kind))), **common)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return Shape(Kind.CHOICE, choices=tuple(str(member.value) for member in kind), **common)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return Shape(Kind.PART, part=kind, **common)
    simple = {bool: Kind.YES_NO, int: Kind.WHOLE, Decimal: Kind.NUMBER, str: Kind.TEXT}[kind]
    least, most = _limits(limits)
    return Shape(simple, least=least, most=most, **common)


def _several(name: str, item: Any, common: dict[str, Any]) -> Shape:
    inner, limits = _without_wrapping(item, [])
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return Shape(Kind.LIST, item=Shape(Kind.PART, part=inner), **common)
    if inner is int:
        return Shape(Kind.DAYS, **common)
    if get_origin(inner) is Literal:
        return Shape(Kind.CHOICES, choices=tuple(map(str, get_args(inner))), **common)
    return Shape(Kind.LINES, item=_typed(name, inner, limits, optional=False, default=None), **common)


def _limits(said: list[Any]) -> tuple[Decimal | None, Decimal | None]:
    least = most = None
    for limit in _flat(said):
        if isinstance(limit, Ge | Gt):
            least = Decimal(str(getattr(limit, "ge", getattr(limit, "gt", None))))
        if isinstance(limit, Le | Lt):
            most = Decimal(str(getattr(limit, "le", getattr(limit, "lt", None))))
    return least, most


def _flat(said: list[Any]) -> list[BaseMetadata]:
    found: list[BaseMetadata] = []
    for one in said:
        found += _flat(one.metadata) if isinstance(one, FieldInfo) else [one]
    return [limit for limit in found if not isinstance(limit, MinLen | MaxLen)]
