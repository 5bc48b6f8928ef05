"""Which of some functions are called in a journey, in what order, and by which other of them."""

import functools
import importlib
import inspect
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

OURS = ("reminders", "labs", "dosing", "patients", "trials", "accounts", "audit")
LINE = re.compile(r"^(?P<indent> *)(?P<name>[A-Za-z_.]+) +(?P<file>[\w/]+)\.py$")


@dataclass(frozen=True)
class Stop:
    """A function that the tour names: where it stands, and which function of the tour calls it ("" for none)."""

    module: str
    name: str
    caller: str

    def holder(self) -> Any:
        """The module, or the class within it, that has the function."""
        *classes, _ = self.name.split(".")
        return functools.reduce(getattr, classes, importlib.import_module(self.module))

    @property
    def attribute(self) -> str:
        return self.name.rpartition(".")[2]


def stops_of(text: str) -> list[Stop]:
    """The functions in a tour's block of calls; a line is called by the nearest one above that is set in less."""
    callers: list[tuple[int, str]] = []
    stops = []
    for line in re.findall(r"```\n(.*?)```", text, re.DOTALL)[0].splitlines():
        match = LINE.match(line)
        assert match, f"not a function and its file: {line!r}"
        indent, name = len(match["indent"]), match["name"]
        callers = [(other, caller) for other, caller in callers if other < indent]
        stops.append(Stop(match["file"].replace("/", "."), name, callers[-1][1] if callers else ""))
        callers.append((indent, name))
    return stops


@dataclass
class Trace:
    """Calls of the stops, as (name, the stop it was called within), over all threads."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    within: threading.local = field(default_factory=threading.local)

    def watch(self, stop: Stop, patch: pytest.MonkeyPatch) -> None:
        """Put a wrapper wherever the function is known by a name, in its module and in those that import it."""
        function = inspect.getattr_static(stop.holder(), stop.attribute)
        wrapper = self._wrapped(stop.name, function)
        patch.setattr(stop.holder(), stop.attribute, wrapper)
        for module in [m for name, m in sys.modules.items() if name.partition(".")[0] in OURS]:
            for name in [name for name, value in vars(module).items() if value is function]:
                patch.setattr(module, name, wrapper)

    def _wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            stack: list[str] = self.within.__dict__.setdefault("stack", [""])
            self.calls.append((name, stack[-1]))
            stack.append(name)
            try:
                return function(*args, **kwargs)
            finally:
                stack.pop()

        return wrapper
