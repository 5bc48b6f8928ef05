import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from labs.operations import collect_sample, miss_sample
from labs.patient_actions import WhatNext
from labs.patient_page import PatientPage
from labs.patient_timeline import Entry
from patients.models import Cycle, Patient
from patients.operations import (
    assess_dlt,
    assess_window,
    check_eligibility,
    discontinue,
    interrupt_dosing,
    record_adverse_event,
    record_consent,
    record_doses,
    record_follow_up,
    record_outcome,
    record_screen_failure,
    reduce_dose,
)
from tests.cast import DAY_ONE, moment
from tests.labs.conftest import move_to, on_treatment, registered, screened, start
from trials.models import Site, Study

pytestmark = pytest.mark.django_db

BOTH = ["edta", "serum"]
RELATIONS = {"lenalidomide": "probable", "dexamethasone": "unlikely"}


def on(day: int) -> dt.date:
    return DAY_ONE + dt.timedelta(days=day - 1)


def shown(reader: User, patient: Patient, day: int | None = None) -> PatientPage:
    """The page as somebody sees it on a day of the rehearsal."""
    if day is not None:
        move_to(patient.study, on(day), reader)
    browser = Client()
    browser.force_login(reader)
    answer = browser.get(reverse("labs:patient", args=[patient.study.key, patient.code]))
    assert answer.status_code == 200
    page: PatientPage = answer.context["shown"]
    return page


def collected(patient: Patient, by: User, timepoint: str, day: int) -> None:
    collect_sample(patient=patient, timepoint=timepoint, collected_on=on(day), tubes=BOTH, by=by, at=moment(on(day)))


def doses_entered(cycle: Cycle, by: User, day: int) -> None:
    for agent, taken in (("lenalidomide", 21), ("dexamethasone", 4)):
        record_doses(cycle=cycle, agent=agent, taken=taken, by=by, at=moment(on(day)))


def step(page: PatientPage) -> tuple[str, str]:
    """What comes next, and what the one button says ("" for none)."""
    return page.next.step.title, page.next.primary.label if page.next.primary else ""


def labels(following: WhatNext) -> set[str]:
    return {action.label for action in following.others}


def entry(page: PatientPage, title: str) -> Entry:
    return next(entry for entry in page.time_line.whole if entry.title == title)


# --- the answer first, and one primary action ---


def test_in_screening_it_leads_from_consent_over_eligibility_to_registration(
    study: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = screened(study, site_a, coordinator_a)
    page = shown(coordinator_a, patient)
    assert page.headline == "In screening"
    assert not page.time_line.has_expected
    assert step(page) == ("Consent", "Record consent")
    assert labels(page.next) == {"Reserve a slot", "Record screen failure"}
    record_consent(patient=patient, signed_on=on(1), form_version="1.0", by=coordinator_a, at=moment(on(1)))
    assert step(shown(coordinator_a, patient)) == ("Eligibility", "Check eligibility")
    answers = {criterion.code: True for criterion in study.protocol.eligibility}
    check_eligibility(patient=patient, answers=answers, checked_on=on(1), by=coordinator_a, at=moment(on(1)))
    assert step(shown(coordinator_a, patient)) == ("Registration", "Register")


def test_who_is_not_eligible_is_a_screen_failure(study: Study, site_a: Site, coordinator_a: User) -> None:
    patient = screened(study, site_a, coordinator_a)
    record_consent(patient=patient, signed_on=on(1), form_version="1.0", by=coordinator_a, at=moment(on(1)))
    answers = {criterion.code: criterion.code != "adult" for criterion in study.protocol.eligibility}
    check_eligibility(patient=patient, answers=answers, checked_on=on(1), by=coordinator_a, at=moment(on(1)))
    assert step(shown(coordinator_a, patient)) == ("Screen failure", "Record screen failure")
    record_screen_failure(patient=patient, reason="too young", by=coordinator_a, at=moment(on(1)))
    page = shown(coordinator_a, patient)
    assert (page.headline, step(page), page.next.others) == ("Screen failure", ("Nothing more", ""), [])


def test_registered_it_leads_over_the_pre_treatment_sample_to_cycle_1(
    study: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = registered(study, site_a, coordinator_a)
    page = shown(coordinator_a, patient)
    assert page.headline == "Registered at 10 mg, not yet treated"
    assert step(page) == ("The pre-treatment sample", "Collect the sample")
    collected(patient, coordinator_a, "pre-treatment", 1)
    assert step(shown(coordinator_a, patient)) == ("Cycle 1", "Start cycle 1")


def test_on_treatment_it_says_which_day_of_which_cycle_at_which_dose(patient: Patient, coordinator_a: User) -> None:
    collected(patient, coordinator_a, "pre-treatment", 1)
    page = shown(coordinator_a, patient, 17)
    assert page.headline == "Cycle 1, day 17 of 28, at 10 mg"
    assert page.sentence == (
        "Assigned 10 mg (level 1) in the dose escalation. Day 17 of 28 of the DLT window, no DLT so far."
    )
    assert page.standing == ("DLT window running", "pending")


def test_where_nothing_is_due_it_says_until_when_and_offers_to_record_an_event(
    patient: Patient, coordinator_a: User
) -> None:
    collected(patient, coordinator_a, "pre-treatment", 1)
    page = shown(coordinator_a, patient, 17)
    assert step(page) == ("The sample after cycle 1 on Sun 1 Feb 2026", "Record event")
    assert page.next.step.detail == "Nothing to do until then."


def test_after_a_cycle_come_the_window_the_sample_the_doses_and_the_next_cycle(
    patient: Patient, coordinator_a: User
) -> None:
    collected(patient, coordinator_a, "pre-treatment", 1)
    assert step(shown(coordinator_a, patient, 29)) == ("The DLT window has passed", "Close the DLT window")
    assess_window(patient=patient, taken=21, by=coordinator_a, at=moment(on(29)))
    page = shown(coordinator_a, patient)
    assert step(page) == ("The sample after cycle 1", "Collect the sample")
    assert page.standing == ("evaluable, no DLT", "up")
    collected(patient, coordinator_a, "after-1", 29)
    assert step(shown(coordinator_a, patient)) == ("Doses of cycle 1", "Enter doses of cycle 1")
    doses_entered(patient.cycles.get(), coordinator_a, 29)
    assert step(shown(coordinator_a, patient)) == ("Cycle 2", "Start cycle 2")


def test_a_cycle_beyond_the_delay_limit_leads_to_the_end_of_treatment(patient: Patient, coordinator_a: User) -> None:
    collected(patient, coordinator_a, "pre-treatment", 1)
    assess_window(patient=patient, taken=21, by=coordinator_a, at=moment(on(29)))
    miss_sample(patient=patient, timepoint="after-1", reason="away", by=coordinator_a, at=moment(on(29)))
    doses_entered(patient.cycles.get(), coordinator_a, 29)
    assert step(shown(coordinator_a, patient, 57)) == ("Cycle 2", "Start cycle 2")
    page = shown(coordinator_a, patient, 58)
    assert step(page) == ("Cycle 2 can no longer start", "End treatment")
    assert page.next.step.late


def test_an_event_on_which_a_rule_fires_comes_before_everything_else(patient: Patient, coordinator_a: User) -> None:
    event = record_adverse_event(
        patient=patient, term="Diarrhea", grade=3, onset_on=on(10), relations=RELATIONS, by=coordinator_a,
        at=moment(on(10)),
    )  # fmt: skip
    assert step(shown(coordinator_a, patient, 10)) == ("Diarrhea, grade 3", "Judge the event")
    assess_dlt(event=event, is_dlt=True, by=coordinator_a, at=moment(on(10)))
    page = shown(coordinator_a, patient)
    assert page.standing == ("DLT", "out")
    assert "DLT: Diarrhea grade 3" in page.sentence


def test_in_event_monitoring_it_says_when_treatment_ended_and_when_the_next_visit_is(
    patient: Patient, coordinator_a: User
) -> None:
    discontinue(patient=patient, reason_code="patient-request", on=on(5), by=coordinator_a, at=moment(on(5)))
    miss_sample(patient=patient, timepoint="pre-treatment", reason="no", by=coordinator_a, at=moment(on(5)))
    assess_window(patient=patient, taken=5, by=coordinator_a, at=moment(on(6)))
    doses_entered_until(patient.cycles.get(), coordinator_a, 5)
    page = shown(coordinator_a, patient, 30)
    assert page.headline == "In event monitoring"
    assert "Treatment ended on 9 Jan 2026, in cycle 1." in page.sentence
    assert page.standing == ("not evaluable", "neutral")
    assert page.regimens == []
    assert step(page)[0] == "A replacement"
    late = shown(coordinator_a, patient, 5 + 91)
    assert step(late) == ("Event-monitoring visit 1", "Record the visit")


def doses_entered_until(cycle: Cycle, by: User, day: int) -> None:
    record_doses(cycle=cycle, agent="lenalidomide", taken=day, by=by, at=moment(on(day)))
    record_doses(cycle=cycle, agent="dexamethasone", taken=1, by=by, at=moment(on(day)))


def test_after_two_reductions_the_page_says_so_and_leads_to_the_refusal_with_its_way_on(
    patient: Patient, coordinator_a: User
) -> None:
    event = record_adverse_event(
        patient=patient, term="Fatigue", grade=2, onset_on=on(5), relations=RELATIONS, by=coordinator_a,
        at=moment(on(5)),
    )  # fmt: skip
    for day in (29, 57):
        assert "Reduce the dose" in labels(shown(coordinator_a, patient, day - 1).next)
        reduce_dose(
            patient=patient, cause="adverse_event", explanation="fatigue", effective_on=on(day), event=event,
            by=coordinator_a, at=moment(on(day - 1)),
        )  # fmt: skip
        start(patient, on(day), coordinator_a)
    page = shown(coordinator_a, patient, 57)
    assert {"Reduce the dose", "End treatment"} <= set(labels(page.next))
    fact = next(fact for fact in page.facts if fact.label == "Dose reductions")
    assert (fact.value, fact.note) == ("2 of 2 used", "to 5 mg on 2 Feb 2026 and to 2.5 mg on 2 Mar 2026")
    assert page.headline == "Cycle 3, day 1 of 28, at 2.5 mg"


def test_dosing_that_is_interrupted_can_be_resumed(patient: Patient, coordinator_a: User) -> None:
    interrupt_dosing(
        cycle=patient.cycles.get(), agent="lenalidomide", from_day=on(5), to_day=None, reason="rash",
        by=coordinator_a, at=moment(on(5)),
    )  # fmt: skip
    page = shown(coordinator_a, patient, 6)
    assert "Resume lenalidomide" in labels(page.next)
    interruption = entry(page, "Lenalidomide not given")
    assert interruption.detail == "and not resumed yet · rash"
    assert interruption.url.endswith("/resume/")


# --- who sees what ---


def test_somebody_who_may_only_look_is_told_what_comes_next_and_offered_nothing(
    patient: Patient, monitor: User, coordinator_a: User
) -> None:
    page = shown(monitor, patient)
    assert step(page) == ("The pre-treatment sample", "")
    assert page.next.others == []
    assert not any("/collect/" in entry.url or "/start-cycle/" in entry.url for entry in page.time_line.whole)


def test_a_patient_of_another_site_is_not_found(browser: Client, patient: Patient, coordinator_b: User) -> None:
    browser.force_login(coordinator_b)
    assert browser.get(reverse("labs:patient", args=["LEN-MAG-01", "A-001"])).status_code == 404


def test_new_is_no_patient(browser: Client, study: Study, coordinator_a: User) -> None:
    browser.force_login(coordinator_a)
    assert browser.get("/studies/LEN-MAG-01/patients/new/").resolver_match.view_name == "patients:screen"


# --- the regimen ---


def test_the_regimen_names_agents_amounts_days_and_dates(patient: Patient, coordinator_a: User) -> None:
    now, following = shown(coordinator_a, patient, 10).regimens
    assert (now.title, now.when) == ("Cycle 1, now: 10 mg", "5 Jan – 1 Feb 2026")
    assert [(d.name, d.amount, d.days, d.dates) for d in now.doses] == [
        ("Lenalidomide", "10 mg", "days 1–21", "5 Jan – 25 Jan 2026"),
        ("Dexamethasone", "20 mg", "days 1, 8, 15, 22", "5 Jan, 12 Jan, 19 Jan, 26 Jan 2026"),
    ]
    assert (following.title, following.doses[0].dates) == ("Cycle 2, next: 10 mg", "2 Feb – 22 Feb 2026")


def test_what_the_protocol_does_not_say_is_marked(patient: Patient, coordinator_a: User) -> None:
    page = shown(coordinator_a, patient)
    assert next(fact for fact in page.facts if fact.label == "DLT window").assumed
    notes = {assumption.what: assumption.note for assumption in page.assumptions}
    assert notes["The DLT window"] == "The text gives no DLT window; the first cycle is usual."
    assert notes["Windows of samples"] == "The text gives no windows for samples."


# --- one time line ---


def test_the_time_line_has_past_firm_and_expected_in_order(patient: Patient, coordinator_a: User) -> None:
    line = shown(coordinator_a, patient, 10).time_line.whole
    assert [entry.date for entry in line] == sorted(entry.date for entry in line)
    states = {entry.title: entry.state for entry in line}
    assert states["Cycle 1 started at 10 mg"] == "past"
    assert states["Cycle 2 is due"] == "firm"
    assert states["Cycle 3 is due"] == "expected"
    assert states["Sample after cycle 1"] == "firm"
    assert states["Sample after cycle 3"] == "expected"
    assert states["The DLT window ends"] == "firm"


def test_what_happened_is_told_with_its_doses_grades_and_reasons(patient: Patient, coordinator_a: User) -> None:
    cycle = patient.cycles.get()
    event = record_adverse_event(
        patient=patient, term="Diarrhea", grade=3, onset_on=on(10), relations=RELATIONS, by=coordinator_a,
        at=moment(on(12)), resolved_on=on(12), serious=True,
    )  # fmt: skip
    assess_dlt(event=event, is_dlt=True, by=coordinator_a, at=moment(on(12)))
    interrupt_dosing(
        cycle=cycle, agent="lenalidomide", from_day=on(11), to_day=on(13), reason="diarrhoea", by=coordinator_a,
        at=moment(on(14)),
    )  # fmt: skip
    reduce_dose(
        patient=patient, cause="adverse_event", explanation="after the DLT", effective_on=on(29), event=event,
        by=coordinator_a, at=moment(on(20)),
    )  # fmt: skip
    record_doses(cycle=cycle, agent="lenalidomide", taken=18, by=coordinator_a, at=moment(on(28)))
    page = shown(coordinator_a, patient, 28)
    dlt = entry(page, "Diarrhea")
    assert (dlt.kind, dlt.chip, dlt.chip_kind, dlt.date) == ("dlt", "DLT · grade 3", "out", on(10))
    assert dlt.detail == "serious · probable to lenalidomide · unlikely to dexamethasone · resolved 16 Jan 2026"
    assert entry(page, "Cycle 1 started at 10 mg").detail == "18 of 21 lenalidomide taken"
    assert entry(page, "Lenalidomide not given").detail == "to 17 Jan 2026 · diarrhoea"
    reduction = entry(page, "Dose to be reduced to 5 mg")
    assert (reduction.chip, reduction.state, reduction.date) == ("reduction 1 of 2", "firm", on(29))


def test_what_is_overdue_is_never_folded_away(study: Study, site_a: Site, coordinator_a: User) -> None:
    patient = on_treatment(study, site_a, coordinator_a, cycles=6)
    line = shown(coordinator_a, patient, 160).time_line
    assert len(line.earlier) >= 4
    assert all(entry.state == "past" for entry in line.earlier)
    overdue = [entry.title for entry in line.now if entry.chip_kind == "out"]
    assert "Sample after cycle 1" in overdue
    assert line.later
    assert all(entry.date > on(160) for entry in line.later)


def test_event_monitoring_stands_on_the_line_and_treatment_no_longer(patient: Patient, coordinator_a: User) -> None:
    discontinue(
        patient=patient, reason_code="intercurrent-illness", on=on(20), by=coordinator_a, at=moment(on(20)),
        detail="pneumonia",
    )  # fmt: skip
    record_follow_up(
        patient=patient, done_on=on(20 + 91), alive=True, progressed_on=on(100), by=coordinator_a,
        at=moment(on(20 + 91)),
    )  # fmt: skip
    page = shown(coordinator_a, patient, 120)
    titles = [entry.title for entry in page.time_line.whole]
    assert "Cycle 2 is due" not in titles
    assert "Sample after cycle 1" not in titles
    assert entry(page, "Treatment ended").detail.endswith("pneumonia")
    assert entry(page, "Event-monitoring visit 1").detail == "alive · progressed 14 Apr 2026"
    assert entry(page, "Event-monitoring visit 2").state == "firm"
    assert entry(shown(coordinator_a, patient, 20 + 2 * 91), "Event-monitoring visit 2").url.endswith("/follow-up/")


# --- outcome measures ---


def outcome(patient: Patient, by: User, timepoint: str, value: str, day: int) -> None:
    record_outcome(
        patient=patient, measure="neurologic-function", timepoint=timepoint, measured_on=on(day),
        value=Decimal(value), by=by, at=moment(on(day)),
    )  # fmt: skip


def test_a_measure_shows_its_newest_value_the_change_and_a_plot(
    study: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = on_treatment(study, site_a, coordinator_a, cycles=3)
    outcome(patient, coordinator_a, "pre-treatment", "5", 1)
    assert shown(coordinator_a, patient, 84).measures[0].plot == ""
    outcome(patient, coordinator_a, "after-3", "4", 84)
    measure = shown(coordinator_a, patient).measures[0]
    assert (measure.newest, measure.change) == ("4 points, after cycle 3", "better by 1 point since pre-treatment")
    assert measure.plot.startswith("<svg")
    first = measure.values[0]
    assert (first.title, first.day, first.value) == ("Pre-treatment", "5 Jan 2026", "5 points")


# --- how many queries ---


def queries_of(reader: Client) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert reader.get(reverse("labs:patient", args=["LEN-MAG-01", "A-001"])).status_code == 200
    return len(captured)


def test_the_queries_do_not_grow_with_cycles_events_samples_or_values(
    patient: Patient, coordinator_a: User, browser: Client
) -> None:
    browser.force_login(coordinator_a)
    one_of_each(patient, coordinator_a, 1)
    move_to(patient.study, on(28), coordinator_a)
    few = queries_of(browser)
    for number in range(2, 7):
        start(patient, on(1 + 28 * (number - 1)), coordinator_a)
        one_of_each(patient, coordinator_a, number)
    move_to(patient.study, on(28 * 6), coordinator_a)
    assert (patient.cycles.count(), patient.adverse_events.count()) == (6, 6)
    assert queries_of(browser) == few <= 40


def one_of_each(patient: Patient, by: User, number: int) -> None:
    """In this cycle: an event that is judged, an interruption, doses, a sample and a value, where they are due."""
    first = 28 * (number - 1)
    event = record_adverse_event(
        patient=patient, term="Diarrhea", grade=3, onset_on=on(first + 3), relations=RELATIONS, by=by,
        at=moment(on(first + 28)),
    )  # fmt: skip
    if number == 1:
        assess_dlt(event=event, is_dlt=True, by=by, at=moment(on(first + 28)))
    cycle = patient.cycles.get(number=number)
    interrupt_dosing(
        cycle=cycle, agent="lenalidomide", from_day=on(first + 4), to_day=on(first + 5), reason="diarrhoea", by=by,
        at=moment(on(first + 28)),
    )  # fmt: skip
    record_doses(cycle=cycle, agent="lenalidomide", taken=10, by=by, at=moment(on(first + 28)))
    if number in (1, 2, 3, 6):
        collected(patient, by, f"after-{number}", first + 28)
    if number in (3, 6):
        outcome(patient, by, f"after-{number}", str(number), first + 28)
