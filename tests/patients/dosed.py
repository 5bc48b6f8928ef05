"""A study with infusions dosed by body size: the anti-MAG study file with other agents beside lenalidomide.

Import `draft_study` into a test module: the cast's study, sites and people then belong to this study.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from patients.models import Administration, BodyMeasurement, Patient
from patients.operations import record_administration, record_measurement, record_not_given
from tests.cast import ANTI_MAG, DAY_ONE, definition_in, moment
from tests.patients.steps import again, treated
from trials.models import Site, Study
from trials.operations import add_site, adopt_protocol

CETUXIMAB = {
    "agent": "cetuximab", "amount": 250, "loading_amount": 400, "unit": "mg/m2", "route": "intravenous",
    "days": [1, 8, 15, 22],
}  # fmt: skip
BEVACIZUMAB = {"agent": "bevacizumab", "amount": 5, "unit": "mg/kg", "route": "intravenous", "days": [1, 15]}
PEGFILGRASTIM = {"agent": "pegfilgrastim", "amount": 6, "unit": "mg", "route": "subcutaneous", "days": [2]}
CALCULATION = {
    "bsa_formula": "mosteller",
    "weight_change_percent": 10,
    "measurement_days": 28,
    "rounding": [
        {"agent": "cetuximab", "to": 5},
        {"agent": "bevacizumab", "to": 25, "direction": "down"},
    ],
}


def dosed_content() -> dict[str, Any]:
    """The study file as plain data."""
    content = definition_in(ANTI_MAG)
    names = [("cetuximab", "Cetuximab"), ("bevacizumab", "Bevacizumab"), ("pegfilgrastim", "Pegfilgrastim")]
    content["agents"] = [content["agents"][0], *({"code": code, "name": name} for code, name in names)]
    for part in [*content["levels"], *content["reductions"]["ladder"]]:
        if "doses" in part:
            part["doses"] = [part["doses"][0], dict(CETUXIMAB), dict(BEVACIZUMAB), dict(PEGFILGRASTIM)]
    # one rung below 10 mg, cetuximab is reduced too
    content["reductions"]["ladder"][3]["doses"][1] |= {"amount": 200, "loading_amount": 300}
    content["calculation"] = dict(CALCULATION)
    content["administrations"] = {"window": {"after": 3}, "tolerance_percent": 5}
    return content


@pytest.fixture
def draft_study(rung: User, at: dt.datetime) -> Study:
    """As in the cast, of the study with infusions."""
    version = adopt_protocol(definition=dosed_content(), rehearsal_day=DAY_ONE, by=rung, at=at)
    add_site(study=version.study, code="A", name="Northfield", time_zone="America/New_York", by=rung, at=at)
    add_site(study=version.study, code="B", name="Lindby", time_zone="Europe/Stockholm", by=rung, at=at)
    return version.study


def measured(
    patient: Patient, by: User, on: dt.date = DAY_ONE, weight: str = "70.2", height: str = "178"
) -> BodyMeasurement:
    return record_measurement(
        patient=patient, measured_on=on, height_cm=Decimal(height), weight_kg=Decimal(weight), by=by, at=moment(on)
    )


def ready(site: Site, by: User, cycles: int = 1) -> Patient:
    """On treatment since DAY_ONE; 178 cm and 70.2 kg, that is 1.86 m²."""
    patient = treated(site, by, cycles=cycles)
    measured(patient, by)
    return again(patient)


def give(
    patient: Patient, planned_on: dt.date, amount: str, by: User, *, agent: str = "cetuximab", **more: Any
) -> Administration:
    """Given on the planned day, unless `given_on` says otherwise; recorded `at` that day."""
    given_on = more.pop("given_on", planned_on)
    return record_administration(
        patient=patient,
        agent=agent,
        planned_on=planned_on,
        given_on=given_on,
        given_amount=Decimal(amount),
        by=by,
        at=more.pop("at", moment(given_on)),
        **more,
    )


def miss(patient: Patient, planned_on: dt.date, by: User, reason: str = "Fever", **more: Any) -> Administration:
    agent, at = more.pop("agent", "cetuximab"), more.pop("at", moment(planned_on))
    return record_not_given(patient=patient, agent=agent, planned_on=planned_on, reason=reason, by=by, at=at)
