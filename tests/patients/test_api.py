"""The API of patients: the same operations as the pages, the same refusals."""

import pytest

from accounts.models import User
from patients.models import Cycle, DosesTaken, Patient
from patients.operations import discontinue
from tests.cast import DAY_ONE, ApiClient, moment
from tests.patients.steps import MET, again, eligible, registered, screened, treated
from trials.models import Cohort, Site, Study
from trials.operations import close_cohort, close_levels_from, move_rehearsal_day, suspend_accrual

pytestmark = pytest.mark.django_db

PATIENTS = "studies/LEN-MAG-01/patients/"


def test_from_screening_to_cycle_1(study: Study, edc_a: ApiClient) -> None:
    screening = edc_a.post(PATIENTS, {"site": "A", "screened_on": "2026-01-05"})
    assert (screening.status_code, screening.json()["code"]) == (201, "A-001")
    here = f"{PATIENTS}A-001/"
    edc_a.post(f"{here}consent/", {"signed_on": "2026-01-05", "form_version": "2.0"})
    edc_a.post(f"{here}eligibility/", {"answers": MET, "checked_on": "2026-01-05"})
    answer = edc_a.post(f"{here}register/", {"planned_start": "2026-01-05"})
    assert answer.status_code == 201
    regimen = answer.json()["next_cycle"]
    assert (answer.json()["level"], regimen["dose_label"], regimen["latest_on"]) == (1, "10 mg", "2026-02-02")
    assert [(d["name"], d["amount"], d["days"]) for d in regimen["doses"]] == [
        ("Lenalidomide", "10 mg", "days 1–21"),
        ("Dexamethasone", "20 mg", "days 1, 8, 15, 22"),
    ]
    assert regimen["doses"][1]["on"] == ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26"]
    started = edc_a.post(f"{here}cycles/", {"started_on": "2026-01-05"})
    assert (started.status_code, started.json()["number"]) == (201, 1)
    assert edc_a.post(f"{here}cycles/1/doses/", {"taken": {"lenalidomide": 1}}).status_code == 201
    assert edc_a.get(f"{here}cycles/").json()["results"][0]["doses"] == [
        {"agent": "lenalidomide", "planned": 21, "taken": 1}
    ]
    assert Patient.objects.get().status == "on_treatment"


@pytest.mark.req("R3-4.2.5", "EMA-6.1.2")
def test_a_retry_writes_once(study: Study, edc_a: ApiClient) -> None:
    body = {"site": "A", "screened_on": "2026-01-05"}
    first, second = (edc_a.post(PATIENTS, body, key="screening-0001") for _ in range(2))
    assert first.json() == second.json()
    assert Patient.objects.count() == 1


def test_no_slot_is_told_as_on_the_page(site_a: Site, coordinator_a: User, edc_a: ApiClient) -> None:
    registered(site_a, coordinator_a)
    eligible(site_a, coordinator_a)
    answer = edc_a.post(f"{PATIENTS}A-002/register/", {"planned_start": "2026-01-05"})
    assert answer.status_code == 409
    assert answer.json() == {
        "code": "no-open-slot",
        "detail": "The one slot is used in cohort 1 (10 mg). Wait for the next dose decision to be signed.",
    }
    assert again(Patient.objects.get(code="A-002")).registered_at is None


@pytest.mark.req("EMA-6.1.4", "R3-4.2.1")
def test_refusals_name_their_field(site_a: Site, coordinator_a: User, edc_a: ApiClient) -> None:
    treated(site_a, coordinator_a)
    doses = edc_a.post(f"{PATIENTS}A-001/cycles/1/doses/", {"taken": {"lenalidomide": 22}})
    assert (doses.status_code, doses.json()["code"], doses.json()["field"]) == (
        409,
        "doses-out-of-range",
        "lenalidomide",
    )
    early = edc_a.post(f"{PATIENTS}A-001/cycles/", {"started_on": "2026-01-05"})
    assert (early.status_code, early.json()["code"]) == (409, "cycle-too-early")
    assert (Cycle.objects.count(), DosesTaken.objects.count()) == (1, 0)


def test_what_cannot_be_read_is_400_with_its_field(site_a: Site, coordinator_a: User, edc_a: ApiClient) -> None:
    eligible(site_a, coordinator_a)
    answer = edc_a.post(f"{PATIENTS}A-001/register/", {"planned_start": "soon"})
    assert (answer.status_code, list(answer.json())) == (400, ["planned_start"])
    assert edc_a.post(PATIENTS, {"site": "Z", "screened_on": "2026-01-05"}).json() == {
        "site": ["'Z' is not a site of LEN-MAG-01."]
    }


@pytest.mark.req("P11-10h", "EMA-4.9")
def test_a_sites_client_sees_its_site(
    site_a: Site, site_b: Site, coordinator_a: User, coordinator_b: User, edc_a: ApiClient
) -> None:
    screened(site_a, coordinator_a)
    treated(site_b, coordinator_b)
    assert [p["code"] for p in edc_a.get(PATIENTS).json()["results"]] == ["A-001"]
    assert edc_a.get(f"{PATIENTS}B-001/").status_code == 404
    assert edc_a.get(f"{PATIENTS}B-001/cycles/").status_code == 404
    assert edc_a.post(f"{PATIENTS}B-001/cycles/", {"started_on": "2026-02-02"}).status_code == 404
    assert edc_a.post(PATIENTS, {"site": "B", "screened_on": "2026-01-05"}).status_code == 403


def test_patients_come_in_pages_and_by_status(site_a: Site, coordinator_a: User, edc_a: ApiClient) -> None:
    registered(site_a, coordinator_a)
    for _ in range(3):
        screened(site_a, coordinator_a)
    page = edc_a.get(PATIENTS, page_size=3).json()
    assert [p["code"] for p in page["results"]] == ["A-001", "A-002", "A-003"]
    rest = edc_a.http.get(page["next"]).json()
    assert [p["code"] for p in rest["results"]] == ["A-004"]
    assert [p["code"] for p in edc_a.get(PATIENTS, status="registered").json()["results"]] == ["A-001"]
    assert edc_a.get(PATIENTS, status="asleep").status_code == 400


@pytest.mark.req("P11-10g", "P11-10h")
def test_a_client_that_may_only_read_writes_nothing(site_a: Site, coordinator_a: User, monitor: User) -> None:
    screened(site_a, coordinator_a)
    reader = ApiClient(monitor)
    assert reader.get(f"{PATIENTS}A-001/").status_code == 200
    answer = reader.post(f"{PATIENTS}A-001/consent/", {"signed_on": "2026-01-05", "form_version": "1"})
    assert answer.status_code == 403


def test_the_delay_limit_and_the_end_of_treatment_hold_here_too(
    study: Study, site_a: Site, coordinator_a: User, edc_a: ApiClient
) -> None:
    patient = treated(site_a, coordinator_a)
    move_rehearsal_day(study=study, days=60, by=coordinator_a, at=moment(DAY_ONE))
    late = edc_a.post(f"{PATIENTS}A-001/cycles/", {"started_on": "2026-03-03"})
    assert (late.status_code, late.json()["code"]) == (409, "delay-limit")
    discontinue(patient=patient, reason_code="treatment-delay", on=DAY_ONE, by=coordinator_a, at=moment(DAY_ONE))
    after = edc_a.post(f"{PATIENTS}A-001/cycles/", {"started_on": "2026-02-02"})
    assert (after.status_code, after.json()["code"]) == (409, "treatment-ended")
    assert Cycle.objects.count() == 1


@pytest.mark.parametrize("why", ["accrual-suspended", "decision-waits", "level-closed", "consent-missing"])
def test_registration_is_refused_as_on_the_pages(
    why: str, study: Study, site_a: Site, coordinator_a: User, pi: User, first_cohort: Cohort, edc_a: ApiClient
) -> None:
    at = moment(DAY_ONE)
    (screened if why == "consent-missing" else eligible)(site_a, coordinator_a)
    if why == "accrual-suspended":
        suspend_accrual(study=study, reason="a question", by=pi, at=at)
    elif why == "decision-waits":
        close_cohort(cohort=first_cohort, because="held", by=pi, at=at)
    elif why == "level-closed":
        close_levels_from(study=study, ordinal=1, because="too many DLTs.", by=pi, at=at)
    answer = edc_a.post(f"{PATIENTS}A-001/register/", {"planned_start": "2026-01-05"})
    assert (answer.status_code, answer.json()["code"]) == (409, why)
    assert Patient.objects.registered().count() == 0
