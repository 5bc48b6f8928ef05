"""The pages of patients: parse, one operation, answer."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from patients.models import Cycle, Discontinuation, DoseReduction, DosesTaken, Interruption, Patient
from patients.operations import discontinue, record_cycle_doses
from tests.cast import DAY_ONE, moment
from tests.patients.steps import MET, again, day, eligible, registered, screened, treated
from trials.models import Site, Study
from trials.operations import move_rehearsal_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client: Client, coordinator_a: User) -> Client:
    client.force_login(coordinator_a)
    return client


def url(name: str, patient: Patient, *more: object) -> str:
    return reverse(f"patients:{name}", args=[patient.study.key, patient.code, *more])


def move_to(study: Study, on: dt.date, by: User) -> None:
    """The rehearsal's day, moved on to this one."""
    study.refresh_from_db()
    assert study.rehearsal_day is not None
    days = (on - study.rehearsal_day).days
    while days > 0:
        move_rehearsal_day(study=study, days=min(days, 366), by=by, at=moment(on))
        days -= 366


ANSWERS = dict.fromkeys(MET, "yes")


# --- works ---


def test_from_screening_to_the_regimen_in_words(browser: Client, study: Study) -> None:
    answer = browser.post(reverse("patients:screen", args=[study.key]), {"screened_on": "2026-01-05"})
    patient = Patient.objects.get()
    assert answer.url == reverse("labs:patient", args=[study.key, "A-001"])
    browser.post(url("consent", patient), {"signed_on": "2026-01-05", "form_version": "2.0"})
    browser.post(url("eligibility", patient), {**ANSWERS, "checked_on": "2026-01-05"})
    page = browser.get(url("register", patient)).content.decode()
    assert "Register A-001 at 10 mg" in page
    answer = browser.post(url("register", patient), {"planned_start": "2026-01-12"}, follow=True)
    assert "A-001 gets lenalidomide 10 mg" in answer.content.decode()
    assert "12 Jan – 1 Feb 2026" in answer.content.decode()


def test_a_cycle_on_its_planned_day_is_saved_at_once(browser: Client, site_a: Site, coordinator_a: User) -> None:
    patient = registered(site_a, coordinator_a)
    assert browser.post(url("start-cycle", patient), {"started_on": "2026-01-05"}).status_code == 302
    assert Cycle.objects.get().dose_label == "10 mg"


def test_another_day_shows_what_moves_before_it_is_saved(
    browser: Client, study: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = treated(site_a, coordinator_a)
    move_to(study, day(34), coordinator_a)
    page = browser.post(url("start-cycle", patient), {"started_on": day(32).isoformat()})
    words = page.content.decode()
    assert "Cycle 3 and those after it" in words
    assert "2 Mar 2026" in words
    assert "5 Mar 2026" in words
    assert "3 days later" in words
    confirmed = {"confirm": "yes", "shown": day(32).isoformat()}
    other_day = browser.post(url("start-cycle", patient), {"started_on": day(33).isoformat(), **confirmed})
    assert "4 days later" in other_day.content.decode()
    assert Cycle.objects.count() == 1
    browser.post(url("start-cycle", patient), {"started_on": day(32).isoformat(), **confirmed})
    assert Cycle.objects.get(number=2).started_on == day(32)


def test_doses_of_a_cycle_and_their_correction(
    browser: Client, study: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = treated(site_a, coordinator_a)
    move_to(study, day(30), coordinator_a)
    assert browser.post(url("doses", patient), {"lenalidomide": "20", "dexamethasone": "4"}).status_code == 302
    refused = browser.post(url("doses", patient), {"lenalidomide": "19", "dexamethasone": "4"})
    assert refused.status_code == 409
    assert "Say why this is corrected" in refused.content.decode()
    browser.post(url("doses", patient), {"lenalidomide": "19", "dexamethasone": "4", "reason": "recounted"})
    assert DosesTaken.objects.get(agent="lenalidomide").taken == 19


def test_doses_are_asked_for_the_first_cycle_that_has_none(
    browser: Client, study: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = treated(site_a, coordinator_a, cycles=2)
    assert "Doses taken in cycle 1" in opens(browser, "doses", patient)
    for cycle in patient.cycles.all():
        record_cycle_doses(
            cycle=cycle, taken={"lenalidomide": 1, "dexamethasone": 1}, by=coordinator_a, at=moment(day(40))
        )
        assert "Doses taken in cycle 2" in opens(browser, "doses", patient)
    page = browser.get(url("doses", patient), {"cycle": "1"}).content.decode()
    assert "Doses taken in cycle 1" in page
    assert url("correct-cycle", patient, 1) in page


def test_a_corrected_start_is_shown_before_it_is_saved(
    browser: Client, study: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = treated(site_a, coordinator_a)
    move_to(study, day(10), coordinator_a)
    typed = {"started_on": day(3).isoformat(), "reason": "misread"}
    page = browser.post(url("correct-cycle", patient, 1), typed).content.decode()
    assert "DLT window, last day" in page
    assert "misread" in page
    assert Cycle.objects.get().started_on == DAY_ONE
    assert browser.post(url("correct-cycle", patient, 1), {**typed, "confirm": "yes"}).status_code == 302
    assert Cycle.objects.get().started_on == day(3)


def test_an_interruption_is_recorded_and_ended(
    browser: Client, study: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = treated(site_a, coordinator_a)
    move_to(study, day(10), coordinator_a)
    typed = {"agent": "lenalidomide", "from_day": day(5).isoformat(), "to_day": "", "reason": "rash"}
    assert browser.post(url("interruption", patient), typed).status_code == 302
    interruption = Interruption.objects.get()
    assert url("resume", patient, interruption.pk) in opens(browser, "interruption", patient)
    answer = browser.post(url("resume", patient, interruption.pk), {"to_day": day(8).isoformat()})
    assert answer.status_code == 302
    assert Interruption.objects.get().to_day == day(8)


def test_from_the_end_of_treatment_to_a_corrected_visit(
    browser: Client, study: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = treated(site_a, coordinator_a)
    move_to(study, day(111), coordinator_a)
    ended = {"reason_code": "unacceptable-adverse-events", "on": day(20).isoformat()}
    assert browser.post(url("discontinue", patient), ended).status_code == 302
    visit = {"done_on": day(111).isoformat(), "alive": "no", "died_on": day(100).isoformat()}
    assert browser.post(url("follow-up", patient), visit).status_code == 302
    assert again(patient).status == "off_study"
    end = {"reason_code": "unacceptable-adverse-events", "on": day(19).isoformat(), "reason": "misread"}
    assert browser.post(url("correct-discontinuation", patient), end).status_code == 302
    assert Discontinuation.objects.get().on == day(19)
    assert url("correct-follow-up", patient, 1) in opens(browser, "follow-up", patient)
    corrected = {"alive": "yes", "reason": "another patient"}
    assert browser.post(url("correct-follow-up", patient, 1), corrected).status_code == 302
    assert again(patient).status == "event_monitoring"
    move_to(study, day(112), coordinator_a)
    resumed = {"starts_on": day(112).isoformat(), "explanation": "recovered"}
    assert browser.post(url("retreat", patient), resumed).status_code == 302
    assert again(patient).status == "on_treatment"


def test_a_slot_is_held_and_given_back(browser: Client, site_a: Site, coordinator_a: User) -> None:
    patient = screened(site_a, coordinator_a)
    assert 'name="wanted" value="hold"' in opens(browser, "reserve", patient)
    assert browser.post(url("reserve", patient), {"wanted": "hold"}).status_code == 302
    assert browser.post(url("reserve", patient), {"wanted": "hold"}).status_code == 409
    assert "A slot is held for A-001" in opens(browser, "reserve", patient)
    assert again(patient).reserved_slot is not None
    assert browser.post(url("reserve", patient), {"wanted": "release"}).status_code == 302
    assert again(patient).reserved_slot is None


def test_a_screen_failure_says_why(browser: Client, site_a: Site, coordinator_a: User) -> None:
    patient = screened(site_a, coordinator_a)
    assert browser.post(url("screen-failure", patient), {"reason": ""}).status_code == 422
    assert browser.post(url("screen-failure", patient), {"reason": "withdrew"}).status_code == 302
    assert again(patient).status == "screen_failed"


# --- refused: the sentence is shown, what was typed stays ---


def test_a_refusal_keeps_what_was_typed(browser: Client, site_a: Site, coordinator_a: User) -> None:
    patient = eligible(site_a, coordinator_a)
    answer = browser.post(url("register", patient), {"planned_start": "2026-01-02"})
    assert answer.status_code == 409
    assert 'value="2026-01-02"' in answer.content.decode()
    assert "2 Jan 2026 has passed" in answer.content.decode()


def test_no_slot_says_so_before_anything_is_typed(browser: Client, site_a: Site, coordinator_a: User) -> None:
    registered(site_a, coordinator_a)
    patient = eligible(site_a, coordinator_a)
    page = browser.get(url("register", patient)).content.decode()
    assert "The one slot is used in cohort 1" in page
    assert '<form method="post" class' not in page


def test_without_consent_the_page_leads_to_the_consent(browser: Client, site_a: Site, coordinator_a: User) -> None:
    patient = screened(site_a, coordinator_a)
    page = browser.get(url("register", patient)).content.decode()
    assert "Record the consent first" in page
    assert url("consent", patient) in page


def test_the_third_reduction_is_refused_and_discontinuation_offered(
    browser: Client, study: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = treated(site_a, coordinator_a)
    move_to(study, day(10), coordinator_a)
    typed = {"cause": "other", "explanation": "does not feel well"}
    for number in (3, 5):
        answer = browser.post(url("reduce", patient), {**typed, "effective_on": day(number).isoformat()})
        assert answer.status_code == 302
    answer = browser.post(url("reduce", patient), {**typed, "effective_on": day(7).isoformat()})
    words = answer.content.decode()
    assert answer.status_code == 409
    assert "The protocol allows 2 dose reductions and A-001 has had 2." in words
    assert url("discontinue", patient) in words
    assert DoseReduction.objects.count() == 2
    assert url("discontinue", patient) in browser.get(url("reduce", patient)).content.decode()
    assert again(patient).assigned_level.label == "10 mg"


def test_a_delay_beyond_the_limit_offers_discontinuation(
    browser: Client, study: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = treated(site_a, coordinator_a)
    move_to(study, day(60), coordinator_a)
    answer = browser.post(url("start-cycle", patient), {"started_on": day(58).isoformat(), "confirm": "yes"})
    assert answer.status_code == 409
    assert "a delay of more than 4 weeks ends treatment" in answer.content.decode()
    assert url("discontinue", patient) in answer.content.decode()
    browser.post(url("discontinue", patient), {"reason_code": "treatment-delay", "on": day(28).isoformat()})
    assert Discontinuation.objects.get().reason_code == "treatment-delay"
    assert "no cycle can start" in browser.get(url("start-cycle", patient)).content.decode()


def test_an_incomplete_form_names_the_field(browser: Client, site_a: Site, coordinator_a: User) -> None:
    patient = screened(site_a, coordinator_a)
    answer = browser.post(url("consent", patient), {"signed_on": "soon", "form_version": "2.0"})
    assert answer.status_code == 422
    assert 'value="2.0"' in answer.content.decode()
    assert "Enter a valid date." in answer.content.decode()


# --- every page opens ---


PAGES_IN_SCREENING = ["consent", "eligibility", "register", "reserve", "screen-failure"]
PAGES_ON_TREATMENT = ["regimen", "start-cycle", "doses", "interruption", "reduce", "discontinue", "outcome"]
PAGES_AFTER = ["regimen", "retreat", "follow-up", "outcome", "continuation", "doses"]


def opens(browser: Client, name: str, patient: Patient) -> str:
    answer = browser.get(url(name, patient))
    words = answer.content.decode()
    assert answer.status_code == 200
    assert "<script>" not in words
    assert " style=" not in words
    assert words.count("btn-primary") <= 1
    return words


@pytest.mark.parametrize("name", PAGES_IN_SCREENING)
def test_pages_of_screening(name: str, browser: Client, site_a: Site, coordinator_a: User) -> None:
    opens(browser, name, eligible(site_a, coordinator_a))


@pytest.mark.parametrize("name", PAGES_ON_TREATMENT)
def test_pages_of_treatment(name: str, browser: Client, site_a: Site, coordinator_a: User) -> None:
    opens(browser, name, treated(site_a, coordinator_a))


@pytest.mark.parametrize("name", PAGES_AFTER)
def test_pages_after_treatment(name: str, browser: Client, study: Study, site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    discontinue(
        patient=patient, reason_code="unacceptable-adverse-events", on=DAY_ONE, by=coordinator_a, at=moment(day(9))
    )
    opens(browser, name, patient)


# --- refused by role ---


def test_a_patient_of_another_site_is_not_there(
    client: Client, site_a: Site, coordinator_a: User, coordinator_b: User
) -> None:
    patient = treated(site_a, coordinator_a)
    client.force_login(coordinator_b)
    for name in (*PAGES_IN_SCREENING, *PAGES_ON_TREATMENT, *PAGES_AFTER):
        assert client.get(url(name, patient)).status_code == 404
        assert client.post(url(name, patient)).status_code in (404, 405)


def test_who_only_reads_cannot_open_what_writes(
    client: Client, site_a: Site, coordinator_a: User, monitor: User
) -> None:
    patient = treated(site_a, coordinator_a)
    client.force_login(monitor)
    for name in ("consent", "register", "start-cycle", "doses", "reduce", "discontinue", "follow-up", "outcome"):
        assert client.get(url(name, patient)).status_code == 403
        assert client.post(url(name, patient)).status_code == 403
    assert client.get(url("regimen", patient)).status_code == 200


def test_nobody_gets_in_without_signing_in(client: Client, site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    answer = client.get(url("start-cycle", patient))
    assert answer.status_code == 302
    assert "/sign-in/" in answer.url


# --- the list ---


def listed(browser: Client, study: Study, **asked: str) -> list[str]:
    answer = browser.get(reverse("patients:list", args=[study.key]), asked)
    assert answer.status_code == 200
    return [row["patient"].code for row in answer.context["rows"]]


def test_the_list_shows_the_sites_one_may_see(
    client: Client, study: Study, site_a: Site, site_b: Site, coordinator_a: User, coordinator_b: User, pi: User
) -> None:
    screened(site_a, coordinator_a)
    registered(site_b, coordinator_b)
    client.force_login(coordinator_a)
    assert listed(client, study) == ["A-001"]
    assert listed(client, study, site="B") == ["A-001"]
    client.force_login(pi)
    assert listed(client, study) == ["A-001", "B-001"]
    assert listed(client, study, site="B") == ["B-001"]
    assert listed(client, study, status="screening") == ["A-001"]
    assert listed(client, study, status="off_study") == []


def test_the_list_asks_as_many_queries_for_one_as_for_many(
    client: Client,
    study: Study,
    site_a: Site,
    coordinator_a: User,
    pi: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client.force_login(pi)
    treated(site_a, coordinator_a)
    with django_assert_max_num_queries(40) as one:
        listed(client, study)
    for _ in range(5):
        eligible(site_a, coordinator_a)
    with django_assert_max_num_queries(len(one.captured_queries)):
        assert len(listed(client, study)) == 6
