"""Sets data on paper: PDF/A-2a and PDF/UA-1 by typst, whose own fonts are all that is used."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typst

if TYPE_CHECKING:
    from typst import PDFStandard

HOUSE = Path(__file__).with_name("paper.typ")
STANDARDS: list[PDFStandard] = ["a-2a", "ua-1"]  # archivable, and accessible: tagged, titled, in its language


def set_on_paper(source: Path, printed: dict[str, Any], at: dt.datetime) -> bytes:
    """A document whose time is `at`. The same data and time give the same bytes. source: its layout, after the house's.

    printed: has `title`, `running` (heads every page) and `foot`; text comes as plain strings, never as markup.
    """
    pdf = typst.compile(
        HOUSE.read_bytes() + b"\n" + source.read_bytes(),
        format="pdf",
        sys_inputs={"printed": json.dumps(printed)},
        pdf_standards=STANDARDS,
        timestamp=int(at.timestamp()),
        ignore_system_fonts=True,
    )
    assert isinstance(pdf, bytes)
    return pdf
