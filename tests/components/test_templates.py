"""What the strict Content-Security-Policy would drop must not be written in the first place."""

import re
from pathlib import Path

import pytest
from django.conf import settings

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
FORBIDDEN = {
    "a style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "an inline handler": re.compile(r"\son[a-z]+\s*=", re.IGNORECASE),
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)[^>]*>", re.IGNORECASE),
    "an inline style sheet": re.compile(r"<style", re.IGNORECASE),
    "a script address": re.compile(r"javascript:", re.IGNORECASE),
    "another host": re.compile(r"""(?:src|href)=["']?(?:https?:)?//""", re.IGNORECASE),
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_has(template: Path, what: str) -> None:
    assert FORBIDDEN[what].search(template.read_text()) is None


def test_the_patterns_find_what_they_forbid() -> None:
    bad = '<p style="x" onclick="y"><script>z</script><style></style><a href="javascript:x"><img src="//host/x">'
    assert all(pattern.search(bad) for pattern in FORBIDDEN.values())
    assert not FORBIDDEN["an inline script"].search('<script src="/static/js/theme.js" defer></script>')


def test_each_component_says_what_it_wants() -> None:
    folder = Path(settings.BASE_DIR) / "templates" / "components"
    silent = [path.name for path in folder.glob("[!_]*.html") if "{% comment %}" not in path.read_text()[:200]]
    assert silent == []


def test_the_theme_stays_small() -> None:
    lines = (Path(settings.BASE_DIR) / "static" / "css" / "rung.css").read_text().splitlines()
    assert len(lines) < 500
