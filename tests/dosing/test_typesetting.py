"""Every text that people can type can be printed."""

import pytest
import typst
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from dosing.typesetting import _lacking, typeset
from tests.cast import DAY_ONE, moment, person
from trials.models import Role, Study
from trials.operations import grant_role

LAYOUT = b'#set document(title: "A document")\n#let given = json(bytes(sys.inputs.given))\n#given.text'


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_was_typed_is_printed_and_the_same_each_time(text: str) -> None:
    first = typeset(LAYOUT, "given", {"text": text, "others": [text]}, moment(DAY_ONE))
    assert first.startswith(b"%PDF-")
    assert first == typeset(LAYOUT, "given", {"text": text, "others": [text]}, moment(DAY_ONE))


def test_what_no_font_has_stands_by_its_number() -> None:
    spelt = typeset(LAYOUT, "given", {"text": "Dr [U+738B][U+4F1F], [U+0001] Đặng"}, moment(DAY_ONE))
    assert typeset(LAYOUT, "given", {"text": "Dr 王伟, \x01 Đặng"}, moment(DAY_ONE)) == spelt


def test_what_typst_names_is_read_as_it_writes_it() -> None:
    said = (
        'error: the text `"\\u{1}\\"王\\\\"` could not be displayed by x\nerror: the text `"😀"` could not be displayed'
    )
    assert _lacking(said) == {"\x01", "王", "😀"}


def test_a_faulty_layout_is_told() -> None:
    with pytest.raises(typst.TypstError, match="unknown variable"):
        typeset(b"#nothing", "given", {}, moment(DAY_ONE))


def test_a_name_in_another_script_does_not_hinder_the_log_of_delegations(study: Study, rung: User) -> None:
    wang = person("wang", "王伟 (Wang Wei)")
    grant_role(study=study, person=wang, role=Role.MONITOR, by=rung, at=moment(DAY_ONE))
    browser = Client()
    browser.force_login(wang)
    answer = browser.get(f"/studies/{study.key}/delegation/log.pdf")
    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
