"""A section drawn as a form and sent back unchanged says the same as before, whatever the shipped files say."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.template.loader import render_to_string

from dosing.setup_sources import sources_of
from tests.trials.study_forms.browser_like import Form
from trials.definition import PARTS, plain
from trials.protocol import Protocol
from trials.study_forms.content import press, read
from trials.study_forms.shape import shape_of_section
from trials.study_forms.tree import Tree

FILES = sorted((Path(__file__).parents[3] / "trials" / "protocols").glob("*.yaml"))


def definition_of(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = plain(yaml.safe_load(file.read_text()))
    return content


def drawn(section: str, definition: dict[str, Any]) -> Form:
    node, elsewhere = Tree(section, [], sources_of(definition)).draw(shape_of_section(section), definition.get(section))
    assert not elsewhere
    html = render_to_string("dosing/setup/node.html", {"node": node, "top": True})
    return Form(f'<form id="section-form">{html}</form>')


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_section_comes_back_as_it_was(file: Path) -> None:
    definition = definition_of(file)
    sent = {}
    for section in PARTS:
        content = read(shape_of_section(section), drawn(section, definition).sent, section)
        if content is not None:
            sent[section] = content
    assert Protocol.model_validate({"schema": 1, **plain(sent)}) == Protocol.model_validate(definition)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_marks_of_assumption_and_notes_come_back(file: Path) -> None:
    definition = definition_of(file)
    assert definition["escalation"]["assumed"]
    content = read(shape_of_section("escalation"), drawn("escalation", definition).sent, "escalation")
    assert content["assumed"] is True
    assert content["note"].split() == definition["escalation"]["note"].split()


def test_an_optional_part_that_is_absent_stays_absent_and_can_be_added() -> None:
    definition = {**definition_of(FILES[0])}
    definition.pop("expansion")
    form = drawn("expansion", definition)
    assert read(shape_of_section("expansion"), form.sent, "expansion") is None
    assert "put:expansion" in form.buttons
    assert press("put:expansion", None, "expansion") == {}


def test_buttons_change_rows() -> None:
    levels = [{"label": "a", "doses": [{"agent": "x"}]}, {"label": "b"}]
    assert [row["label"] for row in press("up:levels.1", list(levels), "levels")] == ["b", "a"]
    assert [row["label"] for row in press("remove:levels.0", list(levels), "levels")] == ["b"]
    assert [row["label"] for row in press("copy:levels.0", list(levels), "levels")] == ["a", "a", "b"]
    assert press("add:levels", list(levels), "levels")[2] == {}
    assert press("add:levels.0.doses", list(levels), "levels")[0]["doses"] == [{"agent": "x"}, {}]


@pytest.mark.parametrize(
    "button",
    [
        "remove:levels.7",
        "up:levels.0",
        "remove:levels.x",
        "remove:agents.0",
        "add:levels.0.nothing.deep",
        "burn:levels",
        "",
    ],
)
def test_a_button_that_does_not_fit_changes_nothing(button: str) -> None:
    levels = [{"label": "a"}, {"label": "b"}]
    assert [row["label"] for row in press(button, list(levels), "levels")] == ["a", "b"]
