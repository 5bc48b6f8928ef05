"""The Protocol page says what the study file says, and marks whatever of it is assumed."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.html import Element, parse_html
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.browser import Complaints, browser, faults, is_wider_than_the_screen
from tests.cast import ANTI_MAG, DAY_ONE, moment
from trials.models import Role, Study
from trials.operations import adopt_protocol, grant_role
from trials.protocol import Protocol
from trials.protocol_page import protocol_page

__all__ = ["browser"]

pytestmark = pytest.mark.django_db

PAGE = "/studies/{}/protocol/"
FREE = ("design.parameters",)  # whatever a design takes: not a part that could be marked


def definition() -> dict[str, Any]:
    return copy.deepcopy(yaml.safe_load(ANTI_MAG.read_text()))


def parts(content: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of a study file, with its path: 'dlt.rules.0'. The file itself is 'protocol'."""
    if isinstance(content, dict) and path not in FREE:
        yield path or "protocol", content
        for name, inside in content.items():
            yield from parts(inside, f"{path}.{name}".lstrip("."))
    elif isinstance(content, list):
        for place, inside in enumerate(content):
            yield from parts(inside, f"{path}.{place}")


def assumed_in(content: dict[str, Any]) -> dict[str, str]:
    """What a study file assumes: path and note ("" for none)."""
    return {path: part.get("note", "") for path, part in parts(content) if part.get("assumed")}


def everything_assumed() -> dict[str, Any]:
    """The study file with every part of it marked as assumed, each with a note of its own."""
    content = yaml.safe_load(yaml.dump(definition(), Dumper=_NoAliases))
    content["study"]["key"] = "ALL-ASSUMED"
    for path, part in list(parts(content)):
        part |= {"assumed": True, "note": f"Reason for {path}, chosen here."}
    return content


class _NoAliases(yaml.SafeDumper):
    """What the file says twice becomes two parts, so that each can have its own note."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def shown_to(user: User, study: Study) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(PAGE.format(study.key))
    assert answer.status_code == 200
    return answer.content.decode()


def elements(node: Element | str) -> Iterator[Element]:
    if not isinstance(node, str):
        yield node
        for child in node.children:
            yield from elements(child)


def text_of(node: Element | str) -> str:
    text = node if isinstance(node, str) else " ".join(text_of(child) for child in node.children)
    return " ".join(text.split())


def marked(page: str) -> dict[str, str]:
    """Path in the study file and the words of its mark, for all that the page shows as assumed."""
    found: dict[str, str] = {}
    for element in elements(parse_html(page)):
        for path in dict(element.attributes).get("data-assumed", "").split():
            assert path not in found, f"{path} is marked twice"
            found[path] = text_of(element)
    return found


@pytest.fixture
def all_assumed(rung: User, coordinator_a: User) -> Study:
    version = adopt_protocol(definition=everything_assumed(), rehearsal_day=DAY_ONE, by=rung, at=moment(DAY_ONE))
    at = moment(DAY_ONE)
    grant_role(study=version.study, person=coordinator_a, role=Role.MONITOR, site=None, by=rung, at=at)
    return version.study


# --- assumptions ---


def test_all_that_the_file_assumes_is_shown_as_assumed_with_its_note(study: Study, monitor: User) -> None:
    assumed, found = assumed_in(definition()), marked(shown_to(monitor, study))
    assert len(assumed) > 40
    assert set(found) == set(assumed)
    for path, note in assumed.items():
        assert found[path].startswith("assumed"), path
        assert " ".join(note.split()) in found[path]


def test_there_is_no_part_of_a_file_whose_assumption_the_page_would_forget(
    all_assumed: Study, coordinator_a: User
) -> None:
    assumed, found = assumed_in(everything_assumed()), marked(shown_to(coordinator_a, all_assumed))
    assert set(found) == set(assumed)
    for path, note in assumed.items():
        assert note in found[path]


def test_the_list_at_the_top_counts_the_assumptions_and_leads_to_each(study: Study, monitor: User) -> None:
    page = shown_to(monitor, study)
    shown = protocol_page(study.protocol)
    targets = [mark.anchor for assumption in shown.assumptions for mark in assumption.marks]
    assert f"{len(shown.assumptions)} assumptions</h2>" in page
    assert len(targets) == len(set(targets)) == page.count("data-assumed=")
    for target in targets:
        assert page.count(f'href="#{target}"') == 1
        assert page.count(f'id="{target}"') == 1


def test_without_assumptions_there_is_no_list_and_no_mark() -> None:
    content = definition()
    for _, part in parts(content):
        part.pop("assumed", None)
    shown = protocol_page(Protocol.model_validate(content))
    assert shown.assumptions == ()
    said = {note for section in shown.sections for note in (section.note, *_notes(section.lines))}
    assert "The text does not name who signs." in said  # a remark stays one, also where nothing is assumed


def _notes(lines: Any) -> Iterator[str]:
    for line in lines:
        yield from (item.note for item in line.items)


# --- what the protocol says ---


def test_everything_that_the_file_says_in_words_is_on_the_page(study: Study, monitor: User) -> None:
    page = text_of(parse_html(shown_to(monitor, study)))
    told = {"text", "title", "label", "note", "question", "purpose", "colour", "name"}
    for path, part in parts(definition()):
        for name in told & part.keys():
            words = "BOIN" if path == "design" and name == "name" else " ".join(str(part[name]).split())
            if ".timepoints." not in path:
                assert words in page, f"{path}.{name}"
    for objective in definition()["study"]["objectives"]:
        assert " ".join(objective.split()) in page


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("Dose escalation", "At most 12 patients."),
        ("Dose escalation", "Cohorts of 1; a decision can make the next one as large as 3."),
        ("Dose escalation", "It starts at 10 mg (level 1)."),
        ("Dose expansion", "8 patients, treated at the MTD."),
        ("Level 3: 25 mg", "Lenalidomide 25 mg, oral, days 1–21"),
        ("Level 3: 25 mg", "Dexamethasone 20 mg, oral, days 1, 8, 15, 22"),
        ("Target", "0.3"),
        ("DLT window", "Days 1–28 of cycle 1"),
        ("Minimum exposure", "At least 75 % of the planned doses of lenalidomide"),
        ("Rule b", "Proposed for Febrile neutropenia, grade 3 or higher, at least possibly related"),
        ("The MTD", "Principal investigator Medical monitor Statistician"),
        ("Maximum", "At most 2 reductions for a patient"),
        ("2.5 mg", "Lenalidomide 2.5 mg, oral, days 1–21"),
        ("Limit", "at most 28 days later than due"),
        ("Reasons", "Unacceptable adverse events allows re-treatment"),
        ("Due", "After 24 months of treatment"),
        ("Visits", "Every 91 days for 728 days after treatment has ended 8 visits in all"),
        ("Tubes", "10 ml purple EDTA, for immediate analysis"),
        ("After cycle 1, 2, 3, 6, 9 and 12", "From 3 days before to 7 days after the last day of the cycle"),
        ("After cycle 18 and 24", "only in the dose expansion"),
        ("Serum IgM", "Serum protein; 0 to 150 g/L; lower is better"),
    ],
)
def test_what_a_line_of_the_page_says(study: Study, monitor: User, label: str, words: str) -> None:
    lines = [e for e in elements(parse_html(shown_to(monitor, study))) if e.name == "div" and _label(e) == label]
    assert any(words in text_of(line) for line in lines), [text_of(line) for line in lines]


def _label(line: Element) -> str:
    first = next((child for child in line.children if not isinstance(child, str)), None)
    return text_of(first) if first is not None and first.name == "dt" else ""


def test_the_decision_table_is_the_stored_one(study: Study, monitor: User) -> None:
    rows = [e for e in elements(parse_html(shown_to(monitor, study))) if e.name == "tr"]
    stored = study.version.boundaries.values_list(
        "n", "escalate_if_at_most", "de_escalate_if_at_least", "eliminate_if_at_least"
    )
    assert len(stored) == 20
    expected = [" ".join("–" if value is None else str(value) for value in row) for row in stored]
    assert [text_of(row) for row in rows[1:]] == expected


def test_the_version_says_where_it_comes_from(study: Study, monitor: User) -> None:
    page = text_of(parse_html(shown_to(monitor, study)))
    for words in ("1, live", "Mon 5 Jan 2026", study.version.loaded_by.full_name, study.version.sha256):
        assert words in page


def test_before_the_study_is_live_the_page_says_so(all_assumed: Study, coordinator_a: User) -> None:
    page = text_of(parse_html(shown_to(coordinator_a, all_assumed)))
    assert "protocol version 1, not live yet" in page


# --- who sees it, and what it costs ---


def test_the_study_page_leads_to_it(study: Study, monitor: User) -> None:
    client = Client()
    client.force_login(monitor)
    assert f'href="{PAGE.format(study.key)}"' in client.get(f"/studies/{study.key}/study/").content.decode()


def test_a_coordinator_of_one_site_reads_it(study: Study, coordinator_b: User) -> None:
    assert "LEN-MAG-01 · protocol version 1" in shown_to(coordinator_b, study)


def test_somebody_without_a_role_finds_no_such_page(study: Study, outsider: User) -> None:
    client = Client()
    client.force_login(outsider)
    assert client.get(PAGE.format(study.key)).status_code == 404


def test_somebody_who_has_not_signed_in_is_led_to_it(study: Study) -> None:
    assert Client().get(PAGE.format(study.key)).status_code == 302


def test_a_longer_file_takes_no_more_queries(
    study: Study, monitor: User, all_assumed: Study, rung: User, coordinator_a: User
) -> None:
    content = everything_assumed()
    content["study"]["key"] = "LONGER"
    content["eligibility"] += [{"code": f"more-{i}", "kind": "inclusion", "text": f"Criterion {i}"} for i in range(50)]
    at = moment(DAY_ONE)
    longer = adopt_protocol(definition=content, rehearsal_day=DAY_ONE, by=rung, at=at).study
    grant_role(study=longer, person=monitor, role=Role.MONITOR, site=None, by=rung, at=at)
    grant_role(study=all_assumed, person=monitor, role=Role.MONITOR, site=None, by=rung, at=at)
    with CaptureQueriesContext(
        connection,
    ) as short:
        shown_to(monitor, all_assumed)
    with CaptureQueriesContext(connection) as long:
        shown_to(monitor, longer)
    assert len(long) == len(short)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("width", "dark"),
    [(1280, False), (1280, True), (390, False), (390, True)],
    ids=["desk-light", "desk-dark", "phone-light", "phone-dark"],
)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    own_database: object, study: Study, monitor: User, live_server: LiveServer, browser: Browser, width: int, dark: bool
) -> None:
    session = Client()
    session.force_login(monitor)
    cookie = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": session.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": live_server.url,
    }
    complaints = Complaints()
    with browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    ) as context:
        context.add_cookies([cookie])
        page = context.new_page()
        complaints.listen(page)
        page.goto(live_server.url + PAGE.format(study.key))
        assert page.get_by_role("heading", name="10 mg to 25 mg in 3 dose levels").is_visible()
        assert faults(page) == []
        assert not is_wider_than_the_screen(page)
        page.get_by_role("link", name="DLT window").click()
        assert page.locator(":target").is_visible()
    assert complaints.heard == []
