"""A rehearsal stands beside the study that is tried: neither knows of the other, and nobody real hears of it."""

from typing import Any

import pytest

from accounts.models import User
from audit.models import Entry
from dosing.operations import go_live
from patients.models import AdverseEvent, Patient
from reminders import tasks
from reminders.models import Rehearsal, Reminder
from reminders.operations.rehearsal import play_day, player_of
from tests.cast import signed_set_up
from tests.patients.steps import registered
from tests.reminders.rehearsal.conftest import ANTI_MAG, TODAY, definition_of, draft, played, small, tried
from trials.models import DoseLevel, Part, Role, Study
from trials.operations import add_site, edit_section, grant_role

pytestmark = pytest.mark.django_db
SAFE, TOXIC = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


@pytest.fixture
def running(planner: User) -> Study:
    """A live study of real people, with a patient who is in the DLT window."""
    study = draft(definition_of(ANTI_MAG), planner)
    add_site(study=study, code="A", name="Northfield", time_zone="America/New_York", by=planner, at=TODAY)
    go_live(study=signed_set_up(study), by=planner, at=TODAY)
    coordinator = User.objects.get(username=f"principal_investigator-{study.key.lower()}")
    registered(study.sites.get(), coordinator, on=TODAY.date())
    return Study.objects.get(pk=study.pk)


def test_a_running_study_stays_as_it_is_while_its_rehearsal_is_played(running: Study, planner: User) -> None:
    before = Entry.objects.newest_hash(running.pk)
    rehearsal = tried(running, planner, SAFE, missed_doses=0)
    assert not Patient.objects.filter(study=rehearsal.study).exists()
    played(rehearsal, planner, most=35)
    assert rehearsal.study.recommendations.exists()
    assert Patient.objects.registered().filter(study=rehearsal.study).count() == 2
    assert Entry.objects.newest_hash(running.pk) == before
    assert Study.objects.get(pk=running.pk).rehearsal_day is None


def test_what_is_played_is_the_rehearsals_own_to_the_last_row(running: Study, planner: User) -> None:
    rehearsal = tried(running, planner, SAFE, missed_doses=0)
    played(rehearsal, planner, most=5)
    study = rehearsal.study
    [patient] = Patient.objects.registered().filter(study=study).select_related("site", "slot__cohort", "version")
    assert patient.slot is not None
    assert patient.version is not None
    for row in (patient.site, patient.slot, patient.slot.cohort, patient.version):
        assert row.study_id == study.pk
    assert DoseLevel.objects.get(pk=patient.assigned_level_id).study_id == study.pk
    assert Part.objects.get(pk=patient.part_id).study_id == study.pk


def test_of_the_people_of_a_study_only_who_tries_it_is_in_the_rehearsal(running: Study, planner: User) -> None:
    rehearsal = tried(running, planner, SAFE)
    held = rehearsal.study.memberships.in_force().exclude(user__username__startswith=User.INVENTED)
    assert {member.user for member in held} == {planner}


def test_nobody_is_written_to_about_a_rehearsal_that_is_played(
    running: Study, planner: User, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A DLT, and decisions that wait, while its maker has an address and the sweep looks every minute."""
    rehearsal = tried(running, planner, TOXIC, missed_doses=0)
    grant_role(study=rehearsal.study, person=_colleague(running), role=Role.STATISTICIAN, by=planner, at=TODAY)
    monkeypatch.setattr(tasks.send_reminder, "delay", tasks.send_reminder)
    mailoutbox.clear()
    while not AdverseEvent.objects.filter(study=rehearsal.study, dlt_assessments__is_dlt=True).exists():
        played(rehearsal, planner, most=7)
        tasks.sweep_study(rehearsal.study_id)
    assert not Reminder.objects.filter(study=rehearsal.study).exists()
    assert mailoutbox == []


def test_a_draft_that_was_changed_meanwhile_is_tried_as_it_is_and_the_first_rehearsal_as_it_was(planner: User) -> None:
    source = draft(small(ANTI_MAG), planner)
    first = tried(source, planner, SAFE, missed_doses=0, late_starts=0)
    played(first, planner, most=3)
    escalation = {**small(ANTI_MAG)["escalation"], "start_level": 2}
    seen = source.versions.get().sha256
    edit_section(study=source, section="escalation", content=escalation, seen_sha256=seen, by=planner, at=TODAY)
    second = tried(source, planner, SAFE, missed_doses=0, late_starts=0)
    played(second, planner, most=3)
    played(first, planner, most=2)
    assert _levels_given(first) == ["10 mg"]
    assert _levels_given(second) == ["15 mg"]


def test_a_level_taken_out_of_the_draft_leaves_its_rehearsal_whole(planner: User) -> None:
    source = draft(small(ANTI_MAG), planner)
    rehearsal = tried(source, planner, SAFE, missed_doses=0)
    levels, seen = small(ANTI_MAG)["levels"][:2], source.versions.get().sha256
    edit_section(study=source, section="levels", content=levels, seen_sha256=seen, by=planner, at=TODAY)
    situation = play_day(rehearsal=rehearsal, by=planner, at=TODAY, player=player_of(rehearsal))
    assert len(situation.tally.levels) == 3


def _levels_given(rehearsal: Rehearsal) -> list[str]:
    patients = Patient.objects.registered().filter(study=rehearsal.study).select_related("assigned_level")
    return [patient.assigned_level.label for patient in patients if patient.assigned_level]


def _colleague(study: Study) -> User:
    return User.objects.get(username=f"statistician-{study.key.lower()}")
