"""A running trial's dose paths and its place in the decision table: from the inputs alone, and on the pages."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from audit.context import acting
from dosing.conclusion import conclude
from dosing.engine import BoinDesign, DoseTally, KeyboardDesign, ThreePlusThreeDesign
from dosing.models import Recommendation
from dosing.operations import issue_recommendation
from dosing.paths_ahead import tree_ahead
from dosing.queries.shown import coming
from dosing.table_place import table_place
from dosing.workbench.path_tree import Branch
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import evaluated, propose, sign_all, walk
from trials.models import Study

LABELS = ["10 mg", "15 mg", "25 mg"]
ANTI_MAG = BoinDesign(target=0.30, max_patients=12, cohort_size=1)


def inputs(treated: tuple[int, ...], dlts: tuple[int, ...], current: int, design: Any = ANTI_MAG, **more: Any) -> Any:
    """Inputs of a recommendation with the tally given."""
    return {
        "kind": "dose",
        "current_dose": current,
        "doses": LABELS,
        "closed_from": None,
        "tally": {"treated": list(treated), "dlts": list(dlts)},
        "pending": [0, 0, 0],
        "design": {"name": design.name, "parameters": design.parameters()},
        **more,
    }


def answers(branch: Branch) -> list[tuple[int, str]]:
    """What follows each number of DLTs, those of a merged branch apart."""
    return [(dlts, below.advice) for below in branch.branches for dlts in range(below.fewest, below.most + 1)]


# --- dose paths ---


@pytest.mark.parametrize(
    ("treated", "dlts", "current", "design"),
    [
        ((1, 0, 0), (0, 0, 0), 1, ANTI_MAG),
        ((1, 6, 3), (0, 2, 2), 2, ANTI_MAG),
        ((1, 5, 3), (0, 1, 2), 2, ANTI_MAG),
        ((3, 3, 0), (0, 1, 0), 2, BoinDesign(target=0.25, max_patients=18)),
        ((3, 3, 3), (0, 0, 2), 3, KeyboardDesign(target=0.30, max_patients=18)),
        ((3, 3, 0), (0, 1, 0), 2, ThreePlusThreeDesign()),
        ((3, 3, 3), (0, 0, 2), 3, ThreePlusThreeDesign(complete_highest=True)),
    ],
)
def test_the_paths_say_what_the_stored_table_says(
    treated: tuple[int, ...], dlts: tuple[int, ...], current: int, design: Any
) -> None:
    """Two ways to the same: the tree of the engine, and the rows that a recommendation stores."""
    given = inputs(treated, dlts, current, design)
    tree, rows = tree_ahead(given), coming(given, conclude(given))
    assert tree is not None
    assert [(dlts, words) for dlts, words in answers(tree.root)] == [(y, r["answer"]) for y, r in enumerate(rows)]
    for branch in tree.root.branches:
        stored = [after["answer"] for after in rows[branch.fewest]["after"]]
        assert list(dict.fromkeys(below.advice for below in branch.branches)) == list(dict.fromkeys(stored))


def test_the_last_cohort_ends_with_the_mtd() -> None:
    tree = tree_ahead(inputs((1, 7, 3), (0, 2, 2), 2))
    assert tree is not None
    assert [branch.advice for branch in tree.root.branches] == ["The MTD is selected"]
    assert tree.root.branches[0].outcome == "0 or 1 DLT"


def test_what_the_safety_stop_closed_stays_closed() -> None:
    """25 mg was closed; by the counts alone the next outcome would go there."""
    open_, closed = inputs((1, 4, 0), (0, 0, 0), 2), inputs((1, 4, 0), (0, 0, 0), 2, closed_from=3)
    free, held = tree_ahead(open_), tree_ahead(closed)
    assert free is not None
    assert held is not None
    assert free.root.advice == "Escalate to 25 mg"
    assert held.root.advice == "Stay at 15 mg"
    everywhere = [box.branch.advice for box in held.boxes]
    assert "Stay at 15 mg" in everywhere
    assert not any("25 mg" in advice for advice in everywhere)


def test_three_plus_three_stops_where_the_dose_below_a_closed_one_is_complete() -> None:
    given = inputs((3, 3, 0), (0, 1, 0), 2, ThreePlusThreeDesign(), closed_from=3)
    tree = tree_ahead(given)
    assert tree is not None
    assert answers(tree.root)[0] == (0, "The MTD is selected")


@pytest.mark.parametrize(
    "given",
    [
        inputs((1, 6, 3), (0, 2, 2), 2, pending=[0, 1, 0]),
        inputs((1, 6, 3), (0, 2, 2), 2, kind="mtd"),
        inputs((1, 6, 3), (0, 2, 2), 2, kind="monitoring"),
        inputs((1, 8, 3), (0, 2, 2), 2),
    ],
    ids=["somebody is pending", "the MTD", "expansion", "no cohort follows"],
)
def test_there_are_no_paths_where_no_cohort_is_next(given: Any) -> None:
    assert tree_ahead(given) is None


# --- the place in the table ---


def test_every_level_stands_in_its_cell() -> None:
    place = table_place(inputs((1, 6, 3), (0, 2, 2), 2))
    assert place is not None
    standing = {p.name: (c.n, c.y, c.here) for row in place.table.rows for c in row.cells if c for p in c.places}
    assert standing == {"10 mg": (1, 0, False), "15 mg": (6, 2, True), "25 mg": (3, 2, False)}
    assert [(level.label, level.verdict and level.verdict.letter) for level in place.levels] == [
        ("25 mg", "D"),
        ("15 mg", "S"),
        ("10 mg", "E"),
    ]
    advice = ANTI_MAG.advise(DoseTally(treated=(1, 6, 3), dlts=(0, 2, 2)), 2)
    current = next(level for level in place.levels if level.current)
    assert current.verdict is not None
    assert current.verdict.value == advice.action.value


def test_the_table_ends_where_the_trial_does_and_a_large_one_a_little_ahead() -> None:
    small, large = table_place(inputs((1, 6, 3), (0, 2, 2), 2)), BoinDesign(target=0.30, max_patients=60)
    early, late = (
        table_place(inputs((3, 0, 0), (0, 0, 0), 1, large)),
        table_place(inputs((3, 21, 0), (0, 6, 0), 2, large)),
    )
    assert small is not None
    assert early is not None
    assert late is not None
    assert (small.table.columns[-1], early.table.columns[-1], late.table.columns[-1]) == (12, 12, 27)


def test_a_table_has_no_more_than_a_hundred_columns() -> None:
    endless = BoinDesign(target=0.30, max_patients=400)
    place = table_place(inputs((1, 98, 0), (0, 30, 0), 2, endless))
    assert place is not None
    assert place.table.columns[-1] == 100
    assert table_place(inputs((1, 100, 0), (0, 30, 0), 2, endless)) is not None
    assert table_place(inputs((1, 101, 0), (0, 30, 0), 2, endless)) is None


def test_levels_that_are_closed_or_untried_say_so() -> None:
    place = table_place(inputs((1, 4, 0), (0, 0, 0), 2, closed_from=3))
    assert place is not None
    top = place.levels[0]
    assert (top.label, top.closed, top.verdict) == ("25 mg", True, None)


def test_long_labels_are_numbers_in_the_table() -> None:
    long = ["lenalidomide 10 mg", "lenalidomide 15 mg", "lenalidomide 25 mg"]
    place = table_place(inputs((1, 0, 0), (0, 0, 0), 1, doses=long))
    assert place is not None
    assert [p.name for row in place.table.rows for c in row.cells if c for p in c.places] == ["level 1"]


def test_there_is_no_place_before_the_first_and_after_the_escalation() -> None:
    assert table_place(inputs((0, 0, 0), (0, 0, 0), 1)) is None
    assert table_place(inputs((1, 6, 3), (0, 2, 2), 2, kind="monitoring")) is None


# --- the pages ---


@pytest.fixture
def to_day(trial: Study, rung: User) -> Callable[[dt.date], None]:
    def move(on: dt.date) -> None:
        with acting(rung, "the test's day"):
            Study.objects.filter(pk=trial.pk).update(rehearsal_day=on)

    return move


def page(user: User, path: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(f"/studies/LEN-MAG-01{path}")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.django_db
def test_the_study_page_shows_the_place_once_somebody_counts(
    trial: Study, pi: User, coordinator_a: User, to_day: Callable[[dt.date], None]
) -> None:
    title = "Where it stands in the decision table"
    assert title not in page(pi, "/study/")
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    to_day(on)
    text = page(pi, "/study/")
    assert title in text
    assert 'class="k-up here" aria-current="true">E<span class="visually-hidden">, escalate</span><small>10 mg' in text
    assert "0 of 1 had a DLT" in text


@pytest.mark.django_db
def test_the_decision_page_shows_what_follows_each_outcome(
    trial: Study, pi: User, coordinator_a: User, to_day: Callable[[dt.date], None]
) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    to_day(on)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    text = page(pi, "/decision/")
    assert "What comes next" in text
    assert "Dose paths: what follows each outcome, from 0 of 1 at 10 mg" in text
    tree = tree_ahead(issued.inputs)
    assert tree is not None
    for box in tree.boxes:
        assert f"<title>{box.branch.advice} ({box.branch.under})</title>" in text


@pytest.mark.django_db
def test_a_recommendation_of_another_engine_keeps_the_table_stored_with_it(
    trial: Study, pi: User, coordinator_a: User, to_day: Callable[[dt.date], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    to_day(on)
    issue_recommendation(study=trial, by=pi, at=moment(on))
    monkeypatch.setattr("dosing.decision_page.ENGINE_VERSION", "9.9.9")
    text = page(pi, "/decision/")
    assert "Dose paths" not in text
    assert "and with the cohort after" in text


@pytest.mark.django_db
def test_the_mtd_and_the_expansion_have_neither(
    trial: Study, pi: User, coordinator_a: User, to_day: Callable[[dt.date], None]
) -> None:
    on = walk(trial, coordinator_a, "NNTNNNTNTTN")
    _, on = evaluated(trial, coordinator_a, on, dlt=True)
    to_day(on)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert issued.kind == Recommendation.Kind.MTD
    assert "Dose paths" not in page(pi, "/decision/")
    assert "Where it stands in the decision table" not in page(pi, "/study/")
    sign_all(propose(issued, on), on)
    assert "Where it stands in the decision table" not in page(pi, "/study/")
