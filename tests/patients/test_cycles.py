"""Rules 11, 13 and 14: cycles start when they are due, at most four weeks late; corrections say why."""

import datetime as dt

import pytest
from django.db import transaction
from django.db.utils import IntegrityError, ProgrammingError

from accounts.models import User
from audit.models import Entry
from patients.models import Cycle, DosesTaken, Interruption, Patient
from patients.operations import (
    correct_cycle_start,
    discontinue,
    interrupt_dosing,
    record_cycle_doses,
    record_doses,
    reduce_dose,
    resume_dosing,
    start_cycle,
)
from tests.cast import DAY_ONE, moment
from tests.patients.by_hand import by_hand
from tests.patients.steps import again, day, registered, screened, start, treated
from trials.errors import Forbidden, Refused
from trials.models import Site

pytestmark = pytest.mark.django_db


def code_of_start(patient: Patient, on: dt.date, by: User, late: int = 0) -> str:
    with pytest.raises(Refused) as refused:
        start(patient, on, by, late)
    return refused.value.code


# --- starting ---


def test_the_first_cycle_begins_treatment(site_a: Site, coordinator_a: User) -> None:
    patient = registered(site_a, coordinator_a, start=day(4))
    cycle = start(patient, day(5), coordinator_a)
    assert (cycle.number, cycle.due_on, cycle.latest_on, cycle.started_on) == (1, day(4), day(32), day(5))
    assert (cycle.dose_label, cycle.rung, again(patient).status) == ("10 mg", 2, "on_treatment")


def test_the_first_cycle_may_begin_before_the_agreed_day_but_not_before_registration(
    site_a: Site, coordinator_a: User
) -> None:
    patient = registered(site_a, coordinator_a, on=day(3), start=day(10))
    assert code_of_start(patient, day(2), coordinator_a, late=5) == "cycle-too-early"
    assert start(patient, day(4), coordinator_a).number == 1


def test_a_cycle_starts_up_to_four_weeks_late(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    assert code_of_start(patient, day(28), coordinator_a) == "cycle-too-early"
    assert code_of_start(patient, day(58), coordinator_a) == "delay-limit"
    assert start(patient, day(57), coordinator_a).number == 2


def test_the_delay_refusal_names_the_way_on(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    with pytest.raises(Refused) as refused:
        start(patient, day(58), coordinator_a)
    assert refused.value.sentence == (
        "Cycle 2 was due on 2 Feb 2026 and could start until 2 Mar 2026: a delay of more than 4 weeks ends treatment. "
        "Discontinue treatment instead."
    )
    assert (refused.value.field, Cycle.objects.count()) == ("started_on", 1)


def test_no_cycle_starts_tomorrow(site_a: Site, coordinator_a: User) -> None:
    patient = registered(site_a, coordinator_a, start=day(2))
    assert code_of_start(patient, day(2), coordinator_a, late=-1) == "in-the-future"


def test_the_day_is_the_sites(site_b: Site, coordinator_b: User) -> None:
    """23:30 UTC on day 1 is day 2 in Sweden."""
    patient = registered(site_b, coordinator_b)
    late = dt.datetime.combine(day(1), dt.time(23, 30), tzinfo=dt.UTC)
    assert start_cycle(patient=patient, started_on=day(2), by=coordinator_b, at=late).started_on == day(2)


def test_no_cycle_before_registration_or_after_the_end(site_a: Site, coordinator_a: User) -> None:
    assert code_of_start(screened(site_a, coordinator_a), DAY_ONE, coordinator_a) == "not-registered"
    patient = treated(site_a, coordinator_a)
    discontinue(patient=patient, reason_code="patient-request", on=day(20), by=coordinator_a, at=moment(day(20)))
    assert code_of_start(patient, day(29), coordinator_a) == "treatment-ended"


def test_a_cycle_is_at_the_rung_in_force(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    reduce_dose(
        patient=patient, cause="other", explanation="x", effective_on=day(29), by=coordinator_a, at=moment(day(20))
    )
    with pytest.raises(Refused) as refused:
        start_cycle(patient=patient, started_on=day(29), rung=2, by=coordinator_a, at=moment(day(29)))
    assert refused.value.code == "rung-not-in-force"
    cycle = start(patient, day(29), coordinator_a)
    assert (cycle.rung, cycle.dose_label, again(patient).assigned_level.label) == (3, "5 mg", "10 mg")


def test_an_open_interruption_is_closed_first(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    opened = interrupted(patient, day(10), None, coordinator_a)
    assert code_of_start(patient, day(29), coordinator_a) == "previous-cycle-open"
    resume_dosing(interruption=opened, to_day=day(15), by=coordinator_a, at=moment(day(29)))
    assert start(patient, day(29), coordinator_a).number == 2


def test_another_sites_coordinator_starts_nothing(site_a: Site, coordinator_a: User, coordinator_b: User) -> None:
    patient = registered(site_a, coordinator_a)
    with pytest.raises(Forbidden):
        start(patient, DAY_ONE, coordinator_b)


# --- correcting a start ---


def corrected(cycle: Cycle, on: dt.date, by: User, reason: str = "misread") -> Cycle:
    return correct_cycle_start(cycle=cycle, started_on=on, reason=reason, by=by, at=moment(day(70)))


def test_a_corrected_start_moves_the_due_day_of_the_next(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    start(patient, day(32), coordinator_a)
    first = Cycle.objects.get(number=1)
    corrected(first, day(3), coordinator_a)
    second = Cycle.objects.get(number=2)
    assert (second.due_on, second.latest_on, second.started_on) == (day(31), day(59), day(32))
    old = Entry.objects.of_record("patients_cycle", first.pk).newest_first()[0]
    assert old.changed_fields["started_on"] == ("2026-01-05", "2026-01-07")
    assert (old.reason, old.actor_name) == ("misread", "coordinator-a")


def test_a_correction_says_why(site_a: Site, coordinator_a: User) -> None:
    cycle = treated(site_a, coordinator_a).cycles.get()
    with pytest.raises(Refused) as refused:
        corrected(cycle, day(2), coordinator_a, reason="  ")
    assert (refused.value.code, refused.value.field) == ("reason-needed", "reason")


def test_the_same_day_again_is_no_correction(site_a: Site, coordinator_a: User) -> None:
    cycle = treated(site_a, coordinator_a).cycles.get()
    before = Entry.objects.count()
    corrected(cycle, DAY_ONE, coordinator_a)
    assert Entry.objects.count() == before


@pytest.mark.parametrize(
    ("number", "on", "code"),
    [
        (1, 0, "cycle-too-early"),
        (1, 5, "next-cycle-does-not-fit"),
        (2, 28, "cycle-too-early"),
        (2, 58, "delay-limit"),
        (2, 71, "in-the-future"),
        (2, 45, "treatment-ended"),
    ],
)
def test_a_correction_still_has_to_fit(number: int, on: int, code: str, site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a, cycles=2)
    discontinue(patient=patient, reason_code="patient-request", on=day(40), by=coordinator_a, at=moment(day(60)))
    with pytest.raises(Refused) as refused:
        corrected(Cycle.objects.get(number=number), day(on), coordinator_a)
    assert refused.value.code == code


# --- doses ---


def doses(
    patient: Patient, taken: int, by: User, on: dt.date, agent: str = "lenalidomide", reason: str = ""
) -> DosesTaken:
    return record_doses(cycle=patient.cycles.first(), agent=agent, taken=taken, reason=reason, by=by, at=moment(on))


def test_doses_are_counted_against_the_days_that_have_passed(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    with pytest.raises(Refused) as refused:
        doses(patient, 6, coordinator_a, day(5))
    assert refused.value.sentence == (
        "6 doses of Lenalidomide are not possible: 5 of the 21 dosing days of cycle 1 have passed. Give 0 to 5."
    )
    recorded = doses(patient, 5, coordinator_a, day(5))
    assert (recorded.planned, recorded.taken) == (21, 5)


def test_no_doses_after_treatment_ended(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    discontinue(patient=patient, reason_code="patient-request", on=day(9), by=coordinator_a, at=moment(day(9)))
    with pytest.raises(Refused, match="2 of the 4 dosing days"):
        doses(patient, 3, coordinator_a, day(28), agent="dexamethasone")


def test_a_change_of_the_doses_says_why(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    doses(patient, 20, coordinator_a, day(28))
    with pytest.raises(Refused) as refused:
        doses(patient, 19, coordinator_a, day(28))
    assert refused.value.code == "reason-needed"
    doses(patient, 19, coordinator_a, day(28), reason="recounted")
    assert Entry.objects.newest_first()[0].changed_fields["taken"] == (20, 19)
    before = Entry.objects.count()
    doses(patient, 19, coordinator_a, day(28))
    assert Entry.objects.count() == before


def test_several_agents_are_recorded_together_or_not_at_all(site_a: Site, coordinator_a: User) -> None:
    cycle = treated(site_a, coordinator_a).cycles.get()
    at = moment(day(28))
    with pytest.raises(Refused) as refused:
        record_cycle_doses(cycle=cycle, taken={"lenalidomide": 21, "dexamethasone": 5}, by=coordinator_a, at=at)
    assert (refused.value.field, DosesTaken.objects.count()) == ("dexamethasone", 0)
    with pytest.raises(Refused, match="aspirin is not given"):
        record_cycle_doses(cycle=cycle, taken={"aspirin": 1}, by=coordinator_a, at=at)
    record_cycle_doses(cycle=cycle, taken={"lenalidomide": 0, "dexamethasone": 4}, by=coordinator_a, at=at)
    assert DosesTaken.objects.get(agent="lenalidomide").taken == 0


# --- interruptions ---


def interrupted(patient: Patient, from_day: dt.date, to_day: dt.date | None, by: User, **other: str) -> Interruption:
    given = {"agent": "lenalidomide", "reason": "rash", **other}
    return interrupt_dosing(
        cycle=patient.cycles.first(), from_day=from_day, to_day=to_day, by=by, at=moment(day(40)), **given
    )


def test_an_interruption_and_its_end(site_a: Site, coordinator_a: User) -> None:
    opened = interrupted(treated(site_a, coordinator_a), day(5), None, coordinator_a)
    resume_dosing(interruption=opened, to_day=day(7), by=coordinator_a, at=moment(day(8)))
    assert Interruption.objects.get().to_day == day(7)
    with pytest.raises(Refused) as refused:
        resume_dosing(interruption=opened, to_day=day(9), by=coordinator_a, at=moment(day(9)))
    assert refused.value.code == "already-resumed"


@pytest.mark.parametrize(
    ("from_day", "to_day", "other", "code"),
    [
        (5, 4, {}, "ends-before-it-begins"),
        (0, 4, {}, "outside-the-cycle"),
        (29, 30, {}, "outside-the-cycle"),
        (27, 29, {}, "outside-the-cycle"),
        (41, None, {}, "in-the-future"),
        (12, None, {}, "interruptions-overlap"),
        (5, 6, {"reason": " "}, "reason-needed"),
        (5, 6, {"agent": "aspirin"}, "no-such-agent"),
    ],
)
def test_interruptions_that_cannot_be(
    from_day: int, to_day: int | None, other: dict[str, str], code: str, site_a: Site, coordinator_a: User
) -> None:
    patient = treated(site_a, coordinator_a, cycles=2)
    interrupted(patient, day(10), day(14), coordinator_a)
    with pytest.raises(Refused) as refused:
        interrupted(patient, day(from_day), day(to_day) if to_day else None, coordinator_a, **other)
    assert refused.value.code == code


# --- the database, whoever asks ---


INSERT_CYCLE = """
    INSERT INTO patients_cycle (patient_id, study_id, number, due_on, latest_on, started_on, rung, dose_label,
                                recorded_at, recorded_by_id)
    VALUES (%s, %s, 2, %s, %s, %s, 2, '10 mg', now(), %s)
"""


def cycle_by_hand(patient: Patient, due_on: dt.date, latest_on: dt.date, started_on: dt.date, by: User) -> None:
    with transaction.atomic():
        by_hand(INSERT_CYCLE, [patient.pk, patient.study_id, due_on, latest_on, started_on, by.pk], by)


def test_the_database_takes_a_right_cycle(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    cycle_by_hand(patient, day(29), day(57), day(57), coordinator_a)
    assert Cycle.objects.count() == 2


@pytest.mark.parametrize(
    ("due_on", "latest_on", "started_on", "message"),
    [
        (29, 57, 58, "cycle_within_delay_limit"),
        (29, 90, 58, "delayed by at most 28 days"),
        (40, 68, 58, "due by the start of the one before"),
    ],
)
def test_the_database_refuses_a_delay_beyond_the_limit(
    due_on: int, latest_on: int, started_on: int, message: str, site_a: Site, coordinator_a: User
) -> None:
    patient = treated(site_a, coordinator_a)
    with pytest.raises(IntegrityError, match=message):
        cycle_by_hand(patient, day(due_on), day(latest_on), day(started_on), coordinator_a)


def test_the_database_refuses_a_cycle_after_the_end(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    discontinue(patient=patient, reason_code="patient-request", on=day(20), by=coordinator_a, at=moment(day(20)))
    with pytest.raises(IntegrityError, match="no cycle starts after treatment has ended"):
        cycle_by_hand(patient, day(29), day(57), day(29), coordinator_a)


def test_the_database_refuses_a_silent_correction(site_a: Site, coordinator_a: User) -> None:
    """Without a reason, and by anybody: the old value cannot go unnoticed, nor the row away."""
    cycle = treated(site_a, coordinator_a).cycles.get()
    with pytest.raises(ProgrammingError, match="needs an actor"), transaction.atomic():
        Cycle.objects.filter(pk=cycle.pk).update(started_on=day(2))
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        by_hand("DELETE FROM patients_cycle WHERE id = %s", [cycle.pk], coordinator_a)
