"""Who is told what, and when: a digest in the morning, urgent things at once, each of them once."""

import datetime as dt
from typing import Any

import pytest

from accounts.models import User
from dosing.operations import issue_recommendation
from patients.models import Patient
from patients.operations import discontinue, reserve_for_patient
from patients.operations.events import record_adverse_event
from reminders import tasks
from reminders.models import Reminder
from reminders.operations import plan_reminders, send_reminder
from tests.cast import ANTI_MAG, DAY_ONE, definition_in, moment, person, signed_set_up
from tests.dosing.steps import as_if_committed, decide, evaluated, on_treatment, propose, sign_as, with_dlt
from tests.patients.steps import day, eligible
from trials.models import Role, Site, Slot, Study
from trials.operations import add_site, adopt_protocol, go_live, grant_role, move_rehearsal_day

pytestmark = pytest.mark.django_db
ONE_DAY = dt.timedelta(days=1)


@pytest.fixture
def trial(study: Study, pi: User, medical_monitor: User, statistician: User, coordinator_a: User) -> Study:
    as_if_committed()
    return study


@pytest.fixture
def patient(trial: Study, coordinator_a: User) -> Patient:
    return on_treatment(trial, coordinator_a, DAY_ONE)


def plan(study: Study, now: dt.datetime) -> int:
    return plan_reminders(study=study, by=User.objects.system(), at=now)


def told(start: str) -> set[str]:
    """Who is told about items that start so."""
    return set(Reminder.objects.filter(item__startswith=start).values_list("person__username", flat=True))


# --- the digest ---


def test_a_digest_says_how_much_is_due_and_where_to_look(trial: Study, patient: Patient, coordinator_a: User) -> None:
    plan(trial, moment(day(29)))
    digest = Reminder.objects.get(person=coordinator_a)
    assert digest.subject == "[Rehearsal] LEN-MAG-01: 2 overdue, 3 due today"
    assert "/studies/LEN-MAG-01/" in digest.body
    assert (digest.item, digest.occasion, digest.urgency) == (f"digest:{trial.pk}", "2026-02-02", "digest")
    assert digest.site == patient.site


def test_a_digest_is_planned_once_a_day_however_often_the_sweep_looks(trial: Study, patient: Patient) -> None:
    assert plan(trial, moment(day(29))) > 0
    assert plan(trial, moment(day(29), hour=18)) == 0
    assert plan(trial, moment(day(30))) > 0


def test_nobody_gets_an_empty_digest(trial: Study, monitor: User) -> None:
    assert plan(trial, moment(DAY_ONE)) == 0
    assert told("digest") == set()


def test_people_of_another_site_are_not_told(
    trial: Study, patient: Patient, coordinator_b: User, monitor: User
) -> None:
    plan(trial, moment(day(29)))
    assert told("digest") == {"coordinator-a", "pi"}


def test_messages_hold_no_patients_data(trial: Study, patient: Patient, coordinator_a: User) -> None:
    with_dlt(patient, coordinator_a, day(9))
    plan(trial, moment(day(29)))
    for text in [f"{r.subject} {r.body}" for r in Reminder.objects.all()]:
        assert patient.code not in text
        assert "neutropenia" not in text.lower()


@pytest.fixture
def live_study(rung: User, at: dt.datetime) -> Study:
    """A live study of two zones, with one coordinator at each site."""
    definition = definition_in(ANTI_MAG)
    version = adopt_protocol(definition=definition, by=rung, at=at)
    for code, zone in (("A", "America/New_York"), ("B", "Europe/Stockholm")):
        site = add_site(study=version.study, code=code, name=f"Site {code}", time_zone=zone, by=rung, at=at)
        someone = person(f"coordinator-{code.lower()}", f"Coordinator {code}")
        grant_role(study=version.study, person=someone, role=Role.COORDINATOR, site=site, by=rung, at=at)
    go_live(study=signed_set_up(version.study), boundaries=[], by=rung, at=at)
    as_if_committed()
    return Study.objects.get(pk=version.study.pk)


def test_in_a_live_study_it_waits_for_seven_in_the_morning_at_the_site(live_study: Study) -> None:
    on_treatment(live_study, User.objects.get(username="coordinator-a"), DAY_ONE)
    plan(live_study, dt.datetime.combine(day(29), dt.time(11, 59), tzinfo=dt.UTC))  # 6:59 in New York
    assert told("digest") == set()
    plan(live_study, dt.datetime.combine(day(29), dt.time(12, 0), tzinfo=dt.UTC))
    assert told("digest") == {"coordinator-a", "principal_investigator-len-mag-01"}  # of site A, and of the study


# --- at once ---


def test_a_dlt_is_told_to_the_signers_at_once(trial: Study, patient: Patient, coordinator_a: User) -> None:
    with_dlt(patient, coordinator_a, day(9))
    plan(trial, moment(day(9)))
    assert told("dlt:") == {"pi", "medical-monitor", "statistician"}
    assert plan(trial, moment(day(9), hour=16)) == 0


def test_an_old_dlt_is_history(trial: Study, patient: Patient, coordinator_a: User) -> None:
    with_dlt(patient, coordinator_a, day(9))
    plan(trial, moment(day(24)))
    assert told("dlt:") == set()


def test_a_safety_stop_is_told_once_for_all_levels_that_it_closed(trial: Study, coordinator_a: User) -> None:
    on = DAY_ONE
    for _ in range(3):
        _, on = evaluated(trial, coordinator_a, on, dlt=True)
        if trial.levels.get(ordinal=1).closed_at:
            break
        decide(trial, on)
        on += ONE_DAY
    plan(trial, moment(on))
    assert told("safety-stop:") == {"pi", "medical-monitor", "statistician"}
    assert Reminder.objects.filter(item__startswith="safety-stop:", person__username="pi").count() == 1


def test_a_decision_that_waits_is_told_to_those_who_must_sign(trial: Study, coordinator_a: User, pi: User) -> None:
    evaluated(trial, coordinator_a, DAY_ONE)
    propose(issue_recommendation(study=trial, by=pi, at=moment(day(29))), day(29))
    plan(trial, moment(day(29)))
    assert told("decision:") == {"pi", "medical-monitor"}


def test_somebody_who_has_signed_already_is_not_asked(trial: Study, coordinator_a: User, pi: User) -> None:
    evaluated(trial, coordinator_a, DAY_ONE)
    decision = propose(issue_recommendation(study=trial, by=pi, at=moment(day(29))), day(29))
    sign_as(decision, Role.PRINCIPAL_INVESTIGATOR, day(29))
    plan(trial, moment(day(29)))
    assert told("decision:") == {"medical-monitor"}


def test_a_late_change_is_told_to_the_signers_and_each_further_change_again(trial: Study, coordinator_a: User) -> None:
    patient, on = evaluated(trial, coordinator_a, DAY_ONE)
    decide(trial, on)
    plan(trial, moment(on))
    assert told("inputs-changed:") == set()
    record_adverse_event(
        patient=patient,
        term="Febrile neutropenia",
        grade=3,
        onset_on=day(12),
        is_dlt=True,
        relations={"lenalidomide": "probable", "dexamethasone": "unrelated"},
        by=coordinator_a,
        at=moment(on + ONE_DAY),
    )
    plan(trial, moment(on + ONE_DAY))
    plan(trial, moment(on + 2 * ONE_DAY))
    assert told("inputs-changed:") == {"pi", "medical-monitor"}
    assert Reminder.objects.filter(item__startswith="inputs-changed:").count() == 2


# --- the sweep's other duties ---


def test_reservations_that_ran_out_are_released(trial: Study, site_a: Site, coordinator_a: User) -> None:
    patient = eligible(site_a, coordinator_a)
    reserve_for_patient(patient=patient, by=coordinator_a, at=moment(DAY_ONE))
    plan(trial, moment(day(7)))
    assert Slot.objects.filter(study=trial, reserved_until__isnull=False).count() == 1
    plan(trial, moment(day(9)))
    assert Slot.objects.filter(study=trial, reserved_until__isnull=False).count() == 0


def test_moving_a_rehearsals_day_on_brings_what_falls_due(
    trial: Study, patient: Patient, coordinator_a: User, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.sweep_study, "delay", tasks.sweep_study)
    monkeypatch.setattr(tasks.send_reminder, "delay", tasks.send_reminder)
    tasks.sweep()
    mailoutbox.clear()
    tasks.sweep()
    assert mailoutbox == []
    move_rehearsal_day(study=trial, days=28, by=coordinator_a, at=moment(DAY_ONE))
    tasks.sweep()
    assert {message.to[0] for message in mailoutbox} == {"coordinator-a@example.org", "pi@example.org"}
    tasks.sweep()
    assert len(mailoutbox) == 2


def test_an_ended_treatment_leaves_nothing_to_start(trial: Study, patient: Patient, coordinator_a: User) -> None:
    discontinue(patient=patient, reason_code="patient-request", on=day(27), by=coordinator_a, at=moment(day(27)))
    plan(trial, moment(day(29)))
    digest = Reminder.objects.get(person=coordinator_a)
    assert digest.subject.endswith("1 due today")


def test_sending_is_by_rung_itself(trial: Study, patient: Patient, mailoutbox: list[Any]) -> None:
    plan(trial, moment(day(29)))
    for reminder in Reminder.objects.all():
        send_reminder(reminder_id=reminder.pk, by=User.objects.system(), at=dt.datetime.now(dt.UTC))
    assert len(mailoutbox) == Reminder.objects.filter(status="sent").count() > 0


# --- a fault in one kind of reminder ---


@pytest.mark.parametrize("broken", ["calendar_of", "awaited"])
def test_a_fault_elsewhere_keeps_no_word_of_a_dlt_back(
    trial: Study, patient: Patient, coordinator_a: User, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def breaks(*_: object) -> None:
        raise OverflowError("date value out of range")

    with_dlt(patient, coordinator_a, day(5))
    monkeypatch.setattr(f"reminders.operations.planning.{broken}", breaks)
    with pytest.raises(OverflowError):
        plan(trial, moment(day(5)))
    assert told("dlt:") == {"pi", "medical-monitor", "statistician"}
    assert bool(told("digest:")) == (broken != "calendar_of")


def test_what_was_planned_goes_out_although_something_could_not_be(
    trial: Study, patient: Patient, coordinator_a: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []

    def breaks(*_: object) -> None:
        raise OverflowError("date value out of range")

    with_dlt(patient, coordinator_a, day(5))
    move_rehearsal_day(study=trial, days=5, by=coordinator_a, at=moment(day(5)))
    monkeypatch.setattr("reminders.operations.planning.calendar_of", breaks)
    monkeypatch.setattr(tasks.send_reminder, "delay", sent.append)
    with pytest.raises(OverflowError):
        tasks.sweep_study(trial.pk)
    assert set(sent) == set(Reminder.objects.filter(item__startswith="dlt:").values_list("pk", flat=True))
    assert sent
