"""Making a rehearsal copy, and playing it: who may, of what, and what is refused."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from accounts.models import Signature, User
from patients.models import Patient
from patients.operations import record_adverse_event
from reminders.models import Play, Rehearsal
from reminders.operations.rehearsal import play_day, play_on, start_play, stop_play
from reminders.rehearsal import people
from reminders.rehearsal.fate import Scenario
from tests.cast import person
from tests.reminders.rehearsal.conftest import ANTI_MAG, TODAY, definition_of, draft, played, small, tried
from trials.errors import Forbidden, Refused
from trials.models import Role, Study
from trials.operations import grant_role, start_study, suspend_accrual

pytestmark = pytest.mark.django_db

TOXICITY = (0.1, 0.3, 0.5)


@pytest.fixture
def source(planner: User) -> Study:
    return draft(small(ANTI_MAG), planner)


@pytest.fixture
def rehearsal(source: Study, planner: User) -> Rehearsal:
    return tried(source, planner, TOXICITY)


@pytest.mark.req("R3-4.3.2", "EMA-A2.3")
def test_a_draft_is_tried_beside_itself(rehearsal: Rehearsal, source: Study, planner: User) -> None:
    study = rehearsal.study
    assert (study.key, study.title, study.is_rehearsal) == ("LEN-MAG-01-TRY1", source.title, True)
    assert study.rehearsal_day == TODAY.date()
    assert study.cohorts.open().count() == 1
    held = set(study.memberships.filter(user=planner).values_list("role", flat=True))
    assert held == {Role.DATA_MANAGER, Role.PRINCIPAL_INVESTIGATOR}
    assert source.versions.get().status == "draft"
    assert not source.memberships.exclude(user=planner).exists()


def test_a_rehearsal_is_tried_again_under_the_next_key(rehearsal: Rehearsal, planner: User) -> None:
    again = tried(rehearsal.study, planner, TOXICITY)
    assert again.study.key == "LEN-MAG-01-TRY2"
    assert again.source == rehearsal.source


def test_a_long_key_is_shortened(planner: User) -> None:
    long = definition_of(ANTI_MAG)
    long["study"] = {**long["study"], "key": "A" * 34 + "-12345"}
    assert tried(draft(long, planner), planner, TOXICITY).study.key == "A" * 34 + "-TRY1"


def test_a_draft_with_a_fault_is_not_tried(planner: User) -> None:
    faulty = small(ANTI_MAG)
    del faulty["delay"]
    study = start_study(definition=faulty, by=planner, at=TODAY)
    with pytest.raises(Refused) as refused, transaction.atomic():
        tried(study, planner, TOXICITY)
    assert refused.value.code == "draft-has-faults"
    assert list(Study.objects.all()) == [study]


def test_who_does_not_see_a_study_cannot_try_it(source: Study, outsider: User) -> None:
    with pytest.raises(Forbidden):
        tried(source, outsider, TOXICITY)


def test_only_a_rehearsal_that_was_made_so_is_ever_played(study: Study, data_manager: User, planner: User) -> None:
    """Neither a live study nor a rehearsal that people run by hand: `study` is one."""
    pretended = Rehearsal(study=study, source=study, scenario=Scenario(TOXICITY).to_dict(), seed=1)
    with pytest.raises(Refused) as refused:
        play_day(rehearsal=pretended, by=data_manager, at=TODAY)
    assert refused.value.code == "not-played"
    assert not Patient.objects.filter(study=study).exists()


def test_the_database_has_no_played_study_that_is_no_rehearsal(source: Study, planner: User) -> None:
    with pytest.raises(IntegrityError, match="is not a rehearsal"), transaction.atomic():
        Rehearsal.objects.create(
            study=source, source=source, scenario={}, seed=1, started_by=planner, started_on=TODAY.date()
        )


@pytest.mark.req("EMA-4.11")
def test_a_monitor_looks_on(rehearsal: Rehearsal) -> None:
    monitor = person("noor", "Noor Haddad")
    grant_role(study=rehearsal.study, person=monitor, role=Role.MONITOR, by=User.objects.system(), at=TODAY)
    for refused in (play_day, start_play, stop_play):
        with pytest.raises(Forbidden):
            refused(rehearsal=rehearsal, by=monitor, at=TODAY)
    assert Study.objects.get(pk=rehearsal.study_id).rehearsal_day == TODAY.date()


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.COORDINATOR, True),
        (Role.INVESTIGATOR, True),
        (Role.PRINCIPAL_INVESTIGATOR, True),
        (Role.MEDICAL_MONITOR, True),
        (Role.STATISTICIAN, True),
        (Role.DATA_MANAGER, True),
        (Role.MONITOR, False),
        (None, False),
    ],
)
def test_who_may_play(rehearsal: Rehearsal, role: Role | None, may: bool) -> None:
    somebody = person("somebody", "Some Body")
    site = rehearsal.study.sites.get() if role in (Role.COORDINATOR, Role.INVESTIGATOR) else None
    if role is not None:
        grant_role(study=rehearsal.study, person=somebody, role=role, site=site, by=User.objects.system(), at=TODAY)
    if may:
        assert start_play(rehearsal=rehearsal, by=somebody, at=TODAY).status == Play.Status.RUNNING
        assert stop_play(rehearsal=rehearsal, by=somebody, at=TODAY)
    else:
        for refused in (play_day, start_play, stop_play):
            with pytest.raises(Forbidden):
                refused(rehearsal=rehearsal, by=somebody, at=TODAY)
        assert not rehearsal.plays.exists()


def test_a_new_secret_key_keeps_no_rehearsal_from_going_on(
    rehearsal: Rehearsal, planner: User, settings: Settings
) -> None:
    """The invented people's passwords follow from it: by the earlier key while that is taken, then by the new one."""
    signed = Signature.objects.filter(signer__username__startswith=User.INVENTED)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key " * 6, [settings.SECRET_KEY]
    played(rehearsal, planner, most=20)
    before = signed.count()
    assert before > 0
    call_command("renew_keys", stdout=(said := StringIO()))
    settings.SECRET_KEY_FALLBACKS = []
    played(rehearsal, planner)
    assert signed.count() > before
    assert "rehearsals: 5 new passwords." in said.getvalue()
    call_command("renew_keys", stdout=(said := StringIO()))
    assert "rehearsals: 0 new passwords." in said.getvalue()


def test_the_invented_act_in_rehearsals_only_and_nobody_can_be_them(source: Study, rehearsal: Rehearsal) -> None:
    invented = User.objects.get(username="invented-principal-investigator")
    assert invented.check_password(people.password_of(invented))
    assert people.password_of(invented) != people.password_of(User(username="invented-statistician"))
    with pytest.raises(Refused) as refused:
        grant_role(study=source, person=invented, role=Role.PRINCIPAL_INVESTIGATOR, by=User.objects.system(), at=TODAY)
    assert refused.value.code == "invented-person"


def test_what_somebody_did_by_hand_is_played_on(source: Study, planner: User) -> None:
    """An event that a rule fires for, entered between two days and judged by nobody, is judged as the rule says."""
    rehearsal = tried(source, planner, (0.0, 0.0, 0.0), missed_doses=0, late_starts=0)
    played(rehearsal, planner, most=10)
    patient = Patient.objects.registered().filter(study=rehearsal.study).get()
    study = Study.objects.get(pk=rehearsal.study_id)
    now = TODAY.replace(year=study.rehearsal_day.year, month=study.rehearsal_day.month, day=study.rehearsal_day.day)
    agents = {agent.code: "probable" for agent in study.protocol.agents}
    event = record_adverse_event(
        patient=patient, term="Febrile neutropenia", grade=3, onset_on=now.date(), relations=agents, serious=True,
        by=planner, at=now,
    )  # fmt: skip
    play_day(rehearsal=rehearsal, by=planner, at=TODAY)
    judgement = event.dlt_assessments.get()
    assert judgement.is_dlt
    assert judgement.assessed_by.username == "invented-investigator"


def test_a_play_goes_day_by_day_until_it_is_stopped(rehearsal: Rehearsal, planner: User) -> None:
    play = start_play(rehearsal=rehearsal, by=planner, at=TODAY)
    assert start_play(rehearsal=rehearsal, by=planner, at=TODAY) == play
    player = play_on(play_id=play.pk, by=User.objects.system(), at=TODAY)
    player = play_on(play_id=play.pk, player=player, by=User.objects.system(), at=TODAY)
    assert player is not None
    assert stop_play(rehearsal=rehearsal, by=planner, at=TODAY)
    assert play_on(play_id=play.pk, player=player, by=User.objects.system(), at=TODAY) is None
    play.refresh_from_db()
    assert (play.status, play.days) == (Play.Status.STOPPED, 2)
    assert (Study.objects.get(pk=rehearsal.study_id).rehearsal_day - TODAY.date()).days == 2
    assert not stop_play(rehearsal=rehearsal, by=planner, at=TODAY)


def test_a_play_does_not_go_on_against_somebody_who_suspended_registration(rehearsal: Rehearsal, planner: User) -> None:
    suspend_accrual(study=rehearsal.study, reason="To look at it", by=planner, at=TODAY)
    play = start_play(rehearsal=rehearsal, by=planner, at=TODAY)
    assert play_on(play_id=play.pk, by=User.objects.system(), at=TODAY) is None
    play.refresh_from_db()
    assert play.status == Play.Status.FAILED
    assert "resume accrual" in play.failure


def test_a_day_that_cannot_be_played_is_undone_whole(rehearsal: Rehearsal, planner: User) -> None:
    def missing(patient: Patient) -> None:
        raise RuntimeError("no course")

    play = start_play(rehearsal=rehearsal, by=planner, at=TODAY)
    player = None
    while not Patient.objects.registered().filter(study=rehearsal.study).exists():
        player = play_on(play_id=play.pk, player=player, by=User.objects.system(), at=TODAY)
    assert player is not None
    before = Study.objects.get(pk=rehearsal.study_id).rehearsal_day
    player.course_of = missing  # type: ignore[assignment]
    assert play_on(play_id=play.pk, player=player, by=User.objects.system(), at=TODAY) is None
    play.refresh_from_db()
    assert play.status == Play.Status.FAILED
    assert "no course" in play.failure
    assert Study.objects.get(pk=rehearsal.study_id).rehearsal_day == before


def test_a_rehearsal_is_not_played_beyond_its_end(source: Study, planner: User) -> None:
    rehearsal = tried(source, planner, (0.9, 0.9, 0.9))
    played(rehearsal, planner)
    with pytest.raises(Refused) as refused:
        start_play(rehearsal=rehearsal, by=planner, at=TODAY)
    assert refused.value.code == "played-to-the-end"
