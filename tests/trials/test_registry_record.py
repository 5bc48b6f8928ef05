"""A ClinicalTrials.gov record gives a heading; what is no such record is refused: path, value, what is allowed."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trials.errors import InvalidProtocol
from trials.protocol import Agent, Criterion, Heading
from trials.registry_record import definition_of_record

RECORD = Path(__file__).parent / "records" / "NCT05990001.json"


@pytest.fixture
def found() -> dict[str, Any]:
    return definition_of_record(RECORD.read_text())


def test_the_heading_has_the_records_identifiers_and_titles(found: dict[str, Any]) -> None:
    heading = Heading.model_validate(found["study"])
    assert heading.key == "LEN-CTX-2023-07"
    assert heading.identifiers == ("NCT05990001", "LEN/CTX 2023-07", "2023-501234-12-00", "U1111-1290-0001")
    assert heading.title.startswith("Lenalidomide and Cetuximab")
    assert heading.official_title.startswith("A Phase I/II Study of Lenalidomide in Combination")
    assert len(heading.objectives) == 2


def test_the_arms_and_what_is_given_in_them_are_taken_and_procedures_are_not(found: dict[str, Any]) -> None:
    first, second = found["study"]["arms"]
    assert (
        first == "Lenalidomide + cetuximab (Experimental): Lenalidomide daily after a lead-in, with weekly cetuximab."
    )
    assert second == "Observation (No intervention)"
    agents = [Agent.model_validate(agent) for agent in found["agents"]]
    assert [(a.code, a.name, a.investigational) for a in agents] == [
        ("lenalidomide", "Lenalidomide", True),
        ("cetuximab", "Cetuximab", True),
    ]


def test_the_criteria_are_taken_one_by_one_with_age_first(found: dict[str, Any]) -> None:
    criteria = [Criterion.model_validate(criterion) for criterion in found["eligibility"]]
    assert [(c.code, c.text) for c in criteria] == [
        ("inclusion-1", "Age at least 18 years"),
        ("inclusion-2", "KRAS-mutant metastatic colorectal cancer"),
        ("inclusion-3", "Absolute neutrophil count >= 1.5 x 10^9/L within 14 days of registration"),
        ("inclusion-4", "ECOG performance status 0 to 1"),
        ("exclusion-1", "Earlier treatment with an immunomodulatory drug"),
        ("exclusion-2", "Pregnancy or breast-feeding"),
    ]


def test_all_of_it_is_marked_as_assumed_with_where_it_comes_from(found: dict[str, Any]) -> None:
    parts = [found["study"], *found["agents"], *found["eligibility"]]
    assert all(part["assumed"] and "NCT05990001" in part["note"] for part in parts)


def test_a_record_with_a_title_and_a_number_alone_is_enough() -> None:
    named = {"nctId": "NCT00000001", "briefTitle": "A study"}
    found = definition_of_record(json.dumps({"protocolSection": {"identificationModule": named}}))
    assert set(found) == {"study"}
    assert found["study"]["key"] == "NCT00000001"


def test_sites_and_results_of_any_length_do_not_matter() -> None:
    record = json.loads(RECORD.read_text())
    record["protocolSection"]["contactsLocationsModule"] = {"locations": [{"city": "Lund"}] * 30_000}
    assert definition_of_record(json.dumps(record)) == definition_of_record(RECORD.read_text())


Change = Callable[[dict[str, Any]], object]
FAULTS: list[tuple[Change, str]] = [
    (lambda s: s.pop("identificationModule"), "protocolSection.identificationModule"),
    (lambda s: s["identificationModule"].pop("briefTitle"), "protocolSection.identificationModule.briefTitle"),
    (lambda s: s["identificationModule"].update(nctId="12345"), "protocolSection.identificationModule.nctId"),
    (lambda s: s["identificationModule"].update(briefTitle=7), "protocolSection.identificationModule.briefTitle"),
    (lambda s: s["eligibilityModule"].update(eligibilityCriteria=[]), "protocolSection.eligibilityModule"),
    (lambda s: s["armsInterventionsModule"].update(armGroups="one"), "protocolSection.armsInterventionsModule"),
    (lambda s: s["armsInterventionsModule"]["interventions"][0].pop("name"), "protocolSection.armsInterventionsModule"),
]


@pytest.mark.parametrize(("change", "path"), FAULTS)
def test_a_fault_is_named_by_its_path_with_what_is_allowed(change: Change, path: str) -> None:
    record = copy.deepcopy(json.loads(RECORD.read_text()))
    change(record["protocolSection"])
    with pytest.raises(InvalidProtocol) as refused:
        definition_of_record(json.dumps(record))
    assert all(fault.path.startswith(path) and fault.allowed for fault in refused.value.faults)


@pytest.mark.parametrize("text", ["", "study: {}", "[]", "{}", "null", "[" * 100_000, '{"a": NaN}', '{"a": "\\u0000"}'])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(InvalidProtocol):
        definition_of_record(text)
