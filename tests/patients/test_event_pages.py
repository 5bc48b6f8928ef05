"""The pages of adverse events: typing keeps, rules show, refusals stand at their field."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from patients.models import AdverseEvent, DltAssessment, Patient, WindowAssessment
from patients.operations import discontinue
from tests.cast import moment
from tests.patients.events import recorded
from tests.patients.steps import day, screened, treated
from tests.patients.test_pages import move_to, url
from trials.models import Site, Slot, Study

pytestmark = pytest.mark.django_db

TYPED = {
    "term": "Diarrhea", "shown_term": "Diarrhea", "grade": "3", "onset_on": "2026-01-05",
    "relation_lenalidomide": "probable", "relation_dexamethasone": "unrelated",
}  # fmt: skip


@pytest.fixture
def browser(client: Client, coordinator_a: User) -> Client:
    client.force_login(coordinator_a)
    return client


@pytest.fixture
def patient(site_a: Site, coordinator_a: User) -> Patient:
    return treated(site_a, coordinator_a)


def text(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined, no-any-return]


# --- recording ---


def test_an_event_is_recorded_and_its_page_follows(browser: Client, patient: Patient) -> None:
    answer = browser.post(url("event", patient), {**TYPED, "grade": "2"}, follow=True)
    event = AdverseEvent.objects.get()
    assert answer.redirect_chain == [(url("event-detail", patient, event.pk), 302)]
    assert "Diarrhea, grade 2, is recorded." in text(answer)
    assert "No DLT rule of the protocol fires" in text(answer)


def test_a_dlt_is_proposed_on_the_same_form(browser: Client, patient: Patient) -> None:
    answer = browser.post(url("event", patient), {**TYPED, "is_dlt": "yes"}, follow=True)
    assert "It counts as a DLT." in text(answer)
    assert DltAssessment.objects.get().is_dlt


def test_where_a_rule_fires_the_judgement_is_asked_for(browser: Client, patient: Patient) -> None:
    answer = browser.post(url("event", patient), TYPED)
    assert answer.status_code == 422
    assert "This looks like a DLT" in text(answer)
    assert "(rule c). Day 1 of the 28-day DLT window, which ends on 1 Feb 2026." in text(answer)
    assert "As a DLT: 1 of 1 evaluable at 10 mg." in text(answer)
    assert "Say whether it is a DLT" in text(answer)
    assert not AdverseEvent.objects.exists()


def test_not_a_dlt_needs_its_reason_and_nothing_typed_is_lost(browser: Client, patient: Patient) -> None:
    answer = browser.post(url("event", patient), {**TYPED, "is_dlt": "no", "detail": "after a meal"})
    assert answer.status_code == 409
    assert "say why it is not a DLT" in text(answer)
    assert 'value="after a meal"' in text(answer)
    assert answer.context["form"].errors.keys() == {"rationale"}
    answer = browser.post(url("event", patient), {**TYPED, "is_dlt": "no", "rationale": "norovirus"}, follow=True)
    assert "An investigator has yet to confirm it." in text(answer)
    assert "Still needed:</b> an investigator&#x27;s confirmation" in text(answer)


def test_without_script_the_meaning_of_the_grade_is_a_step_of_its_own(browser: Client, patient: Patient) -> None:
    first = browser.post(url("event", patient), {**TYPED, "shown_term": "", "grade": "2"})
    assert first.status_code == 422
    assert "Increase of 4 – 6 stools per day over baseline" in text(first)
    assert "Read what the grade means" in text(first)
    assert 'name="shown_term" value="Diarrhea"' in text(first)
    assert browser.post(url("event", patient), {**TYPED, "grade": "2"}).status_code == 302


def test_a_word_that_is_no_term_brings_what_may_be_meant(browser: Client, patient: Patient) -> None:
    answer = browser.post(url("event", patient), {**TYPED, "term": "neutropenia", "shown_term": ""})
    assert answer.status_code == 409
    assert "is not a CTCAE v5.0 term" in text(answer)
    assert "?term=Neutrophil%20count%20decreased" in text(answer)
    chosen = browser.get(url("event", patient), {"term": "Neutrophil count decreased"})
    assert "&lt;500/mm³; &lt;0.5 × 10⁹/L" in text(chosen)


def test_a_grade_that_ctcae_does_not_have_cannot_be_chosen(browser: Client, patient: Patient) -> None:
    shown = browser.get(url("event", patient), {"term": "Fatigue"})
    assert text(shown).count(" disabled") == 2
    answer = browser.post(url("event", patient), {**TYPED, "term": "Fatigue", "shown_term": "Fatigue", "grade": "4"})
    assert "CTCAE has no grade 4 for Fatigue" in text(answer)


def test_while_typing_grades_and_rules_are_shown_and_nothing_is_judged(browser: Client, patient: Patient) -> None:
    answer = browser.post(url("event", patient), {**TYPED, "rationale": "hm"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "This looks like a DLT" in text(answer)
    assert not answer.context["form"].errors
    assert not AdverseEvent.objects.exists()
    half = browser.post(url("event", patient), {"term": "Diarrhea"}, headers={"HX-Request": "true"})
    assert "This looks like a DLT" not in text(half)


def test_a_judgement_that_was_typed_before_the_grade_fell_is_not_recorded(browser: Client, patient: Patient) -> None:
    browser.post(url("event", patient), {**TYPED, "grade": "2", "is_dlt": "yes", "rationale": "hm"})
    assert AdverseEvent.objects.get().grade == 2
    assert not DltAssessment.objects.exists()


def test_outside_the_window_it_is_said_and_no_judgement_is_asked(
    browser: Client, patient: Patient, study: Study, coordinator_a: User
) -> None:
    move_to(study, day(30), coordinator_a)
    typed = {**TYPED, "onset_on": "2026-02-02"}
    page = browser.post(url("event", patient), typed, headers={"HX-Request": "true"})
    assert "A DLT rule fires, but outside the window" in text(page)
    assert browser.post(url("event", patient), typed).status_code == 302


def test_before_registration_the_way_is_named(browser: Client, site_a: Site, coordinator_a: User) -> None:
    answer = browser.get(url("event", screened(site_a, coordinator_a)))
    assert "Register the patient first" in text(answer)


@pytest.mark.req("EMA-4.11", "P11-10g")
def test_another_sites_patient_is_not_there_and_a_monitor_may_only_look(
    client: Client, patient: Patient, coordinator_a: User, coordinator_b: User, monitor: User
) -> None:
    event = recorded(patient, coordinator_a, day(1))
    client.force_login(coordinator_b)
    assert client.get(url("event", patient)).status_code == 404
    assert client.get(url("event-detail", patient, event.pk)).status_code == 404
    client.force_login(monitor)
    assert client.get(url("event", patient)).status_code == 403
    page = client.get(url("event-detail", patient, event.pk))
    assert page.status_code == 200
    assert "Save the judgement" not in text(page)
    assert client.post(url("event-judge", patient, event.pk), {"is_dlt": "yes"}).status_code == 403
    assert client.post(url("event-resolve", patient, event.pk), {}).status_code == 403
    assert not DltAssessment.objects.exists()


def test_terms_are_found_for_what_is_typed(browser: Client, study: Study, patient: Patient) -> None:
    answer = browser.get(reverse("patients:terms", args=[study.key]), {"q": "neutropenia"})
    assert answer.json()["results"][0] == {"value": "Neutrophil count decreased", "detail": "Investigations"}
    assert browser.get(reverse("patients:terms", args=[study.key])).json() == {"results": []}


def test_terms_are_for_people_of_the_study(client: Client, study: Study, outsider: User) -> None:
    client.force_login(outsider)
    assert client.get(reverse("patients:terms", args=[study.key]), {"q": "pain"}).status_code == 404


# --- one event ---


def test_an_investigator_confirms_on_the_events_page(
    client: Client, patient: Patient, coordinator_a: User, investigator_a: User
) -> None:
    event = recorded(patient, coordinator_a, day(1), is_dlt=False, rationale="norovirus")
    client.force_login(investigator_a)
    assert "Still needed:" in text(client.get(url("event-detail", patient, event.pk)))
    typed = {"is_dlt": "no", "rationale": "norovirus, culture seen"}
    answer = client.post(url("event-judge", patient, event.pk), typed, follow=True)
    assert "Judged not a DLT." in text(answer)
    assert "Still needed:" not in text(answer)
    assert text(answer).index("culture seen") < text(answer).index("norovirus<br>")


def test_a_refused_judgement_keeps_what_was_typed(browser: Client, patient: Patient, coordinator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(1))
    answer = browser.post(url("event-judge", patient, event.pk), {"is_dlt": "no", "rationale": " "})
    assert answer.status_code == 409
    assert "say why it is not a DLT" in text(answer)
    assert browser.post(url("event-judge", patient, event.pk), {}).status_code == 422


def test_an_event_is_resolved_on_its_page(browser: Client, patient: Patient, coordinator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(1))
    later = browser.post(url("event-resolve", patient, event.pk), {"resolved_on": "2026-01-06"})
    assert (later.status_code, "It cannot have resolved after today" in text(later)) == (409, True)
    answer = browser.post(url("event-resolve", patient, event.pk), {"resolved_on": "2026-01-05"}, follow=True)
    assert "Diarrhea is resolved." in text(answer)
    assert "Has it resolved?" not in text(answer)


def test_a_correction_shows_old_and_new_with_who_and_why(
    browser: Client, patient: Patient, coordinator_a: User
) -> None:
    event = recorded(patient, coordinator_a, day(1), grade=2)
    form = browser.get(url("event-correct", patient, event.pk))
    assert 'value="Diarrhea"' in text(form)
    typed = {**TYPED, "relation_dexamethasone": "possible", "reason": "misread the chart"}
    answer = browser.post(url("event-correct", patient, event.pk), typed, follow=True)
    assert "grade: 2 → 3" in text(answer)
    assert "relation to dexamethasone: unrelated → possible" in text(answer)
    assert "misread the chart" in text(answer)


def test_a_correction_without_a_reason_or_a_change_is_refused(
    browser: Client, patient: Patient, coordinator_a: User
) -> None:
    event = recorded(patient, coordinator_a, day(1))
    assert browser.post(url("event-correct", patient, event.pk), TYPED).status_code == 422
    answer = browser.post(url("event-correct", patient, event.pk), {**TYPED, "reason": "none"})
    assert (answer.status_code, "Nothing is different" in text(answer)) == (409, True)


# --- the window, and replacing ---


def test_the_doses_of_the_window_are_entered_and_corrected(
    browser: Client, patient: Patient, study: Study, coordinator_a: User
) -> None:
    early = browser.post(url("window", patient), {"taken": "21"})
    assert (early.status_code, "Enter the doses from the day after" in text(early)) == (409, True)
    move_to(study, day(29), coordinator_a)
    assert "5 Jan 2026 – 1 Feb 2026" in text(browser.get(url("window", patient)))
    browser.post(url("window", patient), {"taken": "21"})
    assert WindowAssessment.objects.get().taken == 21
    page = browser.get(url("window", patient))
    assert "evaluable, no DLT. 100 % of the doses, no DLT." in text(page)
    assert browser.post(url("window", patient), {"taken": "8"}).status_code == 422
    browser.post(url("window", patient), {"taken": "8", "reason": "diary found"})
    assert WindowAssessment.objects.get().taken == 8


def test_before_treatment_there_is_no_window_page(browser: Client, site_a: Site, coordinator_a: User) -> None:
    assert "there is no DLT window yet" in text(browser.get(url("window", screened(site_a, coordinator_a))))


def test_who_does_not_count_is_replaced(browser: Client, patient: Patient, study: Study, coordinator_a: User) -> None:
    refused = browser.post(url("replace", patient))
    assert (refused.status_code, "Only a patient who is not evaluable is replaced" in text(refused)) == (409, True)
    move_to(study, day(8), coordinator_a)
    discontinue(patient=patient, reason_code="patient-request", on=day(8), by=coordinator_a, at=moment(day(8)))
    browser.post(url("window", patient), {"taken": "8"})
    assert browser.post(url("replace", patient)).status_code == 302
    assert Slot.objects.filter(replaces=patient.slot).count() == 1
