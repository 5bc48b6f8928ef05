"""Faults in what a study file says about doses by body size, loading doses and infusions; and how its page says it."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.patients.dosed import dosed_content
from trials.errors import InvalidProtocol
from trials.protocol_checks import read_study_file
from trials.protocol_page import protocol_page

Change = Callable[[dict[str, Any]], object]


def refused(change: Change) -> dict[str, str]:
    content = dosed_content()
    change(content)
    with pytest.raises(InvalidProtocol) as faults:
        read_study_file(yaml.safe_dump(content))
    return {fault.path: str(fault.allowed) for fault in faults.value.faults}


def doses(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the lowest level."""
    found: list[dict[str, Any]] = content["levels"][0]["doses"]
    return found


def test_the_file_itself_is_well_formed() -> None:
    _, protocol = read_study_file(yaml.safe_dump(dosed_content()))
    assert protocol.by_body_size
    assert [d.agent for d in protocol.counted_doses(1, 0)] == ["lenalidomide"]
    assert [d.amount_words for d in protocol.level(1).doses][1] == "250 mg/m² (400 mg/m² the first time)"


FAULTS: list[tuple[Change, str]] = [
    (lambda c: c.pop("calculation"), "calculation"),
    (lambda c: c["calculation"].pop("weight_change_percent"), "calculation.weight_change_percent"),
    (lambda c: c["calculation"].pop("bsa_formula"), "calculation.bsa_formula"),
    (lambda c: c["calculation"].update(bsa_formula="boyd"), "calculation.bsa_formula"),
    (lambda c: c["calculation"].update(bsa_decimals=0), "calculation.bsa_decimals"),
    (lambda c: c["calculation"].update(bsa_cap_m2=20), "calculation.bsa_cap_m2"),
    (lambda c: c["calculation"].update(weight_change_percent=-1), "calculation.weight_change_percent"),
    (lambda c: c["calculation"].update(measurement_days=0), "calculation.measurement_days"),
    (lambda c: c["calculation"].update(rounding=c["calculation"]["rounding"][:1]), "calculation.rounding"),
    (lambda c: c["calculation"].update(rounding=c["calculation"]["rounding"] * 2), "calculation.rounding"),
    (
        lambda c: c["calculation"].update(rounding=[*c["calculation"]["rounding"], {"agent": "lenalidomide", "to": 5}]),
        "calculation.rounding.2.agent",
    ),
    (
        lambda c: c["calculation"].update(rounding=[{"agent": "cetuximab", "to": 0}, *c["calculation"]["rounding"]]),
        "calculation.rounding.0.to",
    ),
    (lambda c: doses(c)[0].update(loading_amount=20), "levels.0.doses.0.loading_amount"),
    (lambda c: doses(c)[1].update(loading_amount=0), "levels.0.doses.1.loading_amount"),
    (lambda c: c["levels"][1]["doses"][1].update(unit="mg/kg"), "levels.1.doses.1.unit"),
    (lambda c: c["levels"][1]["doses"][1].update(route="subcutaneous"), "levels.1.doses.1.route"),
    (lambda c: c["administrations"].update(window={"before": 3, "after": 4}), "administrations.window"),
    (lambda c: c["administrations"].update(tolerance_percent=60), "administrations.tolerance_percent"),
    (lambda c: c["administrations"].update(surprise=1), "administrations.surprise"),
]


@pytest.mark.parametrize(("change", "path"), FAULTS, ids=[f"{n}-{path}" for n, (_, path) in enumerate(FAULTS)])
def test_a_fault_is_named_by_its_path_with_what_is_allowed(change: Change, path: str) -> None:
    faults = refused(change)
    assert path in faults
    assert all(faults.values())


def without(content: dict[str, Any], *agents: str) -> None:
    for part in [*content["levels"], *content["reductions"]["ladder"]]:
        if "doses" in part:
            part["doses"] = [dose for dose in part["doses"] if dose["agent"] not in agents]


def test_a_calculation_belongs_to_doses_by_body_size() -> None:
    faults = refused(lambda content: without(content, "cetuximab", "bevacizumab"))
    assert faults["calculation"] == "only where an agent is dosed in mg/m2 or mg/kg"


def test_a_formula_belongs_to_doses_by_body_surface() -> None:
    def by_weight_alone(content: dict[str, Any]) -> None:
        without(content, "cetuximab")
        content["calculation"] |= {"rounding": content["calculation"]["rounding"][1:], "bsa_cap_m2": 2}

    assert {"calculation.bsa_formula", "calculation.bsa_cap_m2"} <= set(refused(by_weight_alone))


def test_the_protocols_page_says_how_doses_are_computed_and_recorded() -> None:
    content = dosed_content()
    content["calculation"] |= {"bsa_cap_m2": 2, "assumed": True, "note": "Usual."}
    _, protocol = read_study_file(yaml.safe_dump(content))
    page = protocol_page(protocol)
    said = {line.label: line.items[0].text for part in page.sections for line in part.lines}
    assert said["Body surface"] == "By Mosteller, rounded to 2 decimals, and no more than 2 m²"
    assert said["Weight"] == "Computed anew when the weight changes by more than 10 %."
    assert said["Rounding of cetuximab"] == "To the nearest 5 in the unit given; a half goes up"
    assert said["Rounding of bevacizumab"] == "Down to a multiple of 25 in the unit given"
    assert said["Deviation"].startswith("An amount that differs by more than 5 %")
    assert "Doses by body size" in [one.what for one in page.assumptions]
