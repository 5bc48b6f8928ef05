import datetime as dt
import re

import pytest

from labs.plots import Point, outcome_plot

JANUARY, MARCH = dt.date(2026, 1, 5), dt.date(2026, 3, 29)


def plot(*values: float, title: str = "INCAT: 5, then 4") -> str:
    days = (JANUARY, MARCH, dt.date(2026, 6, 21))
    return outcome_plot(title, tuple(Point(day, value) for day, value in zip(days, values, strict=False)))


def axis_labels(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg)


def test_a_plot_has_a_dot_for_each_value_and_one_line() -> None:
    svg = plot(5, 4, 2)
    assert len(re.findall(r'aria-roledescription="circle"', svg)) == 3
    assert len(re.findall(r'aria-roledescription="line mark"', svg)) == 1


def test_its_colours_are_the_pages_and_it_has_no_styles_of_its_own() -> None:
    svg = plot(5, 4)
    assert set(re.findall(r'(?:fill|stroke)="([^"]+)"', svg)) <= {
        "none", "transparent", "var(--ink)", "var(--muted)", "var(--line)",
    }  # fmt: skip
    assert "style=" not in svg


def test_it_is_one_picture_with_one_name_that_scales() -> None:
    head = plot(5, 4, title='Serum "IgM" <8')[:400].partition(">")[0]
    assert 'role="img"' in head
    assert 'aria-label="Serum &quot;IgM&quot; &lt;8"' in head
    assert "viewBox=" in head
    assert not re.search(r"\b(width|height)=", head)


def test_whole_values_have_lines_at_whole_numbers() -> None:
    assert [label for label in axis_labels(plot(5, 4)) if label[0].isdigit()] == ["4", "5"]
    assert "Jan 2026" in axis_labels(plot(5, 4))
    assert "Mar 2026" in axis_labels(plot(5, 4))


def test_one_value_is_no_plot() -> None:
    with pytest.raises(ValueError, match="points: 1 given"):
        plot(5)
