"""The tree of dose paths: the same ways as the engine's, in words and as a picture."""

from collections.abc import Iterator
from itertools import pairwise
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing.engine import (
    BoinDesign,
    CrmDesign,
    DosePath,
    DosePaths,
    DoseTally,
    KeyboardDesign,
    Mtpi2Design,
    ThreePlusThreeDesign,
    dose_paths,
)
from dosing.workbench.path_tree import BOX_HEIGHT, Branch, Tree, dlt_words, draw_tree, span

LABELS = ("10 mg", "15 mg", "25 mg")
TOXICITY = (0.1, 0.2, 0.4)
SKELETON = (0.1, 0.2, 0.35)
DESIGNS = (
    BoinDesign(target=0.30, max_patients=18),
    BoinDesign(target=0.25, max_patients=12, cohort_size=1, extra_safe=True),
    KeyboardDesign(target=0.30, max_patients=15, early_stop_n=6),
    Mtpi2Design(target=0.30, max_patients=18, cohort_size=2),
    ThreePlusThreeDesign(),
    CrmDesign(target=0.30, max_patients=15, skeleton=SKELETON),
)
counts = st.integers(0, 4).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
tallies = st.lists(counts, min_size=3, max_size=3).map(
    lambda pairs: DoseTally(treated=tuple(n for n, _ in pairs), dlts=tuple(y for _, y in pairs))
)


def ends(branch: Branch, before: tuple[tuple[int, ...], ...] = ()) -> Iterator[tuple[tuple[int, ...], Branch]]:
    """The ways through the tree as numbers of DLTs, those of a merged end apart."""
    here = before if branch.cohort is None else (*before, tuple(range(branch.fewest, branch.most + 1)))
    for below in branch.branches:
        yield from ends(below, here)
    if not branch.branches:
        ways: list[tuple[int, ...]] = [()]
        for numbers in here:
            ways = [(*way, number) for way in ways for number in numbers]
        yield from ((way, branch) for way in ways)


def where_to(path: DosePath) -> str:
    dose = path.advice.next_dose
    return "" if dose is None else LABELS[dose - 1]


@settings(max_examples=60, deadline=None)
@given(design=st.sampled_from(DESIGNS), tally=tallies, current=st.integers(1, 3), cohorts=st.integers(1, 2))
def test_the_tree_holds_every_path_of_the_engine_and_no_other(
    design: BoinDesign, tally: DoseTally, current: int, cohorts: int
) -> None:
    paths = dose_paths(design, tally, current, cohorts)
    tree = draw_tree(paths, LABELS, TOXICITY)
    expected = {tuple(cohort.dlts for cohort in path.cohorts): path for path in paths}
    found = dict(ends(tree.root))
    assert set(found) == set(expected)
    for way, path in expected.items():
        assert where_to(path) in found[way].advice
        assert path.cohorts == () or found[way].n == path.tally.at(path.cohorts[-1].dose)[0]
    total: dict[int, float] = {}
    for way, path in expected.items():
        total[id(found[way])] = total.get(id(found[way]), 0.0) + path.probability(TOXICITY)
    for branch in found.values():
        assert branch.probability is not None
        assert isclose(branch.probability, total[id(branch)], abs_tol=1e-12)


@settings(max_examples=30, deadline=None)
@given(design=st.sampled_from(DESIGNS), tally=tallies, current=st.integers(1, 3))
def test_boxes_and_lines_keep_apart(design: BoinDesign, tally: DoseTally, current: int) -> None:
    tree = draw_tree(dose_paths(design, tally, current, 2), LABELS)
    columns: dict[float, list[float]] = {}
    for box in tree.boxes:
        columns.setdefault(box.x, []).append(box.y)
        assert 0 <= box.x <= tree.width - box.width
        assert 0 <= box.y <= tree.height - BOX_HEIGHT
    for tops in columns.values():
        tops.sort()
        assert all(after - top > BOX_HEIGHT for top, after in pairwise(tops))
    assert len(tree.edges) == len(tree.boxes) - 1


@pytest.fixture
def tree() -> Tree:
    """The next two cohorts of three at 15 mg, where 1 of 3 had a DLT."""
    tally = DoseTally(treated=(3, 3, 0), dlts=(0, 1, 0))
    return draw_tree(dose_paths(BoinDesign(target=0.30, max_patients=18), tally, 2, 2), LABELS, TOXICITY)


def test_branches_in_words(tree: Tree) -> None:
    assert tree.root.standing == "0 of 3 at 10 mg; 1 of 3 at 15 mg"
    assert (tree.root.advice, tree.root.kind, tree.root.percent) == ("Stay at 15 mg", "stay", "")
    assert [(b.outcome, b.under, b.advice, b.kind, b.percent) for b in tree.root.branches] == [
        ("no DLT", "1 of 6 at 15 mg", "Escalate to 25 mg", "up", "51.2 %"),
        ("1 DLT", "2 of 6 at 15 mg", "Stay at 15 mg", "stay", "38.4 %"),
        ("2 DLTs", "3 of 6 at 15 mg", "De-escalate to 10 mg", "down", "9.6 %"),
        ("3 DLTs", "4 of 6 at 15 mg, closed", "De-escalate to 10 mg", "out", "0.8 %"),
    ]


def test_neighbouring_ends_with_the_same_advice_are_one(tree: Tree) -> None:
    after_escalation = tree.root.branches[0].branches
    assert [(b.outcome, b.seen) for b in after_escalation] == [
        ("0 or 1 DLT", "0 or 1 of 3 at 25 mg"),
        ("2 DLTs", "2 of 3 at 25 mg"),
        ("3 DLTs", "3 of 3 at 25 mg"),
    ]
    assert isclose(sum(b.probability or 0 for b in after_escalation), tree.root.branches[0].probability or 0)


def test_the_end_of_the_trial_in_words() -> None:
    last = DoseTally(treated=(3, 6, 0), dlts=(0, 1, 0))
    ended = draw_tree(dose_paths(BoinDesign(target=0.30, max_patients=12), last, 2, 2), LABELS)
    assert [(b.outcome, b.advice, b.kind, b.closed) for b in ended.root.branches] == [
        ("0 to 2 DLTs", "The MTD is selected", "", ""),
        ("3 DLTs", "The MTD is selected", "out", "25 mg"),
    ]
    first = draw_tree(dose_paths(BoinDesign(target=0.30, max_patients=12), DoseTally.empty(3), 1, 1), LABELS)
    assert first.root.advice == "Treat at 10 mg"
    assert first.root.standing == "nobody treated yet"
    worst = first.root.branches[-1]
    assert (worst.under, worst.advice, worst.kind) == ("3 of 3 at 10 mg, closed", "No dose is safe", "out")
    assert ended.root.percent == first.root.branches[0].percent == ""


def test_a_tree_too_large_for_a_picture_has_its_lists() -> None:
    paths = dose_paths(BoinDesign(target=0.30, max_patients=30), DoseTally.empty(3), 1, 4)
    tree = draw_tree(paths, LABELS)
    assert not tree.is_drawn
    assert tree.edges == ()
    assert tree.root.ends > 64
    assert tree.nodes == paths.nodes


def test_long_names_are_cut_in_the_picture_only() -> None:
    long = tuple(f"lenalidomide {mg} mg on days 1 to 21 with dexamethasone" for mg in (10, 15, 25))
    paths: DosePaths = dose_paths(BoinDesign(target=0.30, max_patients=12), DoseTally.empty(3), 1, 1)
    box = next(box for box in draw_tree(paths, long).boxes if box.branch.kind == "up")
    assert box.advice.endswith("…")
    assert box.branch.advice == f"Escalate to {long[1]}"


def test_counts_in_words() -> None:
    assert [span(2, 2), span(2, 3), span(2, 4)] == ["2", "2 or 3", "2 to 4"]
    assert [dlt_words(0, 0), dlt_words(1, 1), dlt_words(0, 1), dlt_words(2, 3)] == [
        "no DLT",
        "1 DLT",
        "0 or 1 DLT",
        "2 or 3 DLTs",
    ]


@pytest.mark.parametrize("toxicity", [(0.1, 0.2), (0.1, 0.2, 1.4)])
def test_toxicity_has_to_fit_the_doses(toxicity: tuple[float, ...]) -> None:
    paths = dose_paths(BoinDesign(target=0.30, max_patients=12), DoseTally.empty(3), 1, 1)
    with pytest.raises(ValueError, match="toxicity"):
        draw_tree(paths, LABELS, toxicity)
