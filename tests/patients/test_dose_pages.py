"""Pages and API of height and weight, and of infusions: the same refusals, and nothing typed is lost."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from patients.models import Administration, BodyMeasurement, Patient
from tests.cast import ApiClient
from tests.patients.dosed import draft_study as draft_study
from tests.patients.dosed import give, measured, ready
from tests.patients.steps import day, treated
from tests.patients.test_pages import move_to
from trials.models import Site, Study

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client: Client, coordinator_a: User) -> Client:
    client.force_login(coordinator_a)
    return client


def url(name: str, patient: Patient, *more: object) -> str:
    return reverse(f"patients:{name}", args=[patient.study.key, patient.code, *more])


def infusion(on: int, **more: Any) -> dict[str, Any]:
    first = {"agent_shown": "cetuximab", "planned_shown": day(on).isoformat(), "outcome": "given"}
    return {**first, "given_on": day(on).isoformat(), "given_amount": "745", "reason": "", **more}


# --- the pages ---


def test_height_and_weight_are_recorded_and_corrected(browser: Client, site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    typed = {"measured_on": "2026-01-05", "height_cm": "178", "weight_kg": "702"}
    refused = browser.post(url("measure", patient), typed)
    assert refused.status_code == 409
    assert "702 kg is not possible. Weight is from 3 to 350 kg." in refused.content.decode()
    assert 'value="702"' in refused.content.decode()
    done = browser.post(url("measure", patient), {**typed, "weight_kg": "70.2"})
    assert done.url == reverse("labs:patient", args=[patient.study.key, patient.code])
    row = BodyMeasurement.objects.get()
    assert "178 cm, 70.2 kg" in browser.get(url("measure", patient)).content.decode()
    page = url("correct-measurement", patient, row.pk)
    assert browser.post(page, {**typed, "weight_kg": "70.4", "reason": ""}).status_code == 422
    browser.post(page, {**typed, "weight_kg": "70.4", "reason": "Typed wrongly"})
    row.refresh_from_db()
    assert str(row.weight_kg) == "70.4"


def test_the_form_of_an_infusion_shows_the_dose_to_give_with_its_calculation(
    browser: Client, site_a: Site, coordinator_a: User
) -> None:
    patient = ready(site_a, coordinator_a)
    page = browser.get(url("infusion", patient) + "?agent=cetuximab&on=2026-01-05").content.decode()
    assert "Infusion of cetuximab, cycle 1 day 1" in page
    assert "First dose: 400 mg/m² × 1.86 m² (Mosteller, 178 cm, 70.2 kg on 5 Jan 2026) = 744 mg" in page
    assert 'value="745"' in page
    answer = browser.post(url("infusion", patient), infusion(1), follow=True)
    assert "A-001: 745 mg given on 5 Jan 2026, cycle 1 day 1." in answer.content.decode()
    assert Administration.objects.get().is_loading


def test_without_height_and_weight_the_form_leads_there(browser: Client, site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    page = browser.get(url("infusion", patient) + "?agent=cetuximab&on=2026-01-05").content.decode()
    assert "Height and weight are not recorded yet." in page
    refused = browser.post(url("infusion", patient), infusion(1))
    assert refused.status_code == 409
    assert url("measure", patient) in refused.content.decode()


def test_a_deviation_is_asked_for_its_reason_and_nothing_typed_is_lost(
    browser: Client, site_a: Site, coordinator_a: User
) -> None:
    patient = ready(site_a, coordinator_a)
    refused = browser.post(url("infusion", patient), infusion(1, given_amount="400.5"))
    page = refused.content.decode()
    assert refused.status_code == 409
    assert "400.5 mg differs by more than 5 % from the dose to give, 745 mg. Say why." in page
    assert 'value="400.5"' in page
    assert 'value="2026-01-05"' in page
    browser.post(url("infusion", patient), infusion(1, given_amount="400.5", reason="Reaction"))
    assert Administration.objects.get().reason == "Reaction"


def test_given_needs_day_and_amount_and_not_given_needs_neither(
    browser: Client, site_a: Site, coordinator_a: User
) -> None:
    patient = ready(site_a, coordinator_a)
    bare = browser.post(url("infusion", patient), infusion(1, given_on="", given_amount="", reason="Something typed"))
    assert bare.status_code == 422
    for words in ("Say on which day.", "Say how much.", "Something typed"):
        assert words in bare.content.decode()
    not_given = infusion(1, outcome="not_given", given_on="", given_amount="")
    assert "Say why it was not given." in browser.post(url("infusion", patient), not_given).content.decode()
    browser.post(url("infusion", patient), {**not_given, "reason": "Fever"})
    assert Administration.objects.get().outcome == "not_given"


def test_two_windows_record_the_infusion_that_each_was_opened_for(
    browser: Client, site_a: Site, coordinator_a: User, study: Study
) -> None:
    patient = ready(site_a, coordinator_a)
    move_to(study, day(8), coordinator_a)
    give(patient, day(1), "745", coordinator_a)  # meanwhile, in the other one
    twice = browser.post(url("infusion", patient), infusion(1))
    assert twice.status_code == 409
    assert "recorded already" in twice.content.decode()
    assert Administration.objects.count() == 1


def test_refusals_of_the_page_are_those_of_the_operation(
    browser: Client, site_a: Site, coordinator_a: User, study: Study
) -> None:
    patient = ready(site_a, coordinator_a)
    move_to(study, day(9), coordinator_a)
    for typed, words in [
        (infusion(8), "Record the infusion of 5 Jan 2026 first"),
        (infusion(1, given_on=day(9).isoformat()), "can be given on 5 Jan – 8 Jan 2026"),
        (infusion(1, given_on=day(12).isoformat()), "lies ahead"),
        (infusion(1, given_amount="-1", reason="x"), "more than 0"),
        (infusion(2), "No infusion is open"),
    ]:
        answer = browser.post(url("infusion", patient), typed)
        assert answer.status_code == 409
        assert words in answer.content.decode()
    assert not Administration.objects.exists()


def test_an_infusion_is_corrected_with_two_reasons(browser: Client, site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    row = give(patient, day(1), "745", coordinator_a)
    page = url("correct-infusion", patient, row.pk)
    assert 'value="745"' in browser.get(page).content.decode()
    typed = {"outcome": "given", "given_on": "2026-01-05", "given_amount": "400", "why": "", "reason": "Pump log"}
    refused = browser.post(page, typed).content.decode()
    assert "Say why." in refused
    assert 'id="id_why_error"' in refused or 'id="error_1_id_why"' in refused  # beside the field that is missing
    browser.post(page, {**typed, "why": "Reaction"})
    row.refresh_from_db()
    assert (row.given_amount, row.reason) == (400, "Reaction")


def test_only_what_is_counted_is_asked_for_at_the_end_of_the_cycle(
    browser: Client, site_a: Site, coordinator_a: User
) -> None:
    patient = ready(site_a, coordinator_a)
    page = browser.get(url("doses", patient)).content.decode()
    assert 'name="lenalidomide"' in page
    assert 'name="cetuximab"' not in page


def test_who_may_not_record_sees_no_form(client: Client, site_a: Site, coordinator_a: User, monitor: User) -> None:
    patient = ready(site_a, coordinator_a)
    client.force_login(monitor)
    for name in ("measure", "infusion"):
        assert client.get(url(name, patient)).status_code == 403
        assert client.post(url(name, patient), infusion(1)).status_code == 403


def test_another_sites_patient_is_not_found(
    client: Client, site_a: Site, coordinator_a: User, coordinator_b: User
) -> None:
    patient = ready(site_a, coordinator_a)
    client.force_login(coordinator_b)
    assert client.get(url("infusion", patient)).status_code == 404


# --- the API ---

HERE = "studies/LEN-MAG-01/patients/A-001/"


def entry(on: int, **more: Any) -> dict[str, Any]:
    first = {"agent": "cetuximab", "planned_on": day(on).isoformat(), "outcome": "given"}
    return {**first, "given_on": day(on).isoformat(), "given_amount": "745", **more}


def test_a_client_pulls_the_dose_and_pushes_what_was_given(site_a: Site, coordinator_a: User, edc_a: ApiClient) -> None:
    treated(site_a, coordinator_a)
    planned = edc_a.get(f"{HERE}administrations/planned/").json()
    assert [(row["agent"], row["planned_on"], row["amount"]) for row in planned[:2]] == [
        ("bevacizumab", "2026-01-05", None), ("cetuximab", "2026-01-05", None),
    ]  # fmt: skip
    body = {"measured_on": "2026-01-05", "height_cm": "178", "weight_kg": "70.2"}
    assert edc_a.post(f"{HERE}measurements/", body).status_code == 201
    planned = edc_a.get(f"{HERE}administrations/planned/").json()
    first = next(row for row in planned if row["agent"] == "cetuximab")
    assert (first["amount"], first["unit"], first["is_loading"]) == ("745.000", "mg", True)
    assert first["calculation"].startswith("First dose: 400 mg/m² × 1.86 m²")
    answer = edc_a.post(f"{HERE}administrations/", entry(1))
    assert (answer.status_code, answer.json()["amount_to_give"]) == (201, "745.000")
    assert edc_a.get(f"{HERE}administrations/").json()["results"][0]["calculation"] == first["calculation"]


def test_a_retry_writes_once(site_a: Site, coordinator_a: User, edc_a: ApiClient) -> None:
    ready(site_a, coordinator_a)
    first, second = (edc_a.post(f"{HERE}administrations/", entry(1), key="infusion-0001") for _ in range(2))
    assert first.json() == second.json()
    assert Administration.objects.count() == 1


def test_the_api_refuses_as_the_page_does(site_a: Site, coordinator_a: User, edc_a: ApiClient) -> None:
    ready(site_a, coordinator_a)
    for body, code in [
        (entry(1, given_amount="400"), "deviation-without-reason"),
        (entry(8), "earlier-infusion-open"),
        (entry(1, given_on="2026-01-09"), "in-the-future"),
        ({"agent": "cetuximab", "planned_on": "2026-01-05", "outcome": "not_given"}, "reason-needed"),
        (entry(1, agent="lenalidomide"), "no-such-infusion"),
    ]:
        answer = edc_a.post(f"{HERE}administrations/", body)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    wrong = [
        entry(1, given_amount="much"),
        entry(1, given_on=None),
        entry(1, outcome="maybe"),
        entry(1, outcome="not_given"),
    ]
    for body in wrong:
        assert edc_a.post(f"{HERE}administrations/", body).status_code == 400
    body = {"measured_on": "2026-01-06", "height_cm": "178", "weight_kg": "70"}
    assert edc_a.post(f"{HERE}measurements/", body).json()["code"] == "in-the-future"
    assert not Administration.objects.exists()


def test_corrections_by_the_api(site_a: Site, coordinator_a: User, edc_a: ApiClient) -> None:
    patient = ready(site_a, coordinator_a)
    row = give(patient, day(1), "745", coordinator_a)
    there = f"{HERE}administrations/{row.pk}/correct/"
    body = {"outcome": "given", "given_on": "2026-01-05", "given_amount": "740", "reason": "Pump log"}
    assert edc_a.post(there, {**body, "reason": ""}).status_code == 400
    assert edc_a.post(there, body).json()["given_amount"] == "740.000"
    measurement = BodyMeasurement.objects.get()
    body = {"measured_on": "2026-01-05", "height_cm": "178", "weight_kg": "71", "reason": "Scales"}
    assert edc_a.post(f"{HERE}measurements/{measurement.pk}/correct/", body).json()["weight_kg"] == "71.0"


def test_another_sites_client_finds_nothing(site_a: Site, coordinator_a: User, edc_b: ApiClient) -> None:
    ready(site_a, coordinator_a)
    assert edc_b.get(f"{HERE}measurements/").status_code == 404
    assert edc_b.post(f"{HERE}administrations/", entry(1)).status_code == 404


# --- the anti-MAG study ---


def test_measurements_do_not_make_the_list_of_planned_infusions_slower(
    site_a: Site, coordinator_a: User, edc_a: ApiClient, django_assert_max_num_queries: Any
) -> None:
    patient = ready(site_a, coordinator_a, cycles=3)
    for on in range(2, 20):
        measured(patient, coordinator_a, on=day(on))
    with django_assert_max_num_queries(25):
        edc_a.get(f"{HERE}administrations/planned/")
