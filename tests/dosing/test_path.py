"""How we got here: each patient once, in order, at its dose, on a desk and on a phone."""

import pytest

from dosing.dots import Dot, DotStatus
from dosing.path import PER_LINE, Step, draw_path

LEVELS = [(3, "25 mg"), (1, "10 mg"), (2, "15 mg")]


def steps(n: int) -> list[Step]:
    return [
        Step(ordinal=i % 3 + 1, dot=Dot(code=f"A-{i:03}", status=DotStatus.NO_DLT, url=f"/p/{i}"))
        for i in range(1, n + 1)
    ]


@pytest.mark.parametrize("n", [0, 1, 12, 40, 41, 200])
def test_everybody_is_drawn_once_within_the_drawing(n: int) -> None:
    path = draw_path(steps(n), levels=LEVELS)
    for layout in (path.wide, path.narrow):
        assert [dot.dot.code for dot in layout.dots] == [f"A-{i:03}" for i in range(1, n + 1)]
        assert len({(dot.x, dot.y) for dot in layout.dots}) == n
        for dot in layout.dots:
            assert dot.x - dot.r > 0
            assert dot.x + dot.r < layout.width
            assert dot.y - dot.r > 0
            assert dot.y + dot.r < layout.height
    assert len(path.rows) == n


def test_a_higher_dose_is_higher_on_the_desk_and_further_right_on_the_phone() -> None:
    path = draw_path([Step(ordinal=i, dot=Dot(code="A", status=DotStatus.DLT)) for i in (1, 2, 3)], levels=LEVELS)
    heights = [dot.y for dot in path.wide.dots]
    assert heights == sorted(heights, reverse=True)
    across = [dot.x for dot in path.narrow.dots]
    assert across == sorted(across)


def test_a_long_path_goes_on_in_the_next_line() -> None:
    path = draw_path(steps(PER_LINE + 1), levels=LEVELS)
    assert len(path.wide.routes) == 2
    assert path.wide.dots[-1].x == path.wide.dots[0].x
    assert path.wide.dots[-1].y > max(dot.y for dot in path.wide.dots[:-1])


def test_labels_that_do_not_fit_a_phone_give_way_to_ordinals() -> None:
    long = [(1, "lenalidomide 15 mg + cetuximab"), (2, "lenalidomide 20 mg + cetuximab")]
    assert [text.text for text in draw_path([], levels=long).narrow.numbers] == ["dose level", "1", "2"]
    assert [text.text for text in draw_path([], levels=LEVELS).narrow.numbers] == ["10 mg", "15 mg", "25 mg"]


def test_small_dots_are_no_links_on_the_desk_but_stay_so_on_the_phone() -> None:
    path = draw_path(steps(PER_LINE), levels=LEVELS)
    assert not any(dot.linked for dot in path.wide.dots)
    assert all(dot.linked for dot in path.narrow.dots)


def test_a_path_without_levels_or_with_an_unknown_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one dose level"):
        draw_path([], levels=[])
    with pytest.raises(ValueError, match=r"levels \[9\], the ladder has \[1, 2, 3\]"):
        draw_path([Step(ordinal=9, dot=Dot(status=DotStatus.DLT))], levels=LEVELS)
