"""Operating characteristics as plots: Vega-Lite specifications turned into SVG on the server, for pages and paper.

Setting text takes many times as long as drawing marks. So what a moved slider leaves as it is, axes and their labels,
is drawn once and kept, and only the marks are drawn anew, by the same specification, which is compiled once, too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import vl_convert

from dosing.workbench.measures import PER_DOSE, SHARES, SPREAD, Measure, value_of
from dosing.workbench.question import Question
from dosing.workbench.results import Answer
from dosing.workbench.words import number_words

WIDTH, ROW = 320, 26  # of a panel's inside; ROW: one measure of the horizontal panel
HEIGHT = 150
FONT, LETTER = 12, 6.6  # size of the letters, and about how wide one is
SHAPES = ("circle", "square", "triangle-up", "diamond")
# Vega wants colours it knows; these stand for the page's tokens and are replaced in the SVG.
_TOKENS = {
    "#0a0b01": "var(--design-1)",
    "#0a0b02": "var(--design-2)",
    "#0a0b03": "var(--design-3)",
    "#0a0b04": "var(--design-4)",
    "#0a0b0c": "var(--ink)",
    "#0a0b0d": "var(--muted)",
    "#0a0b0e": "var(--line)",
    "#0a0b0f": "var(--stay-soft)",
}
_ON_PAPER = dict(
    zip(_TOKENS, ("#0b5c73", "#b0500f", "#6a3fa0", "#16202c", "#16202c", "#526172", "#dfe4ea", "#fbf1d0"), strict=True)
)
_DESIGNS, (_INK, _MUTED, _LINE, _SOFT) = tuple(_TOKENS)[:4], tuple(_TOKENS)[4:]


@dataclass(frozen=True)
class Frame:
    """Everything of a panel that a moved slider leaves as it is.

    places: labels along the axis of doses or measures. designs: how many. top: the end of the values' axis.
    """

    title: str
    places: tuple[str, ...]
    designs: int
    top: float
    is_share: bool
    horizontal: bool = False

    @property
    def marks(self) -> str:
        """The name of the data set that is drawn upon the frame."""
        return f"marks of {self.title}"

    @property
    def band(self) -> str:
        """The name of the data set that says where the true MTD is."""
        return f"band of {self.title}"

    @property
    def slanted(self) -> bool:
        """Whether the labels need more room than there is under a dose."""
        return not self.horizontal and LETTER * max(map(len, self.places)) > WIDTH / len(self.places)

    @property
    def size(self) -> tuple[int, int]:
        return WIDTH - (138 if self.horizontal else 0), ROW * len(self.places) if self.horizontal else HEIGHT

    @property
    def padding(self) -> dict[str, int]:
        """Room for the labels; it is fixed, so that marks and axes that are drawn apart lie on one another."""
        return {"left": 178 if self.horizontal else 40, "right": 10, "top": 8, "bottom": 62 if self.slanted else 24}


@dataclass(frozen=True)
class Mark:
    """One value of one design. spread: half of the interval around a simulated value."""

    place: int
    design: int
    value: float
    spread: float


@dataclass(frozen=True)
class Panel:
    """A plot and its title."""

    title: str
    svg: str


def characteristics_panels(question: Question, answers: Sequence[Answer]) -> tuple[Panel, ...]:
    """A plot per measure: selection, patients and DLTs per dose, and the shares of trials. Colours are the page's.

    answers: of the question's own toxicity; one without characteristics is left out, and the others keep their shapes.
    """
    band = _true_mtd(answers)
    return tuple(
        Panel(frame.title, _drawn(frame, tuple(marks), None if frame.horizontal else band))
        for frame, marks in _panels(question, answers)
    )


def characteristics_plots(question: Question, answers: Sequence[Answer], *, printed: bool = False) -> str:
    """All panels, with titles and a legend, as one SVG. printed: in the colours of paper instead of the page's."""
    band = _true_mtd(answers)
    views = [
        _view(frame, marks, None if frame.horizontal else band, axes=True) | {"title": frame.title}
        for frame, marks in _panels(question, answers)
    ]
    whole = {
        "vconcat": [{"hconcat": views[:2], "spacing": 48}, {"hconcat": views[2:], "spacing": 48}],
        "config": _CONFIG | {"concat": {"spacing": 24}},
        "background": "transparent",
        "title": _legend([answer.name for answer in answers]),
    }
    return _coloured(vl_convert.vegalite_to_svg(json.dumps(whole)), _ON_PAPER if printed else _TOKENS)


def described(question: Question, answers: Sequence[Answer]) -> str:
    """What the panels show, for who cannot see them: the numbers stand in the table beside them."""
    names = ", ".join(answer.name for answer in answers if answer.characteristics is not None)
    return f"{names} under a true toxicity of " + ", ".join(
        f"{number_words(p)} at {label}" for label, p in zip(question.labels, question.toxicity, strict=True)
    )


def _true_mtd(answers: Sequence[Answer]) -> int | None:
    """The place of the true MTD, the same for all designs; None where no dose is."""
    known = next((answer.characteristics for answer in answers if answer.characteristics is not None), None)
    return int(known.true_mtd[0]) - 1 if known is not None and known.true_mtd[0] > 0 else None


def _panels(question: Question, answers: Sequence[Answer]) -> list[tuple[Frame, list[Mark]]]:
    per_dose = [_per_dose(question, answers, measure) for measure in PER_DOSE]
    return [*per_dose, _shares(answers)]


def _per_dose(question: Question, answers: Sequence[Answer], measure: Measure) -> tuple[Frame, list[Mark]]:
    places = (*question.labels, "none") if measure.has_none else question.labels
    marks = [
        _mark(place, design, *value_of(answer, measure, place))
        for design, answer in enumerate(answers)
        if answer.characteristics is not None
        for place in range(len(places))
    ]
    top = 1.0 if measure.is_share else _round_end(max((mark.value + mark.spread for mark in marks), default=1.0))
    return Frame(measure.title, places, len(answers), top, measure.is_share), marks


def _shares(answers: Sequence[Answer]) -> tuple[Frame, list[Mark]]:
    marks = [
        _mark(place, design, *value_of(answer, measure))
        for design, answer in enumerate(answers)
        if answer.characteristics is not None
        for place, measure in enumerate(SHARES)
    ]
    labels = tuple(measure.label for measure in SHARES)
    return Frame("Share of trials", labels, len(answers), 1.0, is_share=True, horizontal=True), marks


def _mark(place: int, design: int, value: float, error: float) -> Mark:
    return Mark(place, design, value, SPREAD * error)


def _round_end(most: float) -> float:
    """The end of an axis that holds `most`: 1, 2, 3, 4, 5, 6, 8 or 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(most, 0.5)))
    return next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= most - 1e-9)


def _drawn(frame: Frame, marks: Sequence[Mark], band: int | None) -> str:
    """The kept frame with fresh marks upon it."""
    fresh = _marks_alone(frame, marks, band)
    inside = fresh[fresh.index(">") + 1 : fresh.rindex("</svg>")]
    return _kept_frame(frame).replace("</svg>", f"{inside}</svg>")


@lru_cache(maxsize=512)
def _kept_frame(frame: Frame) -> str:
    svg = _coloured(vl_convert.vegalite_to_svg(json.dumps(_alone(frame, axes=True))), _TOKENS)
    view_box = svg[svg.index("viewBox=") :].split('"')[1]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view_box}" aria-hidden="true">{svg[svg.index(">") + 1 :]}'
    )


def _marks_alone(frame: Frame, marks: Sequence[Mark], band: int | None) -> str:
    compiled = _compiled(frame)
    rows: dict[str, Sequence[Any]] = {frame.marks: _rows(marks), frame.band: _band_rows(band)}
    filled = [
        source | {"values": rows[source["name"]]} if source["name"] in rows else source for source in compiled["data"]
    ]
    return _coloured(vl_convert.vega_to_svg(json.dumps(compiled | {"data": filled})), _TOKENS)


@lru_cache(maxsize=512)
def _compiled(frame: Frame) -> dict[str, Any]:
    """The Vega of a panel's marks, which wait for their data."""
    vega: dict[str, Any] = vl_convert.vegalite_to_vega(json.dumps(_alone(frame, axes=False)))
    return vega


def _coloured(svg: str, colours: Mapping[str, str]) -> str:
    for stand_in, colour in colours.items():
        svg = svg.replace(stand_in, colour)
    return svg


def _alone(frame: Frame, *, axes: bool) -> dict[str, Any]:
    return _view(frame, (), None, axes=axes) | {
        "config": _CONFIG,
        "autosize": "none",
        "padding": frame.padding,
        "background": None,
    }


_CONFIG: dict[str, Any] = {
    "aria": False,
    "font": "Inter",
    "view": {"stroke": None},
    "title": {"fontSize": FONT + 1, "color": _INK, "anchor": "start", "fontWeight": 600},
    "axis": {
        "title": None,
        "ticks": False,
        "domain": False,
        "labelFontSize": FONT,
        "labelColor": _MUTED,
        "labelPadding": 6,
    },
}


def _view(frame: Frame, marks: Sequence[Mark], band: int | None, *, axes: bool) -> dict[str, Any]:
    """The Vega-Lite view of one panel."""
    along, value = ("y", "x") if frame.horizontal else ("x", "y")
    width, height = frame.size
    places = list(range(len(frame.places)))
    scale = {"domain": places, "paddingInner": 0.15, "paddingOuter": 0.1}
    axis = _place_axis(frame) if axes else None
    position = {along: {"field": "at", "type": "nominal", "scale": scale, "axis": axis}}
    values = {"scale": {"domain": [0, frame.top]}, "axis": _value_axis(frame) if axes else None}
    return {
        "width": width,
        "height": height,
        "layer": [
            {
                "data": {"name": frame.band, "values": _band_rows(band)},
                "mark": {"type": "bar", "color": _SOFT},
                "encoding": position,
            },
            {
                "data": {"name": frame.marks, "values": _rows(marks)},
                "layer": _lollipops(frame, position, along, value, values),
            },
        ],
    }


def _rows(marks: Sequence[Mark]) -> list[dict[str, float]]:
    return [
        {"at": m.place, "of": m.design, "v": m.value, "low": m.value - m.spread, "high": m.value + m.spread}
        for m in marks
    ]


def _band_rows(band: int | None) -> list[dict[str, int]]:
    """The place behind which the true MTD is shown."""
    return [] if band is None else [{"at": band}]


def _lollipops(
    frame: Frame, position: Mapping[str, Any], along: str, value: str, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """A stem from 0 to the value, an interval around a simulated one, and the design's own shape on top."""
    of = list(range(frame.designs))
    colour = {"field": "of", "type": "nominal", "legend": None, "scale": {"domain": of, "range": _DESIGNS[: len(of)]}}
    shape = {"field": "of", "type": "nominal", "legend": None, "scale": {"domain": of, "range": SHAPES[: len(of)]}}
    offset = {"field": "of", "type": "nominal", "scale": {"domain": of, "paddingOuter": 0.6}}
    common = {**position, f"{along}Offset": offset, "color": colour}
    at = {value: {"field": "v", "type": "quantitative", **values}}
    interval = {value: {"field": "low", "type": "quantitative", **values}, f"{value}2": {"field": "high"}}
    simulated = [{"filter": "datum.high > datum.low"}]
    return [
        {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {**common, **at, f"{value}2": {"datum": 0}}},
        {
            "transform": simulated,
            "mark": {"type": "rule", "strokeWidth": 1, "color": _INK},
            "encoding": {key: each for key, each in {**common, **interval}.items() if key != "color"},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
            "encoding": {**common, **at, "shape": shape},
        },
    ]


def _place_axis(frame: Frame) -> dict[str, Any]:
    slanted = {"labelAngle": -35, "labelLimit": 92, "labelAlign": "right"} if frame.slanted else {"labelAngle": 0}
    return {
        "labelExpr": f"{json.dumps(frame.places)}[datum.value]",
        "labelLimit": 164,
        "labelOverlap": False,
        "labelPadding": 12 if frame.horizontal else 6,
        "grid": False,
        **slanted,
    }


def _value_axis(frame: Frame) -> dict[str, Any]:
    ends = [0, frame.top / 2, frame.top]
    words = "format(datum.value * 100, '.0f') + ' %'" if frame.is_share else "format(datum.value, '~g')"
    return {"values": ends, "labelExpr": words, "grid": True, "gridColor": _LINE}


def _legend(names: Sequence[str]) -> dict[str, Any]:
    """The designs' shapes and names, as the line over the figure."""
    signs = ("●", "■", "▲", "◆")
    line = "     ".join(f"{sign} {name}" for sign, name in zip(signs, names, strict=False))
    return {"text": line, "fontSize": FONT + 1, "fontWeight": 400, "anchor": "start", "offset": 14}
