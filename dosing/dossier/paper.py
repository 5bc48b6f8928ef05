"""Sets data on the house's paper: PDF/A-2a and PDF/UA-1."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from dosing.typesetting import typeset

HOUSE = Path(__file__).with_name("paper.typ")


def set_on_paper(source: Path, printed: dict[str, Any], at: dt.datetime) -> bytes:
    """A document whose time is `at`. The same data and time give the same bytes. source: its layout, after the house's.

    printed: has `title`, `running` (heads every page) and `foot`; text comes as plain strings, never as markup.
    """
    return typeset(HOUSE.read_bytes() + b"\n" + source.read_bytes(), "printed", printed, at)
