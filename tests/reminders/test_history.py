"""The history: who changed what, when and why, in plain words."""

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import User
from audit.checks import regulated_tables
from audit.context import Origin, origin
from audit.models import Entry
from patients.models import AdverseEvent, Patient
from patients.operations import discontinue
from patients.operations.events import correct_adverse_event, record_adverse_event
from reminders.history import story
from reminders.history_words import UNTOLD, WORDS
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import as_if_committed, decide, evaluated, on_treatment, with_dlt
from tests.patients.steps import day
from trials.models import Study
from trials.operations import suspend_accrual

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial(study: Study, pi: User, medical_monitor: User, statistician: User, coordinator_a: User) -> Study:
    as_if_committed()
    return study


@pytest.fixture
def patient(trial: Study, coordinator_a: User) -> Patient:
    return on_treatment(trial, coordinator_a, DAY_ONE)


@pytest.fixture
def event(patient: Patient, coordinator_a: User) -> AdverseEvent:
    return record_adverse_event(
        patient=patient,
        term="Fatigue",
        grade=2,
        onset_on=day(9),
        by=coordinator_a,
        at=moment(day(9)),
        relations={"lenalidomide": "probable", "dexamethasone": "unlikely"},
    )


def read(reader: User, study: Study, **query: Any) -> str:
    client = Client()
    client.force_login(reader)
    answer = client.get(reverse("reminders:history", args=[study.key]), query)
    assert answer.status_code == 200
    return " ".join(strip_tags(answer.content.decode()).split())


# --- in plain words ---


@pytest.mark.req("P11-10b", "R3-4.2.2", "R3-4.2.3", "EMA-6.2.1")
def test_what_was_recorded_is_told_in_words(trial: Study, event: AdverseEvent, coordinator_a: User) -> None:
    page = read(coordinator_a, trial, patient="A-001")
    assert "Adverse event recorded" in page
    assert "Fatigue · grade 2 · onset 13 Jan 2026 · not serious" in page
    assert "Fatigue · Lenalidomide · probable" in page
    assert "by Mia Castellano" in page


@pytest.mark.req("R3-4.2.4", "P11-10e", "EMA-6.2.1")
def test_a_correction_is_told_with_both_values_who_and_why(
    trial: Study, event: AdverseEvent, coordinator_a: User
) -> None:
    correct_adverse_event(
        event=event, changes={"grade": 3}, reason="misread the chart", by=coordinator_a, at=moment(day(10))
    )
    page = read(coordinator_a, trial, patient="A-001")
    assert "Grade changed from 2 to 3" in page
    assert "because: “misread the chart”" in page


def test_names_and_labels_stand_for_ids_and_codes(trial: Study, patient: Patient, coordinator_a: User) -> None:
    discontinue(patient=patient, reason_code="patient-request", on=day(20), by=coordinator_a, at=moment(day(20)))
    page = read(coordinator_a, trial, patient="A-001")
    assert "Request by the patient to withdraw" in page
    assert "Status changed from on treatment to event monitoring" in page
    assert "patient-request" not in page
    assert "Registered" in page
    assert "dose level: 10 mg" in page


@pytest.mark.req("P11-10b", "R3-4.2.2")
def test_decisions_and_signatures_are_told(trial: Study, coordinator_a: User, pi: User) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    decide(trial, on)
    page = read(pi, trial, kind="decisions")
    assert "Signature recorded" in page
    assert "Decision signed by all" in page
    assert "as recommended" in page
    assert "Cohort 2 recorded Dose escalation · 15 mg · size 1" in page


@pytest.mark.req("EMA-5.5")
def test_times_are_those_of_the_readers_site(trial: Study, event: AdverseEvent) -> None:
    entries = list(Entry.objects.of_study(trial.pk).newest_first()[:1])
    written = entries[0].at.astimezone(ZoneInfo("America/New_York"))
    day_there = story(trial, entries, "America/New_York")[0]
    assert (day_there.day, day_there.deeds[0].time) == (written.date(), f"{written:%H:%M}")


def test_what_one_act_wrote_stands_together(trial: Study, event: AdverseEvent) -> None:
    entries = list(Entry.objects.of_study(trial.pk).filter(table_name__startswith="patients_").newest_first())
    days = story(trial, entries, "UTC")
    latest = days[0].deeds[0]
    assert [line.title for line in latest.lines] == ["Adverse event recorded", *["Attribution recorded"] * 2]
    assert latest.why == ""


@pytest.mark.req("P11-10b", "EMA-6.2.1")
def test_every_regulated_table_of_a_study_has_its_words() -> None:
    of_no_study = {
        "audit_publication",
        "audit_access",
        "accounts_user",
        "accounts_lockout",
        "accounts_invitation",
        "mfa_authenticator",
        "reminders_feed",
        "trials_boundary",
    }
    assert regulated_tables() - of_no_study <= set(WORDS)


def test_every_column_that_is_told_exists_and_is_told_once() -> None:
    models = {model._meta.db_table: model for model in apps.get_models()}
    for table, words in WORDS.items():
        columns = {field.column for field in models[table]._meta.concrete_fields}
        assert set(words.told) <= columns, table
        assert len(set(words.told)) == len(words.told), table


def test_no_secret_or_whole_record_is_told() -> None:
    assert {"record_json", "inputs", "shown", "definition"} <= UNTOLD


# --- narrowing ---


@pytest.mark.req("R3-4.2.3", "EMA-6.2.2")
@pytest.mark.parametrize(
    ("query", "found", "hidden"),
    [
        ({"kind": "events"}, "Adverse event recorded", "Cycle 1 recorded"),
        ({"kind": "treatment"}, "Cycle 1 recorded", "Adverse event recorded"),
        ({"patient": "A-001"}, "Cycle 1 recorded", "Site recorded"),
    ],
)
def test_it_can_be_narrowed(
    trial: Study, event: AdverseEvent, pi: User, query: dict[str, str], found: str, hidden: str
) -> None:
    page = read(pi, trial, **query)
    assert found in page
    assert hidden not in page


def test_it_can_be_narrowed_to_a_person(trial: Study, event: AdverseEvent, coordinator_a: User, rung: User) -> None:
    assert "Cycle 1 recorded" not in read(coordinator_a, trial, person=str(rung.pk))
    assert "Cycle 1 recorded" in read(coordinator_a, trial, person=str(coordinator_a.pk))


def test_an_unknown_patient_is_said_to_be_unknown(trial: Study, pi: User) -> None:
    assert "There is no such patient" in read(pi, trial, patient="Z-999")


# --- who may read ---


@pytest.mark.req("EMA-4.9", "EMA-5.4")
def test_people_read_about_patients_of_their_own_sites(trial: Study, event: AdverseEvent, coordinator_b: User) -> None:
    page = read(coordinator_b, trial)
    assert "A-001" not in page
    assert "Fatigue" not in page
    assert "There is no such patient" in read(coordinator_b, trial, patient="A-001")
    assert "Site recorded" in page


# --- bounded work ---


def test_the_number_of_queries_does_not_grow_with_the_entries(
    trial: Study, patient: Patient, event: AdverseEvent, coordinator_a: User
) -> None:
    few = queries(coordinator_a, trial)
    for number in range(2, 12):
        record_adverse_event(
            patient=patient,
            term="Fatigue",
            grade=1,
            onset_on=day(number),
            by=coordinator_a,
            at=moment(day(20)),
            relations={"lenalidomide": "possible", "dexamethasone": "unlikely"},
        )
    assert queries(coordinator_a, trial) == few


def queries(person: User, study: Study) -> int:
    client = Client()
    client.force_login(person)
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("reminders:history", args=[study.key]))
    return len(captured)


def test_it_comes_in_pages(trial: Study, patient: Patient, coordinator_a: User) -> None:
    for number in range(1, 26):
        record_adverse_event(
            patient=patient,
            term="Fatigue",
            grade=1,
            onset_on=DAY_ONE + dt.timedelta(days=number),
            by=coordinator_a,
            at=moment(day(40)),
            relations={"lenalidomide": "possible", "dexamethasone": "unlikely"},
        )
    page = read(coordinator_a, trial, kind="events")
    assert "Page 1 of 2" in page
    assert "Page 2 of 2" in read(coordinator_a, trial, kind="events", page="2")


# --- what one site reads of another ---


@contextlib.contextmanager
def a_request(request_id: str) -> Iterator[None]:
    token = origin.set(Origin(request_id=request_id))
    yield
    origin.reset(token)


def dose_stopped_by_site_a(trial: Study, pi: User, coordinator_a: User) -> dt.date:
    """Two of three at site A had a DLT; a correction of the third makes the safety stop close the dose."""
    on, events = DAY_ONE, []
    for _ in range(2):
        patient, on = evaluated(trial, coordinator_a, on, dlt=True)
        events.append(patient.adverse_events.get())
        decide(trial, on)
        on += dt.timedelta(days=1)
    onset = events[0].onset_on
    later = onset + dt.timedelta(days=60)
    correct_adverse_event(
        event=events[0], changes={"onset_on": later}, reason="as it was told", by=pi, at=moment(later)
    )
    on = later + dt.timedelta(days=1)
    with_dlt(on_treatment(trial, coordinator_a, on), coordinator_a, on + dt.timedelta(days=2))
    assert not trial.levels.exclude(closed_at=None).exists()
    on += dt.timedelta(days=3)
    why = "the wife of A-001 telephoned"
    correct_adverse_event(event=events[0], changes={"onset_on": onset}, reason=why, by=pi, at=moment(on))
    assert trial.levels.exclude(closed_at=None).exists()
    return on


@pytest.mark.parametrize("request_id", ["", "one-request"])
def test_a_reason_given_for_another_sites_patient_is_not_told(
    trial: Study, pi: User, coordinator_a: User, coordinator_b: User, request_id: str
) -> None:
    with a_request(request_id):
        dose_stopped_by_site_a(trial, pi, coordinator_a)
    text = read(coordinator_b, trial, kind="study")
    assert "Dose level closed" in text
    assert "telephoned" not in text
    assert "a reason given at another site" in text
    assert "telephoned" in read(coordinator_a, trial, kind="study")


def test_another_sites_patients_are_not_named_in_what_is_told_of_the_study(
    trial: Study, pi: User, coordinator_a: User, coordinator_b: User
) -> None:
    on = dose_stopped_by_site_a(trial, pi, coordinator_a)
    suspend_accrual(study=trial, reason="A-001 is looked at, B-001 comes later", by=pi, at=moment(on))
    everything = read(coordinator_b, trial)
    assert "A-••• is looked at, B-001 comes later" in everything
    assert "A-001" not in everything
    assert "A-001 is looked at" in read(pi, trial)
