"""The form that tries a study, and the page on which the rehearsal is played."""

import re
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from accounts.models import User
from patients.models import Patient
from reminders.models import Play, Rehearsal
from reminders.operations.rehearsal import start_play
from tests.cast import person
from tests.reminders.rehearsal.conftest import ANTI_MAG, CETUXIMAB, TODAY, definition_of, draft, played, small, tried
from trials.models import Role, Study
from trials.operations import grant_role, start_study

pytestmark = pytest.mark.django_db

FORM = "/studies/LEN-MAG-01/try/new/"
PAGE = "/studies/LEN-MAG-01-TRY1/try/"
NUMBERS = {
    "toxicity_1": "0.1", "toxicity_2": "0.3", "toxicity_3": "0.5", "patients_per_week": "20", "missed_doses": "0",
    "late_starts": "0", "seed": "5",
}  # fmt: skip


@pytest.fixture(autouse=True)
def many_operations_in_one_request(settings: Settings) -> None:
    """Making a rehearsal, and playing a day of it, call operations that each ask the same: that is no N+1."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "zeal" not in name]


@pytest.fixture
def source(planner: User, client: Client) -> Study:
    client.force_login(planner)
    return draft(small(ANTI_MAG), planner)


@pytest.fixture
def rehearsal(source: Study, planner: User) -> Rehearsal:
    return tried(source, planner, (0.1, 0.3, 0.5), seed=77)


def text_of(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_a_draft_and_its_protocol_page_offer_to_try_it(client: Client, source: Study) -> None:
    assert f'href="{FORM}"' in text_of(client, "/studies/LEN-MAG-01/setup/")
    assert f'href="{FORM}"' in text_of(client, "/studies/LEN-MAG-01/protocol/")


def test_the_form_offers_a_truth_for_each_level(client: Client, source: Study) -> None:
    shown = text_of(client, FORM)
    for name, value in (("toxicity_1", "0.18"), ("toxicity_2", "0.3"), ("toxicity_3", "0.42")):
        assert f'name="{name}"' in shown
        assert f'value="{value}"' in shown


def test_a_draft_without_levels_says_what_to_do(client: Client, planner: User) -> None:
    client.force_login(planner)
    start_study(definition={"study": {"key": "NEW-01", "title": "A new one"}}, by=planner, at=TODAY)
    assert "no dose levels yet" in text_of(client, "/studies/NEW-01/try/new/")


def test_the_form_makes_the_rehearsal_and_leads_to_it(client: Client, source: Study) -> None:
    answer = client.post(FORM, NUMBERS)
    assert answer.status_code == 302
    assert answer.headers["Location"] == PAGE
    made = Rehearsal.objects.get()
    assert (made.scenario["toxicity"], made.seed) == ([0.1, 0.3, 0.5], 5)
    shown = text_of(client, PAGE)
    assert "Day 1, at 10 mg" in shown
    assert "a rehearsal of LEN-MAG-01" in shown
    assert "Play to the end" in shown


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("toxicity_2", "1.3", "15 mg</a>: 1.3 is too high. Give a number from 0 to 1."),
        ("toxicity_2", "", "15 mg</a>: Give a number from 0 to 1."),
        ("toxicity_2", "0,3", "15 mg</a>: This is no number. Give a number from 0 to 1."),
        ("toxicity_2", "nan", "15 mg</a>: This is no number. Give a number from 0 to 1."),
        ("patients_per_week", "0", "Patients a week</a>: 0.0 is too low. Give a number from 0.25 to 20."),
        ("missed_doses", "0.6", "Patients who do not count</a>: 0.6 is too high. Give a number from 0 to 0.5."),
        ("late_starts", "-1", "Cycles that start late</a>: -1.0 is too low. Give a number from 0 to 0.5."),
        ("seed", "1.5", "Seed</a>: This is no whole number. Give a whole number from 0 to 999,999."),
    ],
)
def test_a_wrong_number_is_named_with_what_is_allowed_and_what_was_typed_stays(
    client: Client, source: Study, field: str, value: str, said: str
) -> None:
    answer = client.post(FORM, {**NUMBERS, field: value})
    assert answer.status_code == 409
    shown = answer.content.decode()
    assert said in shown
    assert 'aria-invalid="true"' in shown
    for name, typed in {**NUMBERS, field: value}.items():
        [control] = re.findall(rf'<input[^>]* name="{name}"[^>]*>', shown)
        assert f'value="{typed}"' in control or not typed
    assert not Rehearsal.objects.exists()


def test_a_form_opened_before_a_level_was_added_asks_for_the_level(
    client: Client, source: Study, planner: User
) -> None:
    shown = client.post(FORM, {n: v for n, v in NUMBERS.items() if n != "toxicity_3"}).content.decode()
    assert "25 mg</a>: Give a number from 0 to 1." in shown


def test_a_faulty_draft_is_not_tried_and_says_why(client: Client, planner: User) -> None:
    client.force_login(planner)
    faulty = definition_of(ANTI_MAG)
    del faulty["delay"]
    start_study(definition=faulty, by=planner, at=TODAY)
    answer = client.post(FORM, NUMBERS)
    assert answer.status_code == 409
    assert "Complete the study file" in answer.content.decode()


def test_a_rehearsal_is_tried_again_with_its_own_numbers(client: Client, rehearsal: Rehearsal) -> None:
    shown = text_of(client, f"{PAGE}new/")
    assert 'value="77"' in shown
    assert 'value="20.0"' in shown


def test_a_day_and_a_week_are_played(client: Client, rehearsal: Rehearsal) -> None:
    assert client.post(f"{PAGE}play/", {"play": "day"}).status_code == 302
    assert client.post(f"{PAGE}play/", {"play": "week"}).status_code == 302
    day = Study.objects.get(pk=rehearsal.study_id).rehearsal_day
    assert (day - rehearsal.started_on).days == 8
    assert "Day 9, at 10 mg" in text_of(client, PAGE)


def test_the_end_is_left_to_a_worker_that_can_be_stopped(client: Client, rehearsal: Rehearsal) -> None:
    with patch("reminders.try_views.hand_out_play") as handed_out:
        client.post(f"{PAGE}play/", {"play": "end"})
    play = Play.objects.get()
    handed_out.assert_called_once_with(play.pk)
    shown = text_of(client, PAGE)
    assert "It is being played to the end" in shown
    assert "Play a day" not in shown
    moving = client.get(f"{PAGE}progress/", headers={"HX-Request": "true"})
    assert 'hx-swap-oob="true"' in moving.content.decode()
    client.post(f"{PAGE}stop/")
    assert Play.objects.get().status == Play.Status.STOPPED
    over = client.get(f"{PAGE}progress/", headers={"HX-Request": "true"})
    assert over.headers["HX-Refresh"] == "true"


def test_a_monitor_sees_the_page_and_plays_nothing(client: Client, rehearsal: Rehearsal) -> None:
    monitor = person("noor", "Noor Haddad")
    grant_role(study=rehearsal.study, person=monitor, role=Role.MONITOR, by=User.objects.system(), at=TODAY)
    client.force_login(monitor)
    assert "Play a day" not in text_of(client, PAGE)
    assert client.post(f"{PAGE}play/", {"play": "day"}).status_code == 403
    assert client.post(f"{PAGE}stop/").status_code == 403
    assert Study.objects.get(pk=rehearsal.study_id).rehearsal_day == rehearsal.started_on


def test_other_studies_have_no_such_page(client: Client, study: Study, data_manager: User) -> None:
    client.force_login(data_manager)
    for path in ("", "progress/"):
        assert client.get(f"/studies/{study.key}/try/{path}").status_code == 404
    for path in ("play/", "stop/"):
        assert client.post(f"/studies/{study.key}/try/{path}", {"play": "day"}).status_code == 404
    assert Study.objects.get(pk=study.pk).rehearsal_day == study.rehearsal_day


def test_nobody_else_sees_a_rehearsal_or_tries_a_study(client: Client, rehearsal: Rehearsal, outsider: User) -> None:
    client.force_login(outsider)
    assert client.get(PAGE).status_code == 404
    assert client.post(FORM, NUMBERS).status_code == 404
    client.logout()
    assert client.get(f"{PAGE}progress/").headers["HX-Refresh"] == "true"
    assert client.get(PAGE).status_code == 302


def test_every_page_of_a_played_rehearsal_leads_back_to_it(client: Client, rehearsal: Rehearsal) -> None:
    assert f'href="{PAGE}"' in text_of(client, "/studies/LEN-MAG-01-TRY1/study/")
    start_play(rehearsal=rehearsal, by=rehearsal.started_by, at=TODAY)
    assert "Try again" not in text_of(client, PAGE)


def test_the_levels_of_any_protocol_are_asked_for(client: Client, planner: User) -> None:
    client.force_login(planner)
    draft(small(CETUXIMAB), planner)
    assert 'name="toxicity_4"' in text_of(client, "/studies/LEN-CET-01/try/new/")


def test_the_page_asks_as_often_however_much_has_happened(client: Client, planner: User) -> None:
    client.force_login(planner)
    definition = small(ANTI_MAG, patients=3)
    rehearsal = tried(draft(definition, planner), planner, (0.0, 0.0, 0.0), missed_doses=0, late_starts=0)
    played(rehearsal, planner, most=35)
    text_of(client, PAGE)
    with CaptureQueriesContext(connection) as few:
        assert "at 15 mg" in text_of(client, PAGE)
    played(rehearsal, planner, most=35)
    with CaptureQueriesContext(connection) as more:
        assert "at 25 mg" in text_of(client, PAGE)
    assert Patient.objects.registered().count() == 3
    assert len(more) <= len(few)
