"""The demonstration's studies, made by the operations, are what the pages promise to show."""

import datetime as dt
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from dosing.models import Decision, Recommendation
from dosing.queries import Stage, where_we_stand
from patients.activities import ActivityState, DueActivity, due_activities
from patients.infusions import PlannedInfusion, planned_infusions
from patients.models import Attribution, Patient
from reminders.demo import people
from reminders.demo.load import make_study
from reminders.demo.script import COMBINING, ESCALATING
from reminders.rehearsal.player import loaded
from tests.cast import ANTI_MAG
from tests.patients.cetuximab import CETUXIMAB
from trials import clock
from trials.models import Study


@pytest.fixture
def told(tmp_path: Path, settings: Settings) -> Path:
    settings.DEMO_PEOPLE_FILE = tmp_path / "demo-people.json"
    people.tell_the_sign_in_page()
    return settings.DEMO_PEOPLE_FILE


def _patient(study: Study, code: str) -> Patient:
    return loaded(Patient.objects.get(study=study, code=code).pk)


def _starts_of(study: Study, code: str) -> dict[int, dt.date]:
    return {cycle.number: cycle.started_on for cycle in _patient(study, code).cycles.all()}


def _open_infusions(study: Study, code: str) -> list[PlannedInfusion]:
    """Those that are planned up to today and neither given nor left out."""
    patient = _patient(study, code)
    planned = planned_infusions(patient, list(patient.cycles.all()))
    return [infusion for infusion in planned if infusion.open and infusion.planned_on <= COMBINING.stops_on]


def _activities(study: Study, code: str) -> list[DueActivity]:
    patient = _patient(study, code)
    return due_activities(patient, list(patient.cycles.all()), patient.activities.all(), COMBINING.stops_on)


@pytest.mark.django_db
def test_the_escalating_study_waits_for_the_second_signature_of_its_tenth_decision() -> None:
    study = make_study(ESCALATING, ANTI_MAG.read_text(), lambda line: None)
    assert study.is_rehearsal
    assert study.rehearsal_day == ESCALATING.stops_on
    doses = Patient.objects.registered().filter(study=study).order_by("registered_at")
    given = list(doses.values_list("code", "assigned_level__label"))
    assert given == [
        ("A-001", "10 mg"),
        ("B-001", "15 mg"),
        ("A-002", "25 mg"),
        ("A-003", "15 mg"),
        ("A-004", "15 mg"),
        ("B-002", "25 mg"),
        ("A-005", "15 mg"),
        ("B-003", "15 mg"),
        ("A-006", "15 mg"),
        ("B-004", "25 mg"),
        ("A-007", "15 mg"),
    ]
    situation = where_we_stand(study, clock.now(study))
    assert situation.stage == Stage.SIGNING
    assert (situation.tally.escalation.treated, situation.tally.escalation.dlts) == ((1, 6, 3), (0, 2, 2))
    assert situation.newest is not None
    assert situation.newest.number == 10
    assert situation.newest.reason == "2 of 6 had a DLT: 0.33 lies between 0.236 and 0.359, so stay at 15 mg"
    assert study.decisions.exclude(status=Decision.Status.SIGNED).count() == 1
    statuses = set(Patient.objects.filter(study=study).values_list("status", flat=True))
    assert statuses == {"screening", "on_treatment", "event_monitoring"}
    call_command("replay", study.key)


@pytest.mark.django_db
def test_the_combining_study_begins_with_an_infusion_and_a_biopsy_to_be_done_today() -> None:
    """Level 2 is filled to six after one DLT: one of its newest is in cycle 1, the last in the lead-in still."""
    study = make_study(COMBINING, CETUXIMAB.read_text(), lambda line: None)
    situation = where_we_stand(study, clock.now(study))
    assert situation.stage == Stage.WAITING_FOR_DATA
    assert (situation.tally.escalation.treated, situation.tally.escalation.dlts) == ((3, 3, 0, 0), (0, 1, 0, 0))
    assert [r.action for r in Recommendation.objects.filter(study=study).order_by("number")] == ["escalate", "stay"]
    assert _starts_of(study, "A-004") == {0: dt.date(2026, 10, 24), 1: dt.date(2026, 11, 14)}
    assert [str(item.planned_on) for item in _open_infusions(study, "A-004")] == ["2026-11-21"]
    assert _starts_of(study, "A-005") == {0: dt.date(2026, 11, 1)}
    assert Attribution.objects.get(patient__code="A-004", agent="cetuximab").relation == "unrelated"  # of the lead-in
    biopsy = next(due for due in _activities(study, "A-005") if due.which.timepoint == "before-combination")
    assert (biopsy.state, biopsy.window_to) == (ActivityState.DUE, dt.date(2026, 11, 21))
    call_command("replay", study.key)


@pytest.mark.django_db
def test_demo_data_are_never_made_beside_studies_that_are_there(study: Study) -> None:
    with pytest.raises(CommandError, match="There are studies already"):
        call_command("load_demo")


@pytest.mark.django_db
def test_demo_data_are_never_made_in_production(settings: Settings) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="production installation"):
        call_command("load_demo")


@pytest.mark.django_db
def test_the_sign_in_page_of_a_demonstration_shows_who_can_sign_in(
    client: Client, told: Path, settings: Settings
) -> None:
    assert {row["username"] for row in json.loads(told.read_text())} >= {"rivera", "okafor", "lindqvist"}
    settings.RUNG_DEMO = True
    assert "Dr Ana Rivera" in client.get("/sign-in/").content.decode()
    settings.RUNG_DEMO = False
    assert "Dr Ana Rivera" not in client.get("/sign-in/").content.decode()
