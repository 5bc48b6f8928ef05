"""A study file is written so that reading it gives the same; a text that would break the reader is refused."""

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from accounts.canonical import sha256_of
from tests.cast import ANTI_MAG
from trials.definition import NotPlain, plain
from trials.errors import InvalidProtocol
from trials.protocol import Protocol
from trials.study_file import parse_study_file, write_study_file

SHIPPED = sorted(ANTI_MAG.parent.glob("*.yaml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_file_that_is_written_and_read_again_says_the_same(file: Path) -> None:
    definition = parse_study_file(file.read_text())
    again = parse_study_file(write_study_file(definition))
    assert again == definition
    assert sha256_of(again) == sha256_of(definition)
    assert Protocol.model_validate(again) == Protocol.model_validate(definition)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_what_the_file_assumes_and_notes_is_written_too(file: Path) -> None:
    written = write_study_file(parse_study_file(file.read_text()))
    assert written.count("assumed: true") >= file.read_text().count("assumed: true")
    assert "&id" not in written


def test_the_parts_are_written_in_the_order_in_which_people_read_them() -> None:
    definition = parse_study_file(ANTI_MAG.read_text())
    written = yaml.safe_load(write_study_file(dict(sorted(definition.items()))))
    assert list(written)[:5] == ["schema", "study", "agents", "cycle", "levels"]
    assert list(written["levels"][0]) == ["ordinal", "label", "doses"]
    assert list(written["delay"]) == ["limit_days"]
    assert list(written["signatures"])[-2:] == ["assumed", "note"]


def test_a_draft_with_faults_is_written_as_it_is() -> None:
    draft = {"schema": 1, "study": {"key": "X"}, "levels": "none yet", "surprise": [{"b": 1, "a": 2}]}
    assert parse_study_file(write_study_file(draft)) == draft


def test_numbers_are_those_that_a_file_would_have() -> None:
    content = {"a": Decimal("10.00"), "b": Decimal("2.50"), "c": (1, True, None), "d": Decimal("0.1")}
    assert plain(content) == {"a": 10, "b": 2.5, "c": [1, True, None], "d": 0.1}
    assert isinstance(plain(content)["a"], int)


@pytest.mark.parametrize(
    "value", [Decimal("NaN"), float("inf"), float("nan"), "a\0b", "a\x1bb", "\ufffe", {1: 2}, {"x"}, b"bytes"]
)
def test_what_no_file_can_hold_is_refused_with_its_place(value: object) -> None:
    with pytest.raises(NotPlain) as refused:
        plain({"dlt": [value]})
    assert refused.value.fault.path == "dlt.0"


DEEP = "a: " + "[" * 100_000
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(9)
)


@pytest.mark.parametrize(
    "text",
    ["a: &a [*a]", DEEP, BOMB, "2026-99-99", "a: 2026-13-45", "{[1]: 2}", "1: 2", "a: !!int x", "a: !!python/name:os",
     'a: "\\0"', "a: .nan", "a: .inf", "x" * 600_000, "\x01", "--- a\n--- b"],
)  # fmt: skip
def test_a_text_that_would_break_the_reader_is_refused(text: str) -> None:
    with pytest.raises(InvalidProtocol) as refused:
        parse_study_file(text)
    assert all(fault.allowed for fault in refused.value.faults)
