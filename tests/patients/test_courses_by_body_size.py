"""Tablets dosed by body surface: told and computed anew like infusions, and counted as courses. And the anti-MAG study,
in which nothing is dosed by body size: nobody is asked for height and weight.
"""

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from patients.doses_to_give import dose_to_give
from patients.models import Patient
from patients.operations import record_doses, record_measurement
from patients.queries import load_doses
from tests.cast import DAY_ONE, moment
from tests.patients.dosed import dosed_content, measured
from tests.patients.steps import again, day, treated
from trials.errors import Refused
from trials.models import Site, Study
from trials.operations import add_site, adopt_protocol

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_surface(rung: User) -> dict[str, object]:
    """The study file with lenalidomide in mg/m² and nothing else."""
    content = dosed_content()
    for part in [*content["levels"], *content["reductions"]["ladder"]]:
        if "doses" in part:
            part["doses"] = [{**part["doses"][0], "unit": "mg/m2"}]
    content["agents"] = content["agents"][:1]
    content["calculation"] |= {"bsa_formula": "dubois", "rounding": [{"agent": "lenalidomide", "to": "2.5"}]}
    return content


class TestCourses:
    @pytest.fixture
    def draft_study(self, by_surface: dict[str, object], rung: User, at: dt.datetime) -> Study:
        version = adopt_protocol(definition=by_surface, rehearsal_day=DAY_ONE, by=rung, at=at)
        add_site(study=version.study, code="A", name="Northfield", time_zone="America/New_York", by=rung, at=at)
        return version.study

    def told(self, patient: Patient, on: dt.date) -> str:
        patient = again(patient)
        load_doses(patient)
        protocol = patient.version.protocol
        return dose_to_give(patient, protocol, protocol.level(1).doses[0], on).words

    def test_a_course_is_computed_with_the_weight_of_its_first_day_until_it_changes_too_much(
        self, site_a: Site, coordinator_a: User
    ) -> None:
        patient = treated(site_a, coordinator_a)
        assert self.told(patient, day(1)).startswith("Height and weight are not recorded yet.")
        measured(patient, coordinator_a)
        # Du Bois, 178 cm and 70.2 kg: 1.87 m²; 10 × 1.87 = 18.7, in steps of 2.5: 17.5 (18.7 / 2.5 = 7.48)
        assert self.told(patient, day(1)) == (
            "10 mg/m² × 1.87 m² (Du Bois, 178 cm, 70.2 kg on 5 Jan 2026) = 18.7 mg, "
            "rounded to the nearest 2.5 mg: 17.5 mg"
        )
        measured(patient, coordinator_a, on=day(8), weight="77.2")
        assert "70.2 kg" in self.told(patient, day(9))
        measured(patient, coordinator_a, on=day(10), weight="77.3")
        assert "77.3 kg" in self.told(patient, day(11))

    def test_it_is_counted(self, site_a: Site, coordinator_a: User) -> None:
        patient = treated(site_a, coordinator_a)
        cycle = patient.cycles.get()
        made = record_doses(cycle=cycle, agent="lenalidomide", taken=20, by=coordinator_a, at=moment(day(28)))
        assert (made.planned, made.taken) == (21, 20)


def test_where_nothing_is_dosed_by_body_size_nobody_is_asked_for_it(
    site_a: Site, coordinator_a: User, client: Client
) -> None:
    patient = treated(site_a, coordinator_a)
    client.force_login(coordinator_a)
    page = client.get(reverse("labs:patient", args=[patient.study.key, patient.code])).content.decode()
    for words in ("Height and weight", "Infusions and injections", "How it is computed", "Record infusion"):
        assert words not in page
    asked = client.get(reverse("patients:measure", args=[patient.study.key, patient.code])).content.decode()
    assert "Nothing is dosed by body size in this study" in asked
    with pytest.raises(Refused) as refused:
        record_measurement(
            patient=patient, measured_on=DAY_ONE, height_cm=Decimal(178), weight_kg=Decimal(70), by=coordinator_a,
            at=moment(DAY_ONE),
        )  # fmt: skip
    assert refused.value.code == "not-by-body-size"
