"""Small plots of an outcome measure over time: a Vega-Lite specification turned into SVG on the server.

The SVG takes its colours from the page's tokens, so that one picture serves light, dark and paper.
"""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

import altair as alt
import vl_convert

WIDTH, HEIGHT = 340, 96
FONT_SIZE = 12

# Vega wants colours it knows; these stand for the page's tokens and are replaced in the SVG.
_INK, _MUTED, _LINE = "#0a0b0c", "#0a0b0d", "#0a0b0e"
_TOKENS = {_INK: "var(--ink)", _MUTED: "var(--muted)", _LINE: "var(--line)"}


@dataclass(frozen=True)
class Point:
    """One measured value."""

    on: dt.date
    value: float


@lru_cache(maxsize=1024)
def outcome_plot(title: str, points: tuple[Point, ...]) -> str:
    """The values over time as an SVG, with a line through them. The vertical axis spans the values that were seen.

    title: what a reader of the page hears in place of the picture. Raises ValueError for fewer than two points.
    """
    if len(points) < 2:
        raise ValueError(f"points: {len(points)} given; a plot over time takes two or more")
    svg = vl_convert.vegalite_to_svg(_specification(points))
    for stand_in, token in _TOKENS.items():
        svg = svg.replace(stand_in, token)
    return _as_one_picture(svg, title)


def _specification(points: tuple[Point, ...]) -> str:
    rows = alt.InlineData([{"on": point.on.isoformat(), "value": point.value} for point in points])
    chart = alt.Chart(rows, width=WIDTH, height=HEIGHT).encode(
        x=alt.X("yearmonthdate(on):T", scale=alt.Scale(padding=6), axis=_day_axis(points)),
        y=alt.Y("value:Q", scale=alt.Scale(zero=False, nice=True, padding=4), axis=_value_axis(points)),
    )
    line = chart.mark_line(color=_MUTED, strokeWidth=1.5)
    dots = chart.mark_circle(color=_INK, size=55, opacity=1)
    return (
        (line + dots)
        .configure(background="transparent", font="Inter")
        .configure_view(stroke=None)
        .configure_axis(
            title=None, ticks=False, domain=False, labelFontSize=FONT_SIZE, labelColor=_MUTED, labelPadding=6
        )
        .to_json(validate=False)
    )


def _value_axis(points: tuple[Point, ...]) -> alt.Axis:
    """A few lines; at whole numbers where all values are whole: a score of 4.5 may not exist."""
    values = [float(point.value) for point in points]
    if not all(value.is_integer() for value in values):
        return alt.Axis(format="~g", tickCount=3, gridColor=_LINE)
    return alt.Axis(format="~g", values=_whole_ticks(int(min(values)), int(max(values))), gridColor=_LINE)


def _whole_ticks(low: int, high: int) -> list[int]:
    """At most five round numbers from at or below `low` to at or above `high`."""
    steps = (factor * 10**power for power in range(9) for factor in (1, 2, 5))
    step = next(step for step in steps if high - low <= 3 * step)
    return list(range(low // step * step, high + step, step))


def _day_axis(points: tuple[Point, ...]) -> alt.Axis:
    """The first and the last day: a small plot has room for two dates."""
    days = sorted(point.on for point in points)
    ends = [alt.DateTime(year=day.year, month=day.month, date=day.day) for day in (days[0], days[-1])]
    return alt.Axis(format="%b %Y", values=ends, grid=False, labelFlush=True)


def _as_one_picture(svg: str, title: str) -> str:
    """One image with one name, scaling with the page: what Vega says about its parts says nothing to a reader."""
    head, _, rest = svg.partition(">")
    view_box = head[head.index("viewBox=") :].split('"')[1]
    named = f'role="img" aria-label="{_escaped(title)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view_box}" {named}>{rest}'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
