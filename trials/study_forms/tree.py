"""A section of the study file as what its form draws: groups, lists and inputs, each with its faults beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trials.errors import Fault
from trials.study_forms.shape import Kind, Shape, fields_of
from trials.study_forms.words import CHOICES, Words, item_words, words_of

Option = tuple[str, str]  # value, label
MUCH_TEXT = 80


@dataclass(frozen=True)
class Parameter:
    """A parameter of a design. kind: as of an input; default: what holds when it is left empty, in words."""

    name: str
    label: str
    hint: str
    kind: Kind
    default: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True)
class Sources:
    """What a form offers beside its types: options by field ("Dose.agent"), and the parameters of a design."""

    options: Mapping[str, tuple[Option, ...]] = field(default_factory=dict)
    parameters: Callable[[str], Sequence[Parameter]] = lambda name: ()


@dataclass(frozen=True)
class Node:
    """One thing on the form. template: which file draws it. children: of groups and lists, in their order.

    present: whether an optional part is there. faults: sentences about just this. value: as typed, or for a choice
    of several the values chosen.
    """

    path: str
    template: str
    label: str
    hint: str = ""
    value: Any = ""
    optional: bool = False
    present: bool = True
    options: tuple[Option, ...] = ()
    children: tuple[Node, ...] = ()
    faults: tuple[str, ...] = ()
    input_type: str = "text"
    inputmode: str = ""
    assumed: bool = False
    note: str = ""
    item_label: str = ""
    short: bool = False

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def key(self) -> str:
        """Fit for an id."""
        return self.path.replace(".", "-").replace("_", "-")

    @property
    def faults_inside(self) -> int:
        return len(self.faults) + sum(child.faults_inside for child in self.children)


class Tree:
    """Draws one section. content: as the file has it, faults and all; faults: of the whole draft."""

    def __init__(self, section: str, faults: Iterable[Fault], sources: Sources) -> None:
        self.section, self.sources = section, sources
        self.faults: dict[str, list[str]] = {}
        for fault in faults:
            if fault.path == section or fault.path.startswith(f"{section}."):
                self.faults.setdefault(fault.path, []).append(_sentence(fault))
        self.placed: set[str] = set()

    def draw(self, shape: Shape, content: Any) -> tuple[Node, tuple[str, ...]]:
        """The section's node, and what is wrong in places that the form does not show."""
        node = self._node(shape, content, self.section, words_of(None, self.section), "")
        elsewhere = [s for path, found in self.faults.items() if path not in self.placed for s in found]
        return node, tuple(elsewhere)

    def _node(self, shape: Shape, content: Any, path: str, words: Words, field: str) -> Node:
        if shape.kind is Kind.PART:
            return self._group(shape, content, path, words)
        if shape.kind is Kind.LIST:
            return self._rows(shape, content, path, words)
        if shape.kind is Kind.PARAMETERS:
            return self._design_parameters(content, path, words)
        return self._input(shape, content, path, words, field)

    def _group(self, shape: Shape, content: Any, path: str, words: Words) -> Node:
        assert shape.part is not None
        said = content if isinstance(content, dict) else {}
        missing = shape.optional and shape.default is None
        present = content is not None or not missing
        children = tuple(
            self._node(
                inner, said.get(name), f"{path}.{name}", words_of(shape.part, name), f"{shape.part.__name__}.{name}"
            )
            for name, inner in fields_of(shape.part).items()
        )
        self._hold_back(path, shape)
        return Node(
            path,
            "group",
            words.label,
            words.hint,
            optional=missing,
            present=present,
            children=self._with_design(said, children) if present else (),
            faults=self._faults(path),
            assumed=bool(said.get("assumed")),
            note=str(said.get("note") or ""),
        )

    def _with_design(self, said: Mapping[str, Any], children: tuple[Node, ...]) -> tuple[Node, ...]:
        """A design's parameters are those of the design that is chosen."""
        if not any(child.template == "parameters" for child in children):
            return children
        offered = self.sources.parameters(str(said.get("name") or ""))
        given = said.get("parameters") if isinstance(said.get("parameters"), dict) else {}
        assert isinstance(given, dict)
        return tuple(self._parameters_of(c, offered, given) if c.template == "parameters" else c for c in children)

    def _parameters_of(self, node: Node, offered: Sequence[Parameter], given: Mapping[str, Any]) -> Node:
        known = {parameter.name for parameter in offered}
        unknown = [
            Parameter(name, name, "This design has no such parameter: empty it.", Kind.TEXT, "") for name in given
        ]
        children = tuple(
            self._parameter(f"{node.path}.{p.name}", p, given.get(p.name))
            for p in (*offered, *(u for u in unknown if u.name not in known))
        )
        return Node(node.path, "parameters", node.label, node.hint, children=children, faults=node.faults)

    def _parameter(self, path: str, parameter: Parameter, value: Any) -> Node:
        hint = f"{parameter.hint} Left empty: {parameter.default}." if parameter.default else parameter.hint
        options = parameter.options
        if parameter.kind is Kind.YES_NO:
            options = (("", f"as published ({parameter.default})"), ("yes", "yes"), ("no", "no"))
        return Node(
            path,
            "select" if options else "input",
            parameter.label,
            hint.strip(),
            _typed_words(value),
            optional=True,
            options=options,
            faults=self._faults(path),
            inputmode="decimal" if parameter.kind is Kind.NUMBER else "",
            short=parameter.kind in (Kind.NUMBER, Kind.WHOLE),
        )

    def _design_parameters(self, content: Any, path: str, words: Words) -> Node:
        return Node(path, "parameters", words.label, words.hint, content, faults=self._faults(path))

    def _rows(self, shape: Shape, content: Any, path: str, words: Words) -> Node:
        assert shape.item is not None
        rows = content if isinstance(content, list) else []
        children = tuple(
            self._node(shape.item, row, f"{path}.{place}", item_words(place, row), "") for place, row in enumerate(rows)
        )
        return Node(
            path,
            "list",
            words.label,
            words.hint,
            optional=shape.optional,
            children=children,
            faults=self._faults(path),
            item_label=words.item,
        )

    def _input(self, shape: Shape, content: Any, path: str, words: Words, field: str) -> Node:
        name = path.rpartition(".")[2]
        options = self._options(shape, field)
        several = shape.kind in (Kind.CHOICES, Kind.LINES)
        value = _several(shape, content) if several else _single(shape, content)
        template = _template(shape, name, options, value)
        if template == "select":
            options = _with_current(options, str(value), optional=shape.optional)
        return Node(
            path,
            template,
            words.label,
            " ".join(filter(None, [words.hint, _range_words(shape), _default_words(shape)])),
            "\n".join(value) if template == "lines" and several else value,
            optional=shape.optional,
            options=options,
            faults=self._faults(path, deep=several or shape.kind is Kind.DAYS),
            inputmode={Kind.WHOLE: "numeric", Kind.NUMBER: "decimal"}.get(shape.kind, ""),
            short=shape.kind in (Kind.WHOLE, Kind.NUMBER) or name == "code",
        )

    def _options(self, shape: Shape, field: str) -> tuple[Option, ...]:
        given = self.sources.options.get(field, ())
        if not shape.choices:
            return given
        named = CHOICES.get(field.rpartition(".")[2], {}) | dict(given)
        return tuple((c, named.get(c, c.replace("-", " ").replace("_", " "))) for c in shape.choices)

    def _faults(self, path: str, *, deep: bool = False) -> tuple[str, ...]:
        mine = [p for p in self.faults if p == path or (deep and p.startswith(f"{path}."))]
        self.placed.update(mine)
        return tuple(dict.fromkeys(sentence for p in mine for sentence in self.faults[p]))

    def _hold_back(self, path: str, shape: Shape) -> None:
        """Marks of assumption have no fault of their own place: theirs are told with the part."""
        for name in ("assumed", "note"):
            found = self.faults.pop(f"{path}.{name}", [])
            if found:
                self.faults.setdefault(path, []).extend(found)


def _template(shape: Shape, name: str, options: tuple[Option, ...], value: Any) -> str:
    if shape.kind is Kind.YES_NO:
        return "tick"
    if shape.kind is Kind.CHOICES or (shape.kind is Kind.LINES and options):
        return "ticks"
    if shape.kind is Kind.LINES:
        return "lines"
    if options:
        return "select"
    return "lines" if name in ("text", "question") or len(str(value)) > MUCH_TEXT else "input"


def _single(shape: Shape, content: Any) -> Any:
    if shape.kind is Kind.YES_NO:
        return bool(shape.default if content is None else content)
    if content is None and shape.kind is Kind.CHOICE and shape.optional:
        return str(shape.default)
    return _typed_words(content)


def _several(shape: Shape, content: Any) -> list[str]:
    said = content if isinstance(content, list | tuple) else ((shape.default or ()) if content is None else [content])
    return [str(one) for one in said]


def _typed_words(value: Any) -> str:
    """A value as one would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_typed_words(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _with_current(options: tuple[Option, ...], value: str, *, optional: bool) -> tuple[Option, ...]:
    """Nothing that stands in the file is lost because it is not among the options."""
    known = {option for option, _ in options}
    first: tuple[Option, ...] = (("", "none" if optional else "choose …"),) if optional or not value else ()
    stray: tuple[Option, ...] = ((value, f"{value} (not possible)"),) if value and value not in known else ()
    return (*first, *options, *stray)


def _range_words(shape: Shape) -> str:
    if shape.least is not None and shape.most is not None:
        return f"{shape.least:f} to {shape.most:f}."
    return ""


def _default_words(shape: Shape) -> str:
    if shape.kind in (Kind.WHOLE, Kind.NUMBER, Kind.TEXT) and shape.optional and shape.default not in (None, ""):
        return f"Left empty: {shape.default}."
    return ""


def _sentence(fault: Fault) -> str:
    allowed = str(fault.allowed).rstrip(".")
    allowed = allowed[:1].upper() + allowed[1:]
    return f"{allowed}." if fault.value in (None, "") else f"{fault.value!r} is not possible. {allowed}."
