"""What is due, when and for whom."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from dosing.operations import issue_recommendation
from dosing.queries import Stage
from labs.operations import collect_sample
from patients.models import AdverseEvent, Patient
from patients.operations import discontinue, reserve_for_patient
from patients.operations.assessments import assess_dlt
from patients.operations.events import correct_adverse_event, record_adverse_event
from reminders.calendar import Agenda, Calendar, agenda, calendar_of, sites_seen
from reminders.candidates import Candidate
from reminders.decisions import Awaited
from reminders.items import Item, Kind, When
from reminders.patient_items import items_of_patient, with_schedule
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import as_if_committed, decide, evaluated, on_treatment, propose, sign_as
from tests.patients.steps import day, eligible, registered, start
from trials.clock import day_of
from trials.models import Cohort, Role, Site, Study
from trials.permissions import memberships

pytestmark = pytest.mark.django_db
ONE_DAY = dt.timedelta(days=1)


def at(study: Study, number: int) -> Calendar:
    """The calendar on a day of the trial; day 1 is DAY_ONE."""
    return calendar_of(study, moment(day(number)))


def only(calendar: Calendar, kind: Kind) -> Item:
    [item] = [item for item in calendar.items if item.kind is kind]
    return item


def kinds(items: Iterable[Item]) -> set[Kind]:
    return {item.kind for item in items}


def of(person: User, calendar: Calendar) -> Agenda:
    return agenda(calendar, memberships(person, calendar.study))


@pytest.fixture
def trial(study: Study, pi: User, medical_monitor: User, statistician: User, coordinator_a: User) -> Study:
    as_if_committed()
    return study


@pytest.fixture
def patient(trial: Study, coordinator_a: User) -> Patient:
    """In cycle 1 since day 1."""
    return on_treatment(trial, coordinator_a, DAY_ONE)


# --- cycles ---


@pytest.mark.parametrize(
    ("number", "when"), [(22, When.LATER), (28, When.LATER), (29, When.TODAY), (32, When.TODAY), (33, When.OVERDUE)]
)
def test_the_next_cycle_is_due_28_days_after_the_actual_start(
    trial: Study, patient: Patient, number: int, when: When
) -> None:
    item = only(at(trial, number), Kind.CYCLE)
    assert (item.when, item.on, item.title) == (when, day(29), "cycle 2 starts")


def test_a_cycle_further_off_than_a_week_is_not_listed(trial: Study, patient: Patient) -> None:
    assert Kind.CYCLE not in kinds(at(trial, 21).items)


def test_a_late_start_moves_what_follows(trial: Study, patient: Patient, coordinator_a: User) -> None:
    start(patient, day(35), coordinator_a)
    assert only(at(trial, 60), Kind.CYCLE).on == day(63)


def test_the_first_cycle_is_due_as_agreed_at_registration(trial: Study, site_a: Site, coordinator_a: User) -> None:
    registered(site_a, coordinator_a, start=day(4))
    assert only(at(trial, 1), Kind.CYCLE).on == day(4)


def test_after_discontinuation_no_cycle_is_due(trial: Study, patient: Patient, coordinator_a: User) -> None:
    discontinue(patient=patient, reason_code="patient-request", on=day(20), by=coordinator_a, at=moment(day(20)))
    assert Kind.CYCLE not in kinds(at(trial, 29).items)


# --- samples ---


@pytest.mark.parametrize(
    ("number", "when"), [(18, When.LATER), (27, When.LATER), (28, When.TODAY), (35, When.TODAY), (36, When.OVERDUE)]
)
def test_a_sample_is_due_in_its_window(trial: Study, patient: Patient, number: int, when: When) -> None:
    [item] = [i for i in at(trial, number).items if i.kind is Kind.SAMPLE and i.key.endswith(":after-1")]
    assert item.when is when


def test_a_window_that_is_about_to_close_belongs_to_today(trial: Study, site_a: Site, coordinator_a: User) -> None:
    registered(site_a, coordinator_a, start=day(3))
    [item] = [i for i in at(trial, 1).items if i.kind is Kind.SAMPLE]
    assert (item.on, item.when) == (day(3), When.TODAY)


def test_a_collected_sample_is_not_due(trial: Study, patient: Patient, coordinator_a: User) -> None:
    collect_sample(
        patient=patient,
        timepoint="after-1",
        collected_on=day(28),
        tubes=["edta", "serum"],
        by=coordinator_a,
        at=moment(day(28)),
    )
    assert not [i for i in at(trial, 30).items if i.kind is Kind.SAMPLE and i.key.endswith(":after-1")]


# --- DLT ---


@pytest.mark.parametrize(
    ("number", "when", "can_start"),
    [
        (27, When.LATER, False),
        (28, When.TODAY, False),
        (29, When.TODAY, True),
        (31, When.TODAY, True),
        (32, When.OVERDUE, True),
    ],
)
def test_a_dlt_window_that_closes_is_to_be_assessed(
    trial: Study, patient: Patient, number: int, when: When, can_start: bool
) -> None:
    item = only(at(trial, number), Kind.WINDOW)
    assert (item.when, item.can_start, item.on) == (when, can_start, day(28))


def test_an_assessed_window_is_done(trial: Study, coordinator_a: User) -> None:
    evaluated(trial, coordinator_a, DAY_ONE)
    assert Kind.WINDOW not in kinds(at(trial, 32).items)


def test_a_patient_with_a_dlt_has_no_window_to_assess(trial: Study, coordinator_a: User) -> None:
    evaluated(trial, coordinator_a, DAY_ONE, dlt=True)
    assert Kind.WINDOW not in kinds(at(trial, 32).items)


def neutropenia(patient: Patient, by: User, grade: int = 4, **judged: Any) -> AdverseEvent:
    return record_adverse_event(
        patient=patient,
        term="Neutrophil count decreased",
        grade=grade,
        onset_on=day(9),
        relations={"lenalidomide": "probable", "dexamethasone": "unrelated"},
        by=by,
        at=moment(day(10)),
        **judged,
    )


def test_an_event_on_which_a_rule_fires_waits_for_a_judgement(
    trial: Study, patient: Patient, coordinator_a: User, monitor: User
) -> None:
    neutropenia(patient, coordinator_a)
    calendar = at(trial, 10)
    assert Kind.JUDGEMENT in kinds(of(coordinator_a, calendar).mine)
    assert Kind.JUDGEMENT in kinds(of(monitor, calendar).waiting)
    assert of(monitor, calendar).mine == ()


def test_a_coordinators_no_waits_for_an_investigator(
    trial: Study, patient: Patient, coordinator_a: User, investigator_a: User
) -> None:
    event = neutropenia(patient, coordinator_a)
    assess_dlt(event=event, is_dlt=False, rationale="expected", by=coordinator_a, at=moment(day(10)))
    calendar = at(trial, 11)
    assert Kind.CONFIRMATION in kinds(of(coordinator_a, calendar).waiting)
    assert Kind.CONFIRMATION in kinds(of(investigator_a, calendar).mine)
    assess_dlt(event=event, is_dlt=False, rationale="agreed", by=investigator_a, at=moment(day(11)))
    assert Kind.CONFIRMATION not in kinds(at(trial, 11).items)


def test_an_event_that_becomes_serious_enough_later_is_to_be_judged(
    trial: Study, patient: Patient, coordinator_a: User
) -> None:
    event = neutropenia(patient, coordinator_a, grade=2)
    assert Kind.JUDGEMENT not in kinds(at(trial, 11).items)
    correct_adverse_event(
        event=event, changes={"grade": 4}, reason="the lab corrected it", by=coordinator_a, at=moment(day(11))
    )
    assert Kind.JUDGEMENT in kinds(at(trial, 11).items)


def test_a_dlt_that_turns_out_to_lie_outside_the_window_is_to_be_judged_again(
    trial: Study, patient: Patient, coordinator_a: User
) -> None:
    event = neutropenia(patient, coordinator_a, is_dlt=True)
    assert Kind.JUDGEMENT not in kinds(at(trial, 30).items)
    correct_adverse_event(
        event=event, changes={"onset_on": day(29)}, reason="the wrong day", by=coordinator_a, at=moment(day(30))
    )
    assert Kind.JUDGEMENT in kinds(at(trial, 30).items)


# --- decisions ---


def test_when_the_next_dose_can_be_recommended_somebody_is_to_ask(
    trial: Study, coordinator_a: User, monitor: User
) -> None:
    evaluated(trial, coordinator_a, DAY_ONE)
    assert Kind.RECOMMENDATION in kinds(of(coordinator_a, at(trial, 29)).today)
    assert Kind.RECOMMENDATION in kinds(of(monitor, at(trial, 29)).waiting)


def test_a_decision_waits_for_those_who_have_not_signed(
    trial: Study, coordinator_a: User, pi: User, medical_monitor: User, statistician: User
) -> None:
    evaluated(trial, coordinator_a, DAY_ONE)
    issued = issue_recommendation(study=trial, by=pi, at=moment(day(29)))
    assert Kind.PROPOSAL in kinds(of(pi, at(trial, 29)).today)
    decision = propose(issued, day(29))
    assert Kind.DECISION in kinds(of(pi, at(trial, 29)).today)
    sign_as(decision, Role.PRINCIPAL_INVESTIGATOR, day(29))
    calendar = at(trial, 30)
    assert only(calendar, Kind.DECISION).detail == "1 of 2 signed"
    assert Kind.DECISION in kinds(of(medical_monitor, calendar).today)
    for person in (pi, coordinator_a, statistician):
        assert Kind.DECISION in kinds(of(person, calendar).waiting)


def test_a_late_dlt_asks_the_signers_to_look_again(
    trial: Study, coordinator_a: User, pi: User, medical_monitor: User, statistician: User
) -> None:
    patient, on = evaluated(trial, coordinator_a, DAY_ONE)
    decide(trial, on)
    assert Kind.INPUTS_CHANGED not in kinds(calendar_of(trial, moment(on)).items)
    with_dlt_late(patient, coordinator_a, on + ONE_DAY)
    calendar = calendar_of(trial, moment(on + ONE_DAY))
    assert Kind.INPUTS_CHANGED in kinds(of(pi, calendar).today)
    assert Kind.INPUTS_CHANGED in kinds(of(medical_monitor, calendar).today)
    assert Kind.INPUTS_CHANGED in kinds(of(statistician, calendar).waiting)


def with_dlt_late(patient: Patient, by: User, recorded: dt.date) -> None:
    record_adverse_event(
        patient=patient,
        term="Febrile neutropenia",
        grade=3,
        onset_on=day(12),
        is_dlt=True,
        relations={"lenalidomide": "probable", "dexamethasone": "unrelated"},
        by=by,
        at=moment(recorded),
    )


# --- reservations and the long run ---


def test_a_reservation_is_listed_on_its_last_day(
    trial: Study, site_a: Site, coordinator_a: User, coordinator_b: User, first_cohort: Cohort
) -> None:
    patient = eligible(site_a, coordinator_a)
    reserve_for_patient(patient=patient, by=coordinator_a, at=moment(DAY_ONE))
    item = only(at(trial, 1), Kind.RESERVATION)
    assert (item.patient, item.on, item.when) == (patient.code, day(8), When.LATER)
    assert only(at(trial, 7), Kind.RESERVATION).when is When.TODAY
    assert Kind.RESERVATION not in kinds(of(coordinator_b, at(trial, 7)).mine)


def test_event_monitoring_is_due_every_13_weeks_after_the_end(
    trial: Study, patient: Patient, coordinator_a: User
) -> None:
    discontinue(patient=patient, reason_code="patient-request", on=day(20), by=coordinator_a, at=moment(day(20)))
    item = only(at(trial, 20 + 91 - 14), Kind.FOLLOW_UP)
    assert (item.on, item.when, item.can_start) == (day(20 + 91), When.LATER, True)


def test_after_two_years_the_continuation_is_reviewed(trial: Study, coordinator_a: User) -> None:
    patient = on_treatment(trial, coordinator_a, DAY_ONE)
    for number in range(1, 27):
        start(patient, DAY_ONE + dt.timedelta(days=28 * number), coordinator_a)
    item = only(calendar_of(trial, moment(dt.date(2028, 1, 5))), Kind.CONTINUATION)
    assert (item.on, item.when) == (dt.date(2028, 1, 5), When.TODAY)


# --- zones and sites ---


def test_each_site_has_its_own_day(trial: Study, site_b: Site, coordinator_b: User, patient: Patient) -> None:
    night = dt.datetime.combine(day(29), dt.time(3), tzinfo=dt.UTC)  # still the 28th day in New York
    assert only(calendar_of(trial, night), Kind.CYCLE).when is When.LATER
    assert only(calendar_of(trial, night + dt.timedelta(hours=3)), Kind.CYCLE).when is When.TODAY


def test_people_see_their_own_sites_only(
    trial: Study, patient: Patient, coordinator_a: User, coordinator_b: User, pi: User
) -> None:
    calendar = at(trial, 29)
    assert "A-001" in {i.patient for i in of(coordinator_a, calendar).mine}
    assert not [i for i in (*of(coordinator_b, calendar).mine, *of(coordinator_b, calendar).waiting) if i.patient]
    assert "A-001" in {i.patient for i in of(pi, calendar).mine}
    limited = calendar_of(trial, moment(day(29)), site_ids=sites_seen(memberships(coordinator_b, trial)))
    assert not [i for i in limited.items if i.patient]


def test_a_study_that_is_not_live_has_nothing_due(draft_study: Study) -> None:
    assert calendar_of(draft_study, moment(DAY_ONE)).items == ()


# --- bounded work, nothing left out ---


def slow(study: Study, now: dt.datetime, horizon: dt.timedelta) -> list[Item]:
    """The obvious way: every registered patient loaded whole and asked for everything."""
    found = []
    for patient in with_schedule(Patient.objects.registered().filter(study=study)):
        today = day_of(now, patient.site.time_zone)
        everything = Candidate(patient.pk, today, frozenset(Kind))
        found += [i for i in items_of_patient(patient, everything, today, today + horizon) if i.kind is not Kind.WINDOW]
    return sorted(found, key=lambda item: item.order)


def test_the_fast_way_leaves_nothing_out(
    trial: Study, site_a: Site, coordinator_a: User, coordinator_b: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    treated, on = evaluated(trial, coordinator_a, DAY_ONE)
    decide(trial, on, size=3)
    other = on_treatment(trial, coordinator_b, on + ONE_DAY, site="B")
    start(treated, day(30), coordinator_a)
    end = on + 9 * ONE_DAY
    discontinue(patient=other, reason_code="patient-request", on=end, by=coordinator_b, at=moment(end))
    registered(site_a, coordinator_a, on + 2 * ONE_DAY, start=on + 20 * ONE_DAY)
    patient_kinds = set(Kind) - {Kind.WINDOW, Kind.JUDGEMENT, Kind.CONFIRMATION, Kind.RESERVATION}
    monkeypatch.setattr("reminders.calendar.awaited", lambda *_: Awaited(Stage.HELD))
    for number in range(30, 400, 5):
        now = moment(day(number))
        fast = [i for i in calendar_of(trial, now).items if i.patient and i.kind in patient_kinds]
        assert fast == slow(trial, now, dt.timedelta(days=7)), f"day {number}"


def test_the_number_of_queries_does_not_grow_with_patients(
    trial: Study, coordinator_a: User, coordinator_b: User
) -> None:
    first, on = evaluated(trial, coordinator_a, DAY_ONE)
    start(first, day(29), coordinator_a)
    few = queries_of(trial, day(58))
    decide(trial, on, size=3)
    for site, by in (("A", coordinator_a), ("B", coordinator_b), ("B", coordinator_b)):
        on_treatment(trial, by, on + ONE_DAY, site=site)
    assert queries_of(trial, day(58)) == few


def queries_of(study: Study, on: dt.date) -> int:
    calendar_of(study, moment(on))  # what the decisions wait for is remembered now
    with CaptureQueriesContext(connection) as queries:
        assert calendar_of(study, moment(on)).items
    return len(queries)


def test_a_page_looks_at_no_more_patients_than_it_can_show(
    trial: Study, coordinator_a: User, coordinator_b: User
) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    decide(trial, on, size=3)
    for site, by in (("A", coordinator_a), ("B", coordinator_b)):
        on_treatment(trial, by, on + ONE_DAY, site=site)
    page = calendar_of(trial, moment(day(58)), limit=1)
    assert page.more == 2
    assert {item.patient for item in page.items if item.patient} == {"A-001"}
