"""The drawn ladder: everything lies within the drawing, nothing overlaps, whatever the trial."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from dosing.dots import Dot, DotStatus
from dosing.ladder import Layout, Rung, draw_ladder

LABELS = ["10 mg", "15 mg", "25 mg", "30 mg", "35 mg", "40 mg", "45 mg", "50 mg"]


def dots(n: int, dlts: int = 0) -> tuple[Dot, ...]:
    statuses = [DotStatus.DLT] * dlts + [DotStatus.NO_DLT] * (n - dlts)
    return tuple(Dot(code=f"A-{i:03}", status=status, url=f"/p/{i}") for i, status in enumerate(statuses, 1))


def rungs(*patients: int) -> list[Rung]:
    return [
        Rung(ordinal=i, label=LABELS[i - 1], dots=dots(n), current=i == 1, estimate=0.3, interval=(0.1, 0.6))
        for i, n in enumerate(patients, 1)
    ]


def assert_well_drawn(layout: Layout) -> None:
    for drawn in layout.rungs:
        assert drawn.top >= 0
        assert drawn.top + drawn.height <= layout.height
        for dot in drawn.dots:
            assert layout.rails[0] < dot.x - dot.r
            assert dot.x + dot.r < layout.rails[1]
            assert drawn.top <= dot.y - dot.r
            assert dot.y + dot.r <= drawn.top + drawn.height
        places = [(dot.x, dot.y) for dot in drawn.dots]
        assert len(set(places)) == len(places)
        for text in (*drawn.label, *drawn.notes):
            assert drawn.top < text.y <= drawn.top + drawn.height
    for above, below in pairwise(layout.rungs):
        assert above.top + above.height <= below.top


@pytest.mark.parametrize(
    "patients", [(0,), (1,), (0, 0, 0), (1, 6, 3), (3, 24, 0), (1, 3, 3, 6, 3, 2, 0, 0), (3, 200, 12)]
)
def test_every_trial_fits(patients: tuple[int, ...]) -> None:
    ladder = draw_ladder(rungs(*patients), target=0.3, boundaries=(0.236, 0.359))
    for layout in (ladder.wide, ladder.narrow):
        assert_well_drawn(layout)
        assert [len(drawn.dots) for drawn in layout.rungs] == list(reversed(patients))


def test_the_highest_dose_is_on_top_whatever_the_order_given() -> None:
    ladder = draw_ladder(list(reversed(rungs(1, 6, 3))))
    assert [rung.label for rung in ladder.rungs] == ["25 mg", "15 mg", "10 mg"]
    assert [drawn.rung for drawn in ladder.wide.rungs] == list(ladder.rungs)


def test_dots_shrink_only_when_they_would_take_many_lines_and_then_are_no_links() -> None:
    regular = draw_ladder(rungs(3, 24))
    assert {dot.r for drawn in regular.wide.rungs for dot in drawn.dots} == {11.0}
    assert regular.has_links
    compact = draw_ladder(rungs(3, 200))
    assert {dot.r for drawn in compact.wide.rungs for dot in drawn.dots} == {6.0}
    assert not compact.has_links


def test_several_lines_of_dots_stand_on_their_rung_and_one_line_is_threaded_on_it() -> None:
    upper, lower = draw_ladder(rungs(2, 24)).wide.rungs
    assert upper.line_y >= max(dot.y + dot.r for dot in upper.dots)
    assert {dot.y for dot in lower.dots} == {lower.line_y}


def test_the_scale_places_target_band_and_estimates() -> None:
    ladder = draw_ladder(rungs(6), target=0.3, boundaries=(0.236, 0.359))
    scale = ladder.wide.scale
    assert scale is not None
    assert scale.band_x is not None
    assert scale.target_x is not None
    assert scale.band_width
    assert (scale.at(0), scale.at(1)) == (scale.x0, scale.x1)
    assert scale.band_x < scale.target_x < scale.band_x + scale.band_width
    [drawn] = ladder.wide.rungs
    assert drawn.estimate_x == scale.at(0.3)
    assert drawn.interval_x == (scale.at(0.1), scale.at(0.6))


def test_without_target_and_estimates_there_is_no_scale_and_the_dots_get_its_room() -> None:
    ladder = draw_ladder([Rung(ordinal=1, label="10 mg", dots=dots(3))])
    assert ladder.wide.scale is None
    assert ladder.narrow.scale is None
    assert ladder.wide.rails[1] > draw_ladder(rungs(3)).wide.rails[1]


def test_an_estimate_of_zero_is_drawn() -> None:
    ladder = draw_ladder([Rung(ordinal=1, label="10 mg", dots=dots(3), estimate=0.0)], target=0.3)
    [drawn] = ladder.wide.rungs
    assert ladder.wide.scale is not None
    assert drawn.estimate_x == ladder.wide.scale.x0
    assert drawn.estimate is not None
    assert drawn.estimate.text == "0.00"


def test_only_patients_with_a_settled_outcome_count() -> None:
    rung = Rung(
        ordinal=2,
        label="15 mg",
        current=True,
        dots=(
            *dots(3, dlts=1),
            Dot(code="B-001", status=DotStatus.PENDING, elapsed=0.5),
            Dot(code="B-002", status=DotStatus.NOT_EVALUABLE),
            Dot(status=DotStatus.OPEN),
        ),
    )
    assert (rung.evaluable, rung.dlts, rung.tally) == (3, 1, "1 of 3 had a DLT")
    assert draw_ladder([rung]).description == (
        "15 mg, level 2, current: 1 of 3 had a DLT, 1 in the DLT window, 1 slot open or reserved."
    )


def test_a_long_label_wraps_and_stays_left_of_the_rail() -> None:
    label = "lenalidomide 20 mg + cetuximab 250 mg/m²"
    layout = draw_ladder([Rung(ordinal=1, label=label)]).wide
    words = [text.text for text in layout.rungs[0].label]
    assert " ".join(words) == label
    assert len(words) > 1
    assert all(14 + 8.4 * len(word) < layout.rails[0] for word in words)


def test_the_arc_shows_how_much_of_the_window_is_over() -> None:
    pending = Dot(code="B-005", status=DotStatus.PENDING, elapsed=0.4)
    [drawn] = draw_ladder([Rung(ordinal=1, label="10 mg", dots=(pending,))]).wide.rungs[0].dots
    assert drawn.arc == 40
    assert pending.sentence == "B-005: in the DLT window, 40 % of it over"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: draw_ladder([]), "at least one dose level"),
        (lambda: draw_ladder([*rungs(1), *rungs(2)]), "share an ordinal"),
        (lambda: Rung(ordinal=1, label="10 mg", estimate=1.2), "between 0 and 1, not 1.2"),
        (lambda: Rung(ordinal=1, label="10 mg", interval=(0.6, 0.1)), r"\(lower, upper\)"),
        (lambda: Dot(status=DotStatus.PENDING, elapsed=1.5), "between 0 and 1, not 1.5"),
        (lambda: Dot(status=DotStatus.DLT, elapsed=0.5), "pending patient only"),
    ],
)
def test_what_cannot_be_drawn_is_named(wrong: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wrong()
