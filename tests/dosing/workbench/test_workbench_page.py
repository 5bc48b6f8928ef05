"""The workbench's page and its home: what is asked stands in the address, and nothing typed is lost."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.context import acting
from dosing.engine import BoinDesign, ThreePlusThreeDesign, operating_characteristics
from dosing.models import Comparison
from tests.cast import person
from trials.models import Study

pytestmark = pytest.mark.django_db
COMPARE, RESULTS, HOME = "/designs/compare/", "/designs/compare/results/", "/designs/"
LADDER = "dose=10 mg&p=0.1&dose=15 mg&p=0.3&dose=25 mg&p=0.5&target=0.3"
BOIN_AND_3 = f"{LADDER}&kind=boin&1-max_patients=12&1-cohort_size=1&kind=three_plus_three"
IN_PLACE = {"HX-Request": "true"}


@pytest.fixture
def visitor() -> User:
    """Signed in, with no role in any study."""
    return person("visitor", "Vera Visitor")


def get(user: User | None, path: str, **headers: str) -> Any:
    client = Client()
    if user:
        client.force_login(user)
    return client.get(path, headers=headers)


def text(answer: Any) -> str:
    """What is read on the page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def values(answer: Any, name: str) -> list[str]:
    """What stands in the inputs of that name."""
    inputs = re.findall(r"<input[^>]*>", answer.content.decode())
    return [unescape(re.search(r' value="([^"]*)"', each)[1]) for each in inputs if f' name="{name}"' in each]


def saved(by: User, title: str, **more: Any) -> None:
    with acting(by, "saved a comparison"):
        Comparison.objects.create(title=title, question={}, engine_version="1", saved_by=by, **more)


@pytest.mark.parametrize("path", [HOME, COMPARE, RESULTS])
def test_who_is_not_signed_in_is_led_to_the_sign_in_page(path: str) -> None:
    answer = get(None, path)
    assert (answer.status_code, answer.url.split("?")[0]) == (302, "/sign-in/")


def test_a_new_comparison_says_at_once_which_design_selects_the_mtd_more_often(visitor: User) -> None:
    answer = get(visitor, COMPARE)
    toxicity = [[0.11, 0.18, 0.3, 0.45, 0.61]]
    boin = operating_characteristics(BoinDesign(target=0.3, max_patients=30), toxicity).correct_selection[0]
    other = operating_characteristics(ThreePlusThreeDesign(), toxicity).correct_selection[0]
    assert f"BOIN selects the MTD, Dose 3, in {boin:.1%} of trials".replace("%", " %") in text(answer)
    assert f"3+3 in {other:.1%}".replace("%", " %") in text(answer)


def test_the_tables_hold_the_engines_numbers(visitor: User) -> None:
    shown = text(get(visitor, f"{RESULTS}?{BOIN_AND_3}"))
    known = operating_characteristics(BoinDesign(target=0.3, max_patients=12, cohort_size=1), [[0.1, 0.3, 0.5]])
    for share in (*known.selection[0], known.no_selection[0], known.overdose_60[0], known.stop_for_safety[0]):
        assert f" {100 * share:.1f} " in shown
    for number in (*known.patients[0], known.total_patients[0]):
        assert f" {number:.1f} " in shown
    for number in (*known.dlts[0], known.total_dlts[0]):
        assert f" {number:.2f} " in shown


def test_two_designs_have_their_difference_and_three_have_none(visitor: User) -> None:
    assert "Difference" in text(get(visitor, f"{RESULTS}?{BOIN_AND_3}"))
    assert "Difference" not in text(get(visitor, f"{RESULTS}?{BOIN_AND_3}&kind=keyboard"))


def test_where_no_dose_is_the_mtd_the_page_says_so(visitor: User) -> None:
    shown = text(get(visitor, f"{COMPARE}?dose=a&p=0.6&dose=b&p=0.7"))
    assert "No dose is the MTD in this scenario" in shown
    assert "selects no dose" in shown


def test_fields_stand_as_the_address_says(visitor: User) -> None:
    answer = get(visitor, f"{COMPARE}?{BOIN_AND_3}&1-p_saf=0.2")
    assert values(answer, "dose") == ["10 mg", "15 mg", "25 mg"]
    assert values(answer, "p") == ["0.1", "0.3", "0.5"]
    assert values(answer, "1-p_saf") == ["0.2"]
    assert values(answer, "1-p_tox") == [""]
    assert "1.4 times the target" in text(answer)


def test_timing_is_asked_for_only_where_a_design_depends_on_time(visitor: User) -> None:
    assert "DLT window, days" not in text(get(visitor, COMPARE))
    timed = get(visitor, f"{COMPARE}?{LADDER}&kind=tite_boin&1-max_patients=12&window=56")
    assert "DLT window, days" in text(timed)
    assert values(timed, "window") == ["56"]
    assert "2,000 simulated trials" in text(timed)
    assert "±" in text(timed)
    assert "±" not in text(get(visitor, COMPARE))


def test_what_was_typed_about_time_is_kept_while_no_design_needs_it(visitor: User) -> None:
    assert values(get(visitor, f"{COMPARE}?{BOIN_AND_3}&window=56"), "window") == ["56"]


def test_a_design_out_of_reach_says_how_many_states_and_offers_a_simulation(visitor: User) -> None:
    ladder = "&".join(f"dose=d{i}&p=0.{i}" for i in range(1, 7))
    answer = get(visitor, f"{RESULTS}?{ladder}&kind=boin&1-max_patients=40&1-cohort_size=1&kind=three_plus_three")
    assert re.search(r"BOIN are out of reach: its trials have at least [\d,]+ states", text(answer))
    assert "Simulate the designs" in text(answer)
    assert "3+3" in text(answer)


def test_bad_input_is_named_beside_its_field_and_nothing_typed_is_lost(visitor: User) -> None:
    answer = get(visitor, f"{COMPARE}?dose=10 mg&p=1.5&dose=15 mg&p=0.3&kind=boin&1-cohort_size=0&1-max_patients=7")
    assert answer.status_code == 200
    assert "“1.5” is not allowed: it must be a probability from 0 to 1." in text(answer)
    assert "“0” is not allowed" in text(answer)
    assert values(answer, "p") == ["1.5", "0.3"]
    assert values(answer, "1-cohort_size") == ["0"]
    assert values(answer, "1-max_patients") == ["7"]
    assert answer.content.decode().count('aria-invalid="true"') == 2


def test_the_live_answer_tells_faults_by_their_fields(visitor: User) -> None:
    answer = get(visitor, f"{RESULTS}?dose=10 mg&p=1.5&kind=boin&1-cohort_size=0", **IN_PLACE)
    assert answer.status_code == 422
    assert set(json.loads(answer.content)["faults"]) == {"p-1", "1-cohort_size"}


@pytest.mark.parametrize(
    ("do", "doses", "kinds"),
    [
        ("add-dose", ["10 mg", "15 mg", "25 mg", "Dose 4"], 2),
        ("remove-dose-2", ["10 mg", "25 mg"], 2),
        ("add-design", ["10 mg", "15 mg", "25 mg"], 3),
        ("copy-design-1", ["10 mg", "15 mg", "25 mg"], 3),
        ("remove-design-1", ["10 mg", "15 mg", "25 mg"], 1),
        ("remove-design-9", ["10 mg", "15 mg", "25 mg"], 2),
        ("nonsense", ["10 mg", "15 mg", "25 mg"], 2),
    ],
)
def test_a_button_changes_the_fields_and_leaves_the_address(
    visitor: User, do: str, doses: list[str], kinds: int
) -> None:
    moved = get(visitor, f"{COMPARE}?{BOIN_AND_3}&do={do}")
    assert moved.status_code == 302
    assert "do=" not in moved.url
    answer = get(visitor, moved.url)
    assert values(answer, "dose") == doses
    assert answer.content.decode().count('name="kind"') == kinds


def test_a_button_in_place_gives_the_new_address_along(visitor: User) -> None:
    answer = get(visitor, f"{COMPARE}?{BOIN_AND_3}&do=copy-design-1", **IN_PLACE)
    assert answer.status_code == 200
    assert answer["HX-Replace-Url"].count("kind=boin") == 2
    assert "BOIN (1)" in text(answer)


def test_a_button_pressed_while_a_field_is_wrong_keeps_the_answer_before(visitor: User) -> None:
    answer = get(visitor, f"{COMPARE}?{LADDER}&p=7&do=add-design", **IN_PLACE).content.decode()
    assert 'id="answer"' not in answer
    assert 'id="toxicity"' in answer


def test_a_scenario_puts_its_toxicities_into_the_sliders(visitor: User) -> None:
    moved = get(visitor, f"{COMPARE}?{BOIN_AND_3}&do=scenario-1")
    answer = get(visitor, moved.url)
    assert values(answer, "p") == ["0.3", "0.45", "0.61"]
    assert 'aria-current="true"' in answer.content.decode()


def test_no_more_than_four_designs_and_ten_doses_can_be_added(visitor: User) -> None:
    four = get(visitor, f"{COMPARE}?{LADDER}" + 4 * "&kind=boin")
    assert "Add a design" not in text(four)
    assert "Copy" not in text(four)
    ten = get(visitor, f"{COMPARE}?" + "&".join(f"dose=d{i}&p=0.1" for i in range(10)))
    assert "Add a dose" not in text(ten)


def test_the_last_dose_and_the_last_design_cannot_be_removed(visitor: User) -> None:
    assert "Remove" not in text(get(visitor, f"{COMPARE}?dose=a&p=0.3&kind=boin"))


def test_the_answer_leads_on_with_the_same_question(visitor: User) -> None:
    page = unescape(get(visitor, f"{RESULTS}?{BOIN_AND_3}").content.decode())
    query = re.search(r'data-query="([^"]*)"', page)[1]
    for path in ("/designs/comparisons/save/", "/designs/simulations/"):
        assert f'href="{path}?{query}"' in page
    for path in ("/designs/table/", "/designs/paths/"):
        assert f'href="{path}?{query}&design=1"' in page


def test_what_is_typed_as_a_label_is_text(visitor: User) -> None:
    page = get(visitor, f"{COMPARE}?dose=<script>x</script>&p=0.3").content.decode()
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_home_offers_the_persons_studies_and_nobody_elses(visitor: User, trial: Study, statistician: User) -> None:
    assert "LEN-MAG-01" not in text(get(visitor, HOME))
    page = unescape(get(statistician, HOME).content.decode())
    begin = re.search(r'href="(/designs/compare/\?[^"]*)">LEN-MAG-01', page)[1]
    answer = get(statistician, begin)
    assert values(answer, "dose") == ["10 mg", "15 mg", "25 mg"]
    assert values(answer, "1-max_patients") == ["12"]
    assert values(answer, "1-cohort_size") == ["1"]


def test_home_lists_what_was_saved_and_not_what_was_put_away(visitor: User) -> None:
    saved(visitor, "Kept")
    saved(visitor, "Gone", put_away_at="2026-01-01T00:00Z")
    page = text(get(visitor, HOME))
    assert "Kept" in page
    assert "Gone" not in page


def test_home_asks_as_many_queries_however_much_was_saved(visitor: User) -> None:
    client = Client()
    client.force_login(visitor)

    def queries() -> int:
        client.get(HOME)
        with CaptureQueriesContext(connection) as asked:
            client.get(HOME)
        return len(asked)

    before = queries()
    for number in range(5):
        saved(visitor, f"Saved {number}")
    assert queries() == before


def test_the_live_answer_asks_for_nothing_but_who_is_there(visitor: User) -> None:
    client = Client()
    client.force_login(visitor)
    with CaptureQueriesContext(connection) as asked:
        client.get(f"{RESULTS}?{BOIN_AND_3}", headers=IN_PLACE)
    assert len(asked) <= 2  # the session and the person
