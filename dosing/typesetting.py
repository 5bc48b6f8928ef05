"""Data set as PDF by typst, whatever characters people typed.

PDF/A allows no character that its fonts cannot show: typst refuses the whole document. So such a character stands by
its number, [U+738B], and the document is made; the data that go with it as JSON and CSV have the character itself.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any

import typst

if TYPE_CHECKING:
    from typst import PDFStandard

STANDARDS: list[PDFStandard] = ["a-2a", "ua-1"]  # archivable, and accessible: tagged, titled, in its language
_LACKING = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


def typeset(source: bytes, name: str, content: Any, at: dt.datetime) -> bytes:
    """A document whose time is `at`, by typst's own fonts alone. The same content and time give the same bytes.

    source: the layout, which reads the JSON of `content` from its input `name`; text is plain, never markup.
    Raises typst.TypstError for a faulty layout.
    """
    spelt: set[str] = set()
    while True:
        try:
            pdf = typst.compile(
                source,
                format="pdf",
                sys_inputs={name: json.dumps(content)},
                pdf_standards=STANDARDS,
                timestamp=int(at.timestamp()),
                ignore_system_fonts=True,
            )
        except typst.TypstError as error:
            lacking = _lacking(str(error.diagnostic)) - spelt
            if not lacking:
                raise
            spelt |= lacking
            content = _by_number(content, lacking)
        else:
            assert isinstance(pdf, bytes)
            return pdf


def _lacking(diagnostic: str) -> set[str]:
    """The characters that typst says no font has; it names them as Rust writes them."""
    said = "".join(_ESCAPED.sub(_unescaped, text) for text in _LACKING.findall(diagnostic))
    return {character for character in said if not " " <= character <= "~"}


def _unescaped(match: re.Match[str]) -> str:
    code, letter = match.groups()
    return chr(int(code, 16)) if code else _LETTERS.get(letter, letter)


def _by_number(content: Any, lacking: set[str]) -> Any:
    if isinstance(content, dict):
        return {key: _by_number(value, lacking) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_by_number(value, lacking) for value in content]
    if isinstance(content, str):
        return "".join(f"[U+{ord(c):04X}]" if c in lacking else c for c in content)
    return content
