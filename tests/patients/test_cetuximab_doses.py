"""The cetuximab trial's infusions: by body surface, the loading dose once, and the lead-in without any."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from patients.infusions import planned_infusions
from patients.models import Administration, Patient
from patients.operations import record_administration, record_measurement
from patients.queries import load_doses
from tests.cast import moment
from tests.patients.cetuximab import (
    CYCLE_1_ON,
    LEAD_IN_ON,
    cet_coordinator,
    cet_patient,
    cet_site,
    cet_study,
    cycles_of,
    fresh,
    in_cycle_1,
    in_lead_in,
)
from tests.patients.test_pages import move_to
from trials.errors import Refused
from trials.models import Study

__all__ = ["cet_coordinator", "cet_patient", "cet_site", "cet_study", "in_cycle_1", "in_lead_in"]

pytestmark = pytest.mark.django_db


def measured(patient: Patient, by: User) -> None:
    record_measurement(
        patient=patient, measured_on=LEAD_IN_ON, height_cm=Decimal(178), weight_kg=Decimal("70.2"), by=by,
        at=moment(LEAD_IN_ON),
    )  # fmt: skip


def given(patient: Patient, on: Any, amount: str, by: User) -> Administration:
    return record_administration(
        patient=patient, agent="cetuximab", planned_on=on, given_on=on, given_amount=Decimal(amount), by=by,
        at=moment(on),
    )  # fmt: skip


def test_nothing_is_infused_in_the_lead_in(in_lead_in: Patient, cet_coordinator: User) -> None:
    measured(in_lead_in, cet_coordinator)
    load_doses(in_lead_in)
    assert planned_infusions(in_lead_in, cycles_of(in_lead_in)) == []
    with pytest.raises(Refused) as refused:
        given(in_lead_in, LEAD_IN_ON, "745", cet_coordinator)
    assert refused.value.code == "no-such-infusion"


@pytest.mark.req("R3-4.3.4", "EMA-A5.2.1")
def test_400_mg_per_square_metre_once_then_250(in_cycle_1: Patient, cet_coordinator: User) -> None:
    measured(in_cycle_1, cet_coordinator)
    amounts = {0: "745", 7: "465", 14: "465", 21: "465"}
    # 178 cm, 70.2 kg: 1.86 m²; 400 × 1.86 = 744, in steps of 5: 745; 250 × 1.86 = 465
    rows = [
        given(fresh(in_cycle_1), CYCLE_1_ON + dt.timedelta(days=days), amount, cet_coordinator)
        for days, amount in amounts.items()
    ]
    assert [int(row.amount_to_give or 0) for row in rows] == [745, 465, 465, 465]
    assert [row.is_loading for row in rows] == [True, False, False, False]


def test_the_patients_page_tells_the_dose_of_the_day(
    in_cycle_1: Patient, cet_coordinator: User, cet_study: Study, client: Client
) -> None:
    move_to(cet_study, CYCLE_1_ON, cet_coordinator)
    client.force_login(cet_coordinator)
    page = reverse("labs:patient", args=[cet_study.key, in_cycle_1.code])
    before = client.get(page).content.decode()
    assert "Doses by body size cannot be told without them." in before
    assert "Not recorded" in before
    measured(in_cycle_1, cet_coordinator)
    after = client.get(page).content.decode()
    assert "178 cm, 70.2 kg on 12 Jan 2026: 1.86 m² (Mosteller)" in after
    assert "Today, cycle 1, day 1 of 28: lenalidomide 10 mg and cetuximab 745 mg." in after
    assert "745 mg the first time, then 465 mg, intravenous" in after
    assert "First dose: 400 mg/m² × 1.86 m² (Mosteller, 178 cm, 70.2 kg on 12 Jan 2026) = 744 mg" in after
    assert "Record infusion" in after


def test_the_page_asks_as_many_questions_for_many_infusions_as_for_few(
    in_cycle_1: Patient, cet_coordinator: User, cet_study: Study, client: Client, django_assert_max_num_queries: Any
) -> None:
    move_to(cet_study, CYCLE_1_ON, cet_coordinator)
    client.force_login(cet_coordinator)
    page = reverse("labs:patient", args=[cet_study.key, in_cycle_1.code])
    measured(in_cycle_1, cet_coordinator)
    with django_assert_max_num_queries(60) as few:
        client.get(page)
    given(in_cycle_1, CYCLE_1_ON, "745", cet_coordinator)
    with django_assert_max_num_queries(len(few.captured_queries)):
        client.get(page)
