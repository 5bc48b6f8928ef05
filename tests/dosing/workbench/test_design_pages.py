"""The pages of one design: its decision table, and its dose paths from a tally."""

import re
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from dosing.engine import BoinDesign, CrmDesign, Design, DoseTally, ThreePlusThreeDesign, TiteBoinDesign, dose_paths
from dosing.workbench.address import question_to_query
from dosing.workbench.path_tree import draw_tree
from dosing.workbench.question import Question
from tests.cast import person

pytestmark = pytest.mark.django_db
LABELS = ("10 mg", "15 mg", "25 mg")
TOXICITY = (0.1, 0.2, 0.4)
BOIN = BoinDesign(target=0.30, max_patients=12)
CRM = CrmDesign(target=0.30, max_patients=12, skeleton=(0.1, 0.2, 0.35))


@pytest.fixture
def reader() -> User:
    """Signed in, with no role in any study."""
    return person("reader", "Rita Reader")


@pytest.fixture
def browse(client: Client, reader: User) -> Client:
    client.force_login(reader)
    return client


def asked(*designs: Design, **more: object) -> str:
    question = Question(labels=LABELS, toxicity=TOXICITY, target=0.30, designs=designs)
    return f"{question_to_query(question)}&{urlencode(more)}"


def tally(treated: tuple[int, ...], dlts: tuple[int, ...], current: int, **more: object) -> dict[str, object]:
    """The fields of a tally, as its form sends them."""
    counts = {f"n-{dose}": n for dose, n in enumerate(treated, 1)} | {f"y-{dose}": y for dose, y in enumerate(dlts, 1)}
    return {**counts, "current": current, **more}


def text(answer: HttpResponse) -> str:
    return answer.content.decode()


def letters(page: str) -> list[list[str]]:
    """The cells of the table, a list a row."""
    body = page.partition('<table class="verdicts">')[2].partition("</table>")[0].partition("<tbody>")[2]
    return [re.findall(r"<td class=\"k-\w+\">(\w+)<", row) for row in body.split("</tr>")[:-1]]


# --- the decision table ---


def test_the_table_shows_letters_a_legend_and_the_boundaries(browse: Client) -> None:
    answer = browse.get(f"/designs/table/?{asked(BOIN, columns=6, every=1)}")
    assert answer.status_code == 200
    page = text(answer)
    assert letters(page)[:4] == [
        ["E", "E", "E", "E", "E", "E"],
        ["D", "D", "S", "S", "E", "E"],
        ["D", "D", "D", "D", "S"],
        ["DU", "DU", "D", "D"],
    ]
    for words in ("Escalate: the next cohort", "this dose and all above it are closed", "Elimin", "Patients at most"):
        assert words in page
    assert "Stop at the lowest dose" not in page


def test_extra_safety_has_a_line_of_its_own(browse: Client) -> None:
    cautious = BoinDesign(target=0.30, max_patients=12, extra_safe=True)
    assert "Stop at the lowest dose" in text(browse.get(f"/designs/table/?{asked(cautious)}"))


def test_columns_after_whole_cohorts(browse: Client) -> None:
    page = text(browse.get(f"/designs/table/?{asked(BOIN, columns=12, every=3)}"))
    assert [len(row) for row in letters(page)][:2] == [4, 4]


def test_the_first_view_is_as_large_as_the_trial_and_not_larger_than_thirty(browse: Client) -> None:
    large = BoinDesign(target=0.30, max_patients=60)
    assert len(letters(text(browse.get(f"/designs/table/?{asked(BOIN)}")))[0]) == 12
    assert len(letters(text(browse.get(f"/designs/table/?{asked(large)}")))[0]) == 30


def test_three_plus_three_shows_its_rule(browse: Client) -> None:
    page = text(browse.get(f"/designs/table/?{asked(BOIN, ThreePlusThreeDesign(), design=1)}"))
    assert letters(page) == [["E", "E"], ["S", "E"], ["DU", "DU"]]
    assert "treat three more at the same dose" in page
    assert 'name="columns"' not in page


def test_tite_boin_says_how_pending_patients_count(browse: Client) -> None:
    page = text(browse.get(f"/designs/table/?{asked(TiteBoinDesign(target=0.30, max_patients=12))}"))
    assert "The table holds when nobody is pending" in page
    assert letters(page)[1][:2] == ["D", "D"]


def test_the_crm_says_why_and_advises_from_a_tally(browse: Client) -> None:
    first = text(browse.get(f"/designs/table/?{asked(CRM)}"))
    assert "The CRM has no decision table" in first
    assert "Treat at 10 mg" in first
    seen = tally((3, 3, 0), (0, 0, 0), 2)
    advice = CRM.advise(DoseTally(treated=(3, 3, 0), dlts=(0, 0, 0)), 2, LABELS)
    page = text(browse.get(f"/designs/table/?{asked(CRM, **seen)}"))
    assert advice.reason in page
    assert "Escalate to 25 mg" in page


@pytest.mark.parametrize("columns", ["0", "61", "many", ""])
def test_other_numbers_of_columns_are_refused_and_stay(browse: Client, columns: str) -> None:
    answer = browse.get(f"/designs/table/?{asked(BOIN, columns=columns, every=1)}")
    assert answer.status_code == 422
    assert "The table cannot be shown so" in text(answer)
    assert columns == "" or f'value="{columns}"' in text(answer)


# --- dose paths ---


def test_the_paths_begin_with_nobody(browse: Client) -> None:
    answer = browse.get(f"/designs/paths/?{asked(BOIN)}")
    assert answer.status_code == 200
    page = text(answer)
    assert "With nobody treated yet: <b>Treat at 10 mg</b>" in page
    tree = draw_tree(dose_paths(BOIN, DoseTally.empty(3), 1, 2), LABELS, TOXICITY)
    assert page.count('<text class="tr-advice"') == len(tree.boxes)


def test_the_paths_of_a_tally_are_the_engines(browse: Client) -> None:
    page = text(browse.get(f"/designs/paths/?{asked(BOIN, **tally((3, 3, 0), (0, 1, 0), 2, cohorts=1, size=2))}"))
    paths = dose_paths(BOIN, DoseTally(treated=(3, 3, 0), dlts=(0, 1, 0)), 2, 1, cohort_sizes=[2], labels=LABELS)
    for branch in draw_tree(paths, LABELS, TOXICITY).root.branches:
        assert f"<title>{branch.advice} ({branch.under})</title>" in page
        assert f"{branch.percent}</text>" in page
    assert 'name="n-2" value="3"' in page


def test_many_ways_are_folded_lists(browse: Client) -> None:
    large = BoinDesign(target=0.30, max_patients=30)
    page = text(browse.get(f"/designs/paths/?{asked(large, **tally((0, 0, 0), (0, 0, 0), 1, cohorts=4, size=''))}"))
    assert "too many for a picture" in page
    assert "<svg" not in page.partition('id="paths"')[2]
    assert "<details><summary>" in page


def test_tite_boin_says_that_the_paths_take_follow_up_as_complete(browse: Client) -> None:
    assert "As if every patient" in text(
        browse.get(f"/designs/paths/?{asked(TiteBoinDesign(target=0.30, max_patients=12))}")
    )


def test_where_the_trial_has_ended_no_cohort_follows(browse: Client) -> None:
    page = text(browse.get(f"/designs/paths/?{asked(BOIN, **tally((3, 9, 0), (0, 3, 0), 2, cohorts=2, size=''))}"))
    assert "The MTD is selected" in page
    assert "No cohort follows" in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (tally((3, 3, 0), (0, 4, 0), 2, cohorts=2, size=""), "At most 3, the patients evaluated there."),
        (tally((3, 3, 0), (0, 1, 0), 2, cohorts=4, size=9), "11,111 points"),
        (tally((3, 3, 0), (0, 1, 0), 7, cohorts=2, size=""), "Select a valid choice"),
        (tally((3, 3, 0), (0, 1, 0), 2, cohorts=5, size=""), "Select a valid choice"),
        (tally((3, 101, 0), (0, 1, 0), 2, cohorts=2, size=""), "less than or equal to 100"),
        ({"n-1": "three", "cohorts": 2}, "Enter a whole number"),
    ],
)
def test_what_cannot_be_is_refused_and_stays(browse: Client, fields: dict[str, object], sentence: str) -> None:
    answer = browse.get(f"/designs/paths/?{asked(BOIN, **fields)}")
    assert answer.status_code == 422
    page = text(answer)
    assert "These paths cannot be shown" in page
    assert sentence in page
    for name, value in fields.items():
        if name.startswith(("n-", "y-")):
            assert re.search(rf'name="{name}" value="{value}"', page)


@pytest.mark.parametrize("treated", [(12, 0, 0), (6, 6, 6), (9, 9, 0)])
def test_three_plus_three_from_a_tally_that_it_would_not_reach(browse: Client, treated: tuple[int, ...]) -> None:
    """An answer or a refusal in words, never a fault."""
    fields = tally(treated, (0, 0, 0), 1, cohorts=2, size=2)
    assert browse.get(f"/designs/paths/?{asked(ThreePlusThreeDesign(), **fields)}").status_code in (200, 422)


# --- both ---


@pytest.mark.parametrize("page", ["table", "paths"])
def test_the_designs_of_the_question_are_one_click_apart(browse: Client, page: str) -> None:
    answer = text(browse.get(f"/designs/{page}/?{asked(BOIN, CRM, design=1)}"))
    here = answer.partition('aria-label="Designs compared"')[2].partition("</nav>")[0]
    assert re.search(r'aria-current="page">CRM', here)
    assert "design=0" in here
    assert "/designs/compare/?dose=10" in answer


@pytest.mark.parametrize("page", ["table", "paths"])
def test_a_question_that_cannot_be_leads_to_the_workbench(browse: Client, page: str) -> None:
    answer = browse.get(f"/designs/{page}/?target=7")
    assert answer.status_code == 422
    assert "Mend it in the design workbench" in text(answer)
    assert "target=7" in text(answer)


@pytest.mark.parametrize("index", ["2", "-1", "one", ""])
def test_a_design_that_is_not_in_the_question_is_not_found(browse: Client, index: str) -> None:
    assert browse.get(f"/designs/table/?{asked(BOIN, CRM, design=index)}").status_code == 404


@pytest.mark.parametrize("page", ["table", "paths"])
def test_nobody_reads_without_signing_in(client: Client, page: str) -> None:
    assert client.get(f"/designs/{page}/?{asked(BOIN)}")["Location"].startswith("/sign-in/")


def test_nothing_is_written(browse: Client) -> None:
    assert browse.post(f"/designs/table/?{asked(BOIN)}").status_code == 405
