"""The list of parts is whole, and what pip-audit says is not taken for more than it is."""

import json
import re

import pytest

from tests.parts.__main__ import LOCK, SBOM, verdict, write_sbom

CLEAN = {"name": "django", "version": "5.2", "vulns": []}
SKIPPED = {"name": "numpy", "skip_reason": "not found"}
FAULTY = {"name": "yaml", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}


@pytest.mark.req("EMA-A4.1", "EMA-A4.4")
def test_the_list_of_parts_has_every_locked_package_with_its_hashes() -> None:
    locked = dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", LOCK.read_text(), re.MULTILINE))
    assert write_sbom() >= len(locked) > 30
    parts = {part["name"].lower(): part for part in json.loads(SBOM.read_text())["components"]}
    assert {name: parts[name]["version"] for name in locked} == locked
    hashed = [r for p in parts.values() for r in p.get("externalReferences", []) if r.get("hashes")]
    assert len(hashed) >= len(locked)


@pytest.mark.req("EMA-A4.4")
def test_a_finding_fails_and_is_named() -> None:
    passes, said = verdict({"dependencies": [CLEAN, FAULTY]})
    assert not passes
    assert "yaml 1: CVE-1, mended in 2" in said


@pytest.mark.parametrize("found", [None, {"dependencies": []}, {"dependencies": [SKIPPED]}])
def test_an_unreachable_service_is_no_good_news(found: dict[str, object] | None) -> None:
    passes, said = verdict(found)
    assert passes
    assert said.startswith("NOT ASKED")


def test_what_could_not_be_asked_about_is_counted() -> None:
    assert verdict({"dependencies": [CLEAN, SKIPPED]}) == (
        True,
        "No known faults in 1 packages. 1 could NOT be asked about.",
    )
