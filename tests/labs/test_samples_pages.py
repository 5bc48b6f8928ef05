import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from labs.models import Collection
from labs.queries import samples_at_sites
from patients.models import Patient
from tests.cast import DAY_ONE, moment
from tests.labs.conftest import move_to, registered, start
from trials.models import Site, Study

pytestmark = pytest.mark.django_db


def on(day: int) -> dt.date:
    return DAY_ONE + dt.timedelta(days=day - 1)


def url(name: str, patient: Patient, timepoint: str = "after-1") -> str:
    return reverse(f"labs:{name}", args=[patient.study.key, patient.code, timepoint])


def samples_page(browser: Client, **query: str) -> str:
    answer = browser.get(reverse("labs:samples", args=["LEN-MAG-01"]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def section(page: str, name: str) -> str:
    """The HTML of one section of the page, "" where it is not there."""
    _, _, rest = page.partition(f'aria-labelledby="{name}"')
    return rest.partition("</section>")[0]


@pytest.fixture
def coordinator(browser: Client, coordinator_a: User) -> Client:
    browser.force_login(coordinator_a)
    return browser


# --- what is due ---


@pytest.mark.parametrize(
    ("day", "group", "heading"),
    [(20, "coming", "1 in the next 14 days"), (28, "due", "1 sample due now"), (37, "overdue", "1 sample overdue")],
)
def test_a_sample_is_coming_then_due_then_overdue(
    coordinator: Client, patient: Patient, coordinator_a: User, day: int, group: str, heading: str
) -> None:
    coordinator.post(url("collect", patient, "pre-treatment"), {"collected_on": on(1), "tubes": ["edta", "serum"]})
    move_to(patient.study, on(day), coordinator_a)
    page = samples_page(coordinator)
    assert heading in page
    assert "sample after cycle 1" in section(page, group)
    for other in {"coming", "due", "overdue"} - {group}:
        assert section(page, other) == ""


def test_it_says_which_tubes_to_fill_by_when(coordinator: Client, patient: Patient, coordinator_a: User) -> None:
    move_to(patient.study, on(28), coordinator_a)
    due = section(samples_page(coordinator), "due")
    assert "window 29 Jan – 8 Feb 2026" in due
    assert "10 ml purple EDTA, 6 ml red" in due
    assert "due, 7 days left" in due


def test_nothing_due_says_so(coordinator: Client, study: Study) -> None:
    assert "No sample is due" in samples_page(coordinator)


def test_a_coordinator_sees_the_samples_of_the_own_site_only(
    browser: Client, patient: Patient, coordinator_b: User
) -> None:
    browser.force_login(coordinator_b)
    assert "A-001" not in samples_page(browser)


def test_all_sites_can_be_narrowed_to_one(
    browser: Client, patient: Patient, study: Study, site_b: Site, coordinator_b: User, pi: User
) -> None:
    registered(study, site_b, coordinator_b)
    browser.force_login(pi)
    whole, only_b = samples_page(browser), samples_page(browser, site="B")
    assert "A-001" in whole
    assert "B-001" in whole
    assert "A-001" not in only_b
    assert "B-001" in only_b


def test_somebody_who_may_only_look_is_offered_no_collection(browser: Client, patient: Patient, monitor: User) -> None:
    browser.force_login(monitor)
    page = samples_page(browser)
    assert "A-001" in page
    assert "/collect/" not in page
    assert browser.get(url("collect", patient)).status_code == 403


def test_somebody_without_a_role_finds_no_such_study(browser: Client, patient: Patient, outsider: User) -> None:
    browser.force_login(outsider)
    assert browser.get(reverse("labs:samples", args=["LEN-MAG-01"])).status_code == 404


def test_one_has_to_sign_in(client: Client, patient: Patient) -> None:
    assert client.get(reverse("labs:samples", args=["LEN-MAG-01"])).status_code == 302


# --- collect, miss, correct ---


def test_a_collection_is_saved_and_leads_back_to_what_is_due(
    coordinator: Client, patient: Patient, coordinator_a: User
) -> None:
    move_to(patient.study, on(28), coordinator_a)
    answer = coordinator.post(url("collect", patient), {"collected_on": on(28), "tubes": ["edta"]}, follow=True)
    assert "A-001: sample after cycle 1 recorded as collected." in answer.content.decode()
    assert Collection.objects.get().tubes.filter(collected=True).get().kind == "edta"


def test_the_form_offers_today_and_every_tube(coordinator: Client, patient: Patient, coordinator_a: User) -> None:
    move_to(patient.study, on(28), coordinator_a)
    form = coordinator.get(url("collect", patient)).context["form"]
    assert form["collected_on"].value() == on(28)
    assert form["tubes"].value() == ["edta", "serum"]


def test_a_refusal_stands_at_its_field_and_keeps_what_was_typed(
    coordinator: Client, patient: Patient, coordinator_a: User
) -> None:
    move_to(patient.study, on(40), coordinator_a)
    answer = coordinator.post(url("collect", patient), {"collected_on": on(38), "tubes": ["serum"]})
    assert answer.status_code == 409
    form = answer.context["form"]
    assert "lies outside the window (29 Jan – 8 Feb 2026)" in form.errors["out_of_window_reason"][0]
    assert (form["collected_on"].value(), form["tubes"].value()) == (on(38).isoformat(), ["serum"])
    assert not Collection.objects.exists()


def test_a_missed_sample_leaves_the_list_of_what_is_due(
    coordinator: Client, patient: Patient, coordinator_a: User
) -> None:
    move_to(patient.study, on(28), coordinator_a)
    coordinator.post(url("miss", patient), {"reason": "No vein found"})
    page = samples_page(coordinator)
    assert section(page, "due") == ""
    assert "missed: No vein found" in section(page, "recorded")


def test_a_correction_shows_what_was_recorded_and_takes_the_reason(
    coordinator: Client, patient: Patient, coordinator_a: User
) -> None:
    move_to(patient.study, on(28), coordinator_a)
    coordinator.post(url("collect", patient), {"collected_on": on(28), "tubes": ["edta", "serum"]})
    form = coordinator.get(url("correct", patient)).context["form"]
    assert form.initial["collected_on"] == on(28)
    given = {"outcome": "collected", "collected_on": on(27), "tubes": ["edta", "serum"]}
    assert coordinator.post(url("correct", patient), given).status_code == 409
    assert coordinator.post(url("correct", patient), {**given, "reason": "wrong day"}).status_code == 302
    assert Collection.objects.get().collected_on == on(27)


def test_there_is_nothing_to_correct_before_something_is_recorded(coordinator: Client, patient: Patient) -> None:
    assert coordinator.get(url("correct", patient)).status_code == 404


def test_a_patient_of_another_site_is_not_found(browser: Client, patient: Patient, coordinator_b: User) -> None:
    browser.force_login(coordinator_b)
    for name in ("collect", "miss", "correct", "label"):
        assert browser.get(url(name, patient)).status_code == 404


def test_a_sample_that_is_not_planned_is_not_found(coordinator: Client, patient: Patient) -> None:
    assert coordinator.get(url("collect", patient, "after-18")).status_code == 404


# --- labels ---


def test_labels_can_be_printed_before_the_blood_is_drawn(coordinator: Client, patient: Patient) -> None:
    page = coordinator.get(url("label", patient)).content.decode()
    assert page.count('class="tube-label"') == 2
    assert "LEN-MAG-01.A-001.C01.EDTA" in page
    assert "style=" not in page


def test_a_label_says_when_it_was_collected(coordinator: Client, patient: Patient) -> None:
    coordinator.post(url("collect", patient, "pre-treatment"), {"collected_on": on(1), "tubes": ["edta"]})
    assert "Collected 5 Jan 2026" in coordinator.get(url("label", patient, "pre-treatment")).content.decode()


def test_one_sheet_has_the_labels_of_all_that_is_due(
    coordinator: Client, patient: Patient, coordinator_a: User
) -> None:
    sheet = reverse("labs:label-sheet", args=["LEN-MAG-01"])
    assert coordinator.get(sheet).content.decode().count('class="tube-label"') == 2  # pre-treatment
    move_to(patient.study, on(28), coordinator_a)
    assert coordinator.get(sheet).content.decode().count('class="tube-label"') == 4


# --- how many queries ---


def test_the_queries_do_not_grow_with_patients_cycles_or_samples(
    study: Study,
    site_a: Site,
    patient: Patient,
    coordinator_a: User,
    coordinator: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    coordinator.post(url("collect", patient, "pre-treatment"), {"collected_on": on(1), "tubes": ["edta"]})

    with django_assert_num_queries(9):
        assert len(samples_at_sites(study, coordinator_a, moment(on(90)))) == 7
    for number in (2, 3):
        start(patient, on(1 + 28 * (number - 1)), coordinator_a)
    for _ in range(3):
        start(registered(study, site_a, coordinator_a), on(1), coordinator_a)
    coordinator.post(url("collect", patient, "after-1"), {"collected_on": on(1), "tubes": ["edta"]})
    with django_assert_num_queries(9):
        assert len(samples_at_sites(study, coordinator_a, moment(on(90)))) == 4 * 7
