"""The forms of the study file: what is saved, what is refused with its place, and that nothing typed is lost."""

import copy
import datetime as dt
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.http import QueryDict
from django.test import Client

from accounts.models import User
from tests.cast import moment, person
from tests.trials.study_forms.browser_like import Form
from trials.definition import PARTS, plain
from trials.models import ProtocolVersion, Role, Study
from trials.operations import edit_section, grant_role, start_study
from trials.protocol import Protocol
from trials.queries import draft_of

pytestmark = pytest.mark.django_db

AT = moment(dt.date(2026, 3, 2))
HEADING = {"key": "NEW-01", "title": "A new study", "time_zone": "Europe/Berlin"}


def file_content(name: str) -> dict[str, Any]:
    path = settings.BASE_DIR / "trials" / "protocols" / f"{name}.yaml"
    content: dict[str, Any] = plain(yaml.safe_load(path.read_text()))
    return content


@pytest.fixture
def manager(db: None) -> User:
    return person("setter", "Sam Setter")


@pytest.fixture
def drafted(manager: User) -> Study:
    """A study that is being set up, with all that the anti-MAG trial's file says."""
    return start_study(definition={**file_content("anti-mag-lenalidomide"), "study": HEADING}, by=manager, at=AT)


@pytest.fixture
def page(client: Client, manager: User) -> Client:
    client.force_login(manager)
    return client


def address(study: Study, section: str) -> str:
    return f"/studies/{study.key}/setup/{section}/"


def opened(page: Client, study: Study, section: str) -> QueryDict:
    answer = page.get(address(study, section))
    assert answer.status_code == 200
    return Form(answer.content.decode()).sent


def sent(page: Client, study: Study, section: str, typed: QueryDict) -> Any:
    return page.post(address(study, section), typed.urlencode(), content_type="application/x-www-form-urlencoded")


def draft(study: Study) -> ProtocolVersion:
    found = draft_of(study)
    assert found is not None
    return found


def test_a_whole_study_can_be_entered_by_its_forms_alone(page: Client, manager: User) -> None:
    """Both shipped files, part by part through the pages, give the same protocol as the file."""
    for name in ("anti-mag-lenalidomide", "lenalidomide-cetuximab"):
        wanted = file_content(name)
        filled = start_study(definition={**wanted, "study": {**HEADING, "key": f"{name}-F"}}, by=manager, at=AT)
        empty = start_study(definition={"study": {**HEADING, "key": f"{name}-E"}}, by=manager, at=AT)
        for section in PARTS:
            if section == "study" or section not in wanted:
                continue
            typed = opened(page, filled, section)
            typed["seen"], typed["do"] = draft(empty).sha256, "save-with-faults"
            assert sent(page, empty, section, typed).status_code == 302, section
        told = {**draft(empty).definition, "study": wanted["study"]}
        assert Protocol.model_validate(told) == Protocol.model_validate(wanted)


def test_a_change_is_saved_and_the_rest_stays(page: Client, drafted: Study) -> None:
    before = copy.deepcopy(draft(drafted).definition)
    typed = opened(page, drafted, "levels")
    typed["levels.0.doses.0.amount"], typed["do"] = "7.5", "save"
    assert sent(page, drafted, "levels", typed).status_code == 302
    after = draft(drafted).definition
    assert after["levels"][0]["doses"][0]["amount"] == 7.5
    assert {k: v for k, v in after.items() if k != "levels"} == {k: v for k, v in before.items() if k != "levels"}


def test_a_fault_stands_beside_its_field_and_nothing_is_saved(page: Client, drafted: Study) -> None:
    before = draft(drafted).sha256
    typed = opened(page, drafted, "levels")
    typed["levels.1.doses.0.amount"], typed["levels.0.label"], typed["do"] = "lots", "ten", "save"
    answer = sent(page, drafted, "levels", typed)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert 'id="fault-levels-1-doses-0-amount"' in html
    assert "&#x27;lots&#x27; is not possible" in html
    assert draft(drafted).sha256 == before
    kept = Form(html).sent
    assert (kept["levels.1.doses.0.amount"], kept["levels.0.label"]) == ("lots", "ten")


def test_a_faulty_part_can_be_kept_in_the_draft_on_purpose(page: Client, drafted: Study) -> None:
    typed = opened(page, drafted, "delay")
    typed["delay.limit_days"], typed["do"] = "", "save-with-faults"
    assert sent(page, drafted, "delay", typed).status_code == 302
    assert "limit_days" not in draft(drafted).definition["delay"]
    assert "1 fault" in page.get(f"/studies/{drafted.key}/setup/").content.decode()


def test_a_contradiction_with_another_part_is_told_here(page: Client, drafted: Study) -> None:
    """Fewer levels than the reduction ladder names: well formed by itself, wrong as a whole."""
    typed = opened(page, drafted, "escalation")
    typed["escalation.start_level"], typed["do"] = "9", "save"
    answer = sent(page, drafted, "escalation", typed)
    assert answer.status_code == 422
    assert 'id="fault-escalation-start-level"' in answer.content.decode()


def test_a_parameter_that_the_design_refuses_stands_beside_it(page: Client, drafted: Study) -> None:
    typed = opened(page, drafted, "design")
    typed["design.parameters.target"], typed["do"] = "0.95", "save"
    answer = sent(page, drafted, "design", typed)
    assert answer.status_code == 422
    assert 'id="fault-design-parameters-target"' in answer.content.decode()


def test_rows_are_added_and_removed_without_saving(page: Client, drafted: Study) -> None:
    before = draft(drafted).sha256
    typed = opened(page, drafted, "agents")
    typed["do"] = "add:agents"
    added = Form(sent(page, drafted, "agents", typed).content.decode()).sent
    assert added.getlist("agents.__rows") == ["0", "1", "2"]
    added["agents.2.name"], added["do"] = "Third", "remove:agents.0"
    left = Form(sent(page, drafted, "agents", added).content.decode()).sent
    assert [left["agents.0.code"], left["agents.1.name"]] == ["dexamethasone", "Third"]
    assert draft(drafted).sha256 == before


def test_two_windows_the_second_is_refused_and_keeps_what_was_typed(page: Client, drafted: Study) -> None:
    first, second = opened(page, drafted, "delay"), opened(page, drafted, "delay")
    first["delay.limit_days"], first["do"] = "21", "save"
    assert sent(page, drafted, "delay", first).status_code == 302
    second["delay.limit_days"], second["do"] = "35", "save"
    answer = sent(page, drafted, "delay", second)
    assert answer.status_code == 409
    assert "was changed since this page was opened" in answer.content.decode()
    assert Form(answer.content.decode()).sent["delay.limit_days"] == "35"
    assert draft(drafted).definition["delay"]["limit_days"] == 21


def test_only_who_sets_the_study_up_may(client: Client, drafted: Study, manager: User) -> None:
    other = person("reader", "Rita Reader")
    grant_role(study=drafted, person=other, role=Role.MONITOR, by=manager, at=AT)
    client.force_login(other)
    assert client.get(address(drafted, "delay")).status_code == 403
    assert client.post(address(drafted, "delay"), {"do": "save"}).status_code == 403
    client.force_login(person("stranger", "Stan Stranger"))
    assert client.get(address(drafted, "delay")).status_code == 404


def test_a_part_that_no_file_has_is_not_found(page: Client, drafted: Study) -> None:
    assert page.get(address(drafted, "nonsense")).status_code == 404


def test_a_live_study_is_not_edited(client: Client, study: Study, data_manager: User) -> None:
    client.force_login(data_manager)
    answer = client.get(address(study, "delay"))
    assert (answer.status_code, answer["Location"]) == (302, f"/studies/{study.key}/setup/")


def test_what_is_sent_by_hand_never_breaks_the_page(page: Client, drafted: Study) -> None:
    seen = draft(drafted).sha256
    for body in (
        {"do": "save", "seen": seen},
        {"do": "remove:levels.0", "seen": seen},
        {"do": "up:levels.1", "levels.__rows": ["0", "0", "x", "7"], "seen": seen},
        {"do": "add:levels.0.doses.9.days", "levels.__rows": "0", "seen": seen},
        {"do": "save", "levels.__rows": "0", "levels.0.ordinal": "1e400", "levels.0.label": "\0", "seen": seen},
    ):
        assert page.post(address(drafted, "levels"), body).status_code in (200, 422)
    assert draft(drafted).sha256 == seen


def test_the_preview_draws_a_whole_draft_and_names_what_an_unfinished_one_lacks(
    page: Client, drafted: Study, manager: User
) -> None:
    html = page.get(f"/studies/{drafted.key}/setup/preview/").content.decode()
    assert "Dose escalation: a patient’s calendar at 10 mg" in html
    assert "Dose expansion: a patient’s calendar" in html
    edit_section(study=drafted, section="cycle", content=None, by=manager, at=AT, seen_sha256=draft(drafted).sha256)
    html = page.get(f"/studies/{drafted.key}/setup/preview/").content.decode()
    assert "No preview yet" in html
    assert "cycle" in html
