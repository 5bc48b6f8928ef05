"""The direction that import-linter cannot see: foreign keys, and what operations may know."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import Field

from config.environment import BASE_DIR

# From the bottom up; labs and dosing stand beside each other.
LAYERS = [{"audit"}, {"accounts"}, {"trials"}, {"patients"}, {"labs", "dosing"}, {"reminders"}]
OURS = set.union(*LAYERS)
UNKNOWN_TO_OPERATIONS = ("django.http", "django.forms", "django.shortcuts", "django.views", "django.utils.timezone")


def layer_of(app: str) -> int:
    return next(height for height, names in enumerate(LAYERS) if app in names)


def foreign_keys() -> list[tuple[str, str, str]]:
    """(app, model.field, app pointed at) for every relation from one model of ours to another."""
    return [
        (app, f"{model.__name__}.{field.name}", field.related_model._meta.app_label)
        for app in sorted(OURS)
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.get_fields()
        if isinstance(field, Field) and field.is_relation and field.related_model._meta.app_label in OURS
    ]


@pytest.mark.req("EMA-5.1")
def test_foreign_keys_point_downwards() -> None:
    found = foreign_keys()
    assert len(found) > 20
    upwards = [
        f"{app}.{name} -> {target}"
        for app, name, target in found
        if app != target and layer_of(target) >= layer_of(app)
    ]
    assert upwards == []


@pytest.mark.req("P11-10c", "R3-4.2.7")
def test_no_foreign_key_takes_clinical_rows_with_it() -> None:
    """A row that others point at is protected; nothing that was recorded goes by cascade."""
    cascading = [
        f"{app}.{model.__name__}.{field.name}"
        for app in sorted(OURS - {"audit"})
        for model in apps.get_app_config(app).get_models()
        if model.__module__.startswith(f"{app}.")
        for field in model._meta.get_fields()
        if isinstance(field, Field)
        and field.is_relation
        and field.remote_field is not None
        and getattr(field.remote_field, "on_delete", None).__class__.__name__ != "NoneType"
        and field.remote_field.on_delete.__name__ == "CASCADE"
    ]
    assert cascading == []


def operation_files() -> list[Path]:
    return sorted([*BASE_DIR.glob("*/operations.py"), *BASE_DIR.glob("*/operations/*.py")])


@pytest.mark.parametrize("file", operation_files(), ids=lambda file: str(file.relative_to(BASE_DIR)))
def test_operations_know_no_request_form_or_clock(file: Path) -> None:
    tree = ast.parse(file.read_text())
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert not imported & set(UNKNOWN_TO_OPERATIONS)


def test_there_are_no_signals() -> None:
    """A write's consequences stand in the operation that makes it, not in a receiver somewhere else."""
    ours = [path for app in OURS | {"config"} for path in (BASE_DIR / app).rglob("*.py")]
    assert ours
    assert [str(path) for path in ours if "django.dispatch" in path.read_text()] == []
