"""Which test shows which requirement, read from the marks in the tests' own text: nothing has to be run for it.

A test is named as pytest names it, without its parameters: tests/audit/test_attacks.py::test_raw_sql_leaves_an_entry.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from config.environment import BASE_DIR

Tests = dict[str, list[str]]  # requirement → tests, sorted


def shown_by_tests(folder: Path = BASE_DIR / "tests", root: Path = BASE_DIR) -> Tests:
    """Requirement → the tests marked with it, in all test files below `folder`; named from `root`."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(folder.rglob("test_*.py")):
        for test, requirement in marked_in(path.read_text()):
            found[requirement].add(f"{path.relative_to(root).as_posix()}::{test}")
    return {requirement: sorted(tests) for requirement, tests in sorted(found.items())}


def marked_in(source: str) -> Iterator[tuple[str, str]]:
    """(test, requirement) for each mark in a test file, those of its classes and of the whole file included."""
    module = ast.parse(source)
    yield from _marked(module.body, "", _pytestmark(module.body))


def _marked(body: list[ast.stmt], prefix: str, inherited: list[str]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            own = [each for decorator in node.decorator_list for each in _ids(decorator)]
            yield from ((prefix + node.name, each) for each in [*inherited, *own])
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            own = [each for decorator in node.decorator_list for each in _ids(decorator)]
            yield from _marked(node.body, f"{prefix}{node.name}::", [*inherited, *own, *_pytestmark(node.body)])
        elif isinstance(node, ast.Assign) and (name := _state_machine(node)):
            yield from ((f"{name}::runTest", each) for each in inherited)


def _pytestmark(body: list[ast.stmt]) -> list[str]:
    return [
        each
        for node in body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)
        for each in _ids(node.value)
    ]


def _state_machine(node: ast.Assign) -> str:
    """The name in `TestAnyTrial = AnyTrial.TestCase`."""
    target = node.targets[0]
    is_one = isinstance(node.value, ast.Attribute) and node.value.attr == "TestCase"
    return target.id if is_one and isinstance(target, ast.Name) and target.id.startswith("Test") else ""


def _ids(node: ast.expr) -> list[str]:
    """The ids in each pytest.mark.req("…") in an expression, those of a single parameter included."""
    return [
        str(argument.value)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.req"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    ]
