"""Rule 8: slots, reservations, and who gets the last one."""

import datetime as dt
import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError

from accounts.models import User
from audit.models import Entry
from patients.models import Patient
from patients.operations import (
    check_eligibility,
    record_consent,
    record_screen_failure,
    register_patient,
    release_reservation,
    reserve_for_patient,
    screen_patient,
)
from patients.schedule import next_cycle
from tests.cast import DAY_ONE, moment
from tests.databases import Database
from tests.patients.by_hand import by_hand
from tests.patients.steps import MET, again, day, eligible, registered, screened
from trials.errors import Forbidden, Refused
from trials.models import Cohort, DoseLevel, Site, Slot, Study
from trials.operations import (
    close_cohort,
    close_levels_from,
    reserve_slot,
    resume_accrual,
    suspend_accrual,
)

pytestmark = pytest.mark.django_db


def register(patient: Patient, by: User, on: dt.date = DAY_ONE, start: dt.date | None = None) -> Patient:
    return register_patient(patient=patient, planned_start=start or on, by=by, at=moment(on))


def refusal(patient: Patient, by: User, on: dt.date = DAY_ONE) -> Refused:
    """Registration is refused and has written nothing."""
    entries = Entry.objects.count()
    with pytest.raises(Refused) as refused:
        register(patient, by, on)
    assert Entry.objects.count() == entries
    assert again(patient).registered_at is None
    return refused.value


# --- works ---


def test_registration_takes_the_slot_with_its_part_and_dose_level(site_a: Site, coordinator_a: User) -> None:
    patient = register(eligible(site_a, coordinator_a), coordinator_a, start=day(8))
    assert (patient.status, patient.code) == ("registered", "A-001")
    assert (patient.part.kind, patient.assigned_level.ordinal, patient.version.number) == ("escalation", 1, 1)
    assert (patient.registered_by, patient.planned_start) == (coordinator_a, day(8))
    assert Slot.objects.get(patient=patient).used_at == moment(DAY_ONE)


def test_registration_tells_the_regimen_with_its_dates(site_a: Site, coordinator_a: User) -> None:
    patient = again(register(eligible(site_a, coordinator_a), coordinator_a, start=dt.date(2026, 1, 12)))
    first = next_cycle(patient, [])
    assert [dose.sentence for dose in first.doses] == [
        "Lenalidomide 10 mg (oral) on days 1–21: 12 Jan – 1 Feb 2026",
        "Dexamethasone 20 mg (oral) on days 1, 8, 15, 22: 12 Jan, 19 Jan, 26 Jan, 2 Feb 2026",
    ]


def test_codes_count_on_at_each_site(site_a: Site, site_b: Site, coordinator_a: User, coordinator_b: User) -> None:
    codes = [screened(site_a, coordinator_a).code, screened(site_b, coordinator_b).code]
    codes.append(screened(site_a, coordinator_a).code)
    assert codes == ["A-001", "B-001", "A-002"]


def test_a_held_slot_goes_to_the_patient_it_is_held_for(
    site_a: Site, site_b: Site, coordinator_a: User, coordinator_b: User
) -> None:
    ours, theirs = eligible(site_a, coordinator_a), eligible(site_b, coordinator_b)
    slot = reserve_for_patient(patient=ours, by=coordinator_a, at=moment(DAY_ONE))
    assert refusal(theirs, coordinator_b).code == "slot-reserved"
    assert register(ours, coordinator_a).slot == slot
    slot.refresh_from_db()
    assert (slot.reserved_until, slot.reserved_for_site) == (None, None)
    assert again(ours).reserved_slot is None


def test_a_slot_held_for_the_site_is_for_any_of_its_patients(
    study: Study, site_a: Site, site_b: Site, coordinator_a: User, coordinator_b: User
) -> None:
    slot = reserve_slot(study=study, site=site_a, by=coordinator_a, at=moment(DAY_ONE))
    assert refusal(eligible(site_b, coordinator_b), coordinator_b).code == "slot-reserved"
    assert register(eligible(site_a, coordinator_a), coordinator_a).slot == slot


def test_a_slot_held_for_one_patient_is_not_for_another_of_the_same_site(site_a: Site, coordinator_a: User) -> None:
    held, other = eligible(site_a, coordinator_a), eligible(site_a, coordinator_a)
    reserve_for_patient(patient=held, by=coordinator_a, at=moment(DAY_ONE))
    assert refusal(other, coordinator_a).code == "slot-reserved"


def test_an_expired_reservation_is_free(site_a: Site, site_b: Site, coordinator_a: User, coordinator_b: User) -> None:
    held, other = eligible(site_a, coordinator_a), eligible(site_b, coordinator_b)
    slot = reserve_for_patient(patient=held, by=coordinator_a, at=moment(DAY_ONE))
    assert slot.reserved_until == moment(day(8))
    assert register(other, coordinator_b, on=day(8)).slot == slot
    assert refusal(held, coordinator_a, on=day(8)).code == "no-open-slot"


def test_an_expired_reservation_can_be_taken_by_another_patient_as_a_reservation(
    site_a: Site, site_b: Site, coordinator_a: User, coordinator_b: User
) -> None:
    held, other = eligible(site_a, coordinator_a), eligible(site_b, coordinator_b)
    reserve_for_patient(patient=held, by=coordinator_a, at=moment(DAY_ONE))
    slot = reserve_for_patient(patient=other, by=coordinator_b, at=moment(day(9)))
    assert (again(held).reserved_slot, again(other).reserved_slot) == (None, slot)
    assert refusal(held, coordinator_a, on=day(9)).code == "slot-reserved"


def test_a_screen_failure_gives_the_slot_back(
    site_a: Site, site_b: Site, coordinator_a: User, coordinator_b: User
) -> None:
    patient = eligible(site_a, coordinator_a)
    reserve_for_patient(patient=patient, by=coordinator_a, at=moment(DAY_ONE))
    record_screen_failure(patient=patient, reason="withdrew", by=coordinator_a, at=moment(DAY_ONE))
    assert refusal(patient, coordinator_a).code == "screen-failure"
    assert register(eligible(site_b, coordinator_b), coordinator_b).slot is not None


def test_a_reservation_can_be_given_back(site_a: Site, site_b: Site, coordinator_a: User, coordinator_b: User) -> None:
    patient = screened(site_a, coordinator_a)
    reserve_for_patient(patient=patient, by=coordinator_a, at=moment(DAY_ONE))
    release_reservation(patient=patient, by=coordinator_a, at=moment(DAY_ONE))
    assert register(eligible(site_b, coordinator_b), coordinator_b).slot is not None


# --- refused by state ---


def test_refused_without_consent(site_a: Site, coordinator_a: User) -> None:
    assert refusal(screened(site_a, coordinator_a), coordinator_a).code == "consent-missing"


def test_refused_without_eligibility(site_a: Site, coordinator_a: User) -> None:
    patient = screened(site_a, coordinator_a)
    record_consent(patient=patient, signed_on=DAY_ONE, form_version="1.0", by=coordinator_a, at=moment(DAY_ONE))
    assert refusal(patient, coordinator_a).code == "not-eligible"
    check_eligibility(
        patient=patient, answers={**MET, "adult": False}, checked_on=DAY_ONE, by=coordinator_a, at=moment(DAY_ONE)
    )
    assert refusal(again(patient), coordinator_a).code == "not-eligible"


def test_refused_when_every_slot_is_used(site_a: Site, coordinator_a: User) -> None:
    registered(site_a, coordinator_a)
    refused = refusal(eligible(site_a, coordinator_a), coordinator_a)
    assert refused.code == "no-open-slot"
    assert refused.sentence == (
        "The one slot is used in cohort 1 (10 mg). Wait for the next dose decision to be signed."
    )


def test_refused_while_accrual_is_suspended(study: Study, site_a: Site, coordinator_a: User, pi: User) -> None:
    patient = eligible(site_a, coordinator_a)
    suspend_accrual(study=study, reason="A safety question is open.", by=pi, at=moment(DAY_ONE))
    refused = refusal(patient, coordinator_a)
    assert refused.code == "accrual-suspended"
    assert "A safety question is open." in refused.sentence
    with pytest.raises(Refused, match="Accrual is suspended"):
        reserve_for_patient(patient=patient, by=coordinator_a, at=moment(DAY_ONE))
    resume_accrual(study=study, reason="answered", by=pi, at=moment(DAY_ONE))
    assert register(patient, coordinator_a).registered_at


def test_refused_while_a_decision_waits(site_a: Site, coordinator_a: User, first_cohort: Cohort, rung: User) -> None:
    patient = eligible(site_a, coordinator_a)
    close_cohort(cohort=first_cohort, because="the decision was to hold", by=rung, at=moment(DAY_ONE))
    assert refusal(patient, coordinator_a).code == "decision-waits"


def test_refused_when_the_level_is_closed(study: Study, site_a: Site, coordinator_a: User, rung: User) -> None:
    patient = eligible(site_a, coordinator_a)
    close_levels_from(study=study, ordinal=1, because="3 of 3 had a DLT.", by=rung, at=moment(DAY_ONE))
    refused = refusal(patient, coordinator_a)
    assert refused.code == "level-closed"
    assert "3 of 3 had a DLT." in refused.sentence


def test_refused_twice_over(site_a: Site, coordinator_a: User) -> None:
    patient = registered(site_a, coordinator_a)
    with pytest.raises(Refused) as refused:
        register(patient, coordinator_a)
    assert refused.value.code == "already-registered"


def test_refused_with_a_start_that_has_passed(site_a: Site, coordinator_a: User) -> None:
    patient = eligible(site_a, coordinator_a)
    with pytest.raises(Refused) as refused:
        register(patient, coordinator_a, on=day(3), start=day(2))
    assert (refused.value.code, refused.value.field) == ("start-before-registration", "planned_start")


def test_the_day_of_registration_is_the_sites(study: Study, site_b: Site, coordinator_b: User) -> None:
    """23:30 UTC on day 1 is day 2 in Sweden: a start on day 1 has passed there."""
    patient = eligible(site_b, coordinator_b)
    late = dt.datetime.combine(day(1), dt.time(23, 30), tzinfo=dt.UTC)
    with pytest.raises(Refused, match="has passed"):
        register_patient(patient=patient, planned_start=day(1), by=coordinator_b, at=late)


def test_every_criterion_has_to_be_answered(site_a: Site, coordinator_a: User) -> None:
    patient = screened(site_a, coordinator_a)
    for answers, code in (({"adult": True}, "criterion-unanswered"), ({**MET, "tall": True}, "no-such-criterion")):
        with pytest.raises(Refused) as refused:
            check_eligibility(
                patient=patient, answers=answers, checked_on=DAY_ONE, by=coordinator_a, at=moment(DAY_ONE)
            )
        assert refused.value.code == code


def test_a_changed_consent_asks_why_and_keeps_the_old_value(site_a: Site, coordinator_a: User) -> None:
    patient = eligible(site_a, coordinator_a)
    with pytest.raises(Refused) as refused:
        record_consent(patient=patient, signed_on=DAY_ONE, form_version="1.1", by=coordinator_a, at=moment(DAY_ONE))
    assert refused.value.code == "reason-needed"
    record_consent(
        patient=patient, signed_on=DAY_ONE, form_version="1.1", reason="misread", by=coordinator_a, at=moment(DAY_ONE)
    )
    entry = Entry.objects.newest_first()[0]
    assert entry.changed_fields["form_version"] == ("1.0", "1.1")
    assert (entry.reason, entry.actor_name) == ("misread", "coordinator-a")


# --- refused by role ---


def test_refused_at_another_site(site_a: Site, coordinator_a: User, coordinator_b: User) -> None:
    patient = eligible(site_a, coordinator_a)
    with pytest.raises(Forbidden):
        register(patient, coordinator_b)
    with pytest.raises(Forbidden):
        screen_patient(study=site_a.study, site=site_a, screened_on=DAY_ONE, by=coordinator_b, at=moment(DAY_ONE))


@pytest.mark.parametrize("who", ["medical_monitor", "statistician", "data_manager", "monitor", "outsider"])
def test_refused_to_who_does_not_treat(
    who: str, site_a: Site, coordinator_a: User, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(Forbidden):
        register(eligible(site_a, coordinator_a), request.getfixturevalue(who))


# --- refused by the database, whoever asks ---


REGISTER_BY_HAND = """
    UPDATE patients_patient SET status = 'registered', slot_id = %s, part_id = %s, assigned_level_id = %s,
    version_id = (SELECT id FROM trials_protocolversion LIMIT 1), registered_at = now(), registered_by_id = %s,
    planned_start = current_date WHERE id = %s
"""


def registration_by_hand(patient: Patient, slot: Slot, level: DoseLevel, by: User) -> None:
    with transaction.atomic():
        by_hand(REGISTER_BY_HAND, [slot.pk, slot.cohort.part_id, level.pk, by.pk, patient.pk], by)


def test_the_database_takes_a_right_registration(site_a: Site, coordinator_a: User, first_cohort: Cohort) -> None:
    patient = eligible(site_a, coordinator_a)
    registration_by_hand(patient, first_cohort.slots.get(), first_cohort.level, coordinator_a)
    assert again(patient).status == "registered"


def test_the_database_refuses_a_dose_level_that_is_not_the_slots(
    study: Study, site_a: Site, coordinator_a: User, first_cohort: Cohort
) -> None:
    patient = eligible(site_a, coordinator_a)
    with pytest.raises(IntegrityError, match="part and dose level of the slot"):
        registration_by_hand(patient, first_cohort.slots.get(), study.levels.get(ordinal=3), coordinator_a)


def test_the_database_refuses_two_patients_in_one_slot(site_a: Site, coordinator_a: User, first_cohort: Cohort) -> None:
    registered(site_a, coordinator_a)
    with pytest.raises(IntegrityError, match="slot_id"):
        registration_by_hand(
            eligible(site_a, coordinator_a), first_cohort.slots.get(), first_cohort.level, coordinator_a
        )


def test_the_database_refuses_without_consent_and_eligibility(
    site_a: Site, coordinator_a: User, first_cohort: Cohort
) -> None:
    with pytest.raises(IntegrityError, match="needs consent and eligibility"):
        registration_by_hand(
            screened(site_a, coordinator_a), first_cohort.slots.get(), first_cohort.level, coordinator_a
        )


def test_the_database_refuses_a_closed_cohort_and_suspended_accrual(
    study: Study, site_a: Site, coordinator_a: User, first_cohort: Cohort, pi: User, rung: User
) -> None:
    patient = eligible(site_a, coordinator_a)
    suspend_accrual(study=study, reason="a question", by=pi, at=moment(DAY_ONE))
    with pytest.raises(IntegrityError, match="accrual is suspended"):
        registration_by_hand(patient, first_cohort.slots.get(), first_cohort.level, coordinator_a)
    close_cohort(cohort=first_cohort, because="held", by=rung, at=moment(DAY_ONE))
    with pytest.raises(IntegrityError, match="closed cohort or dose level"):
        registration_by_hand(patient, first_cohort.slots.get(), first_cohort.level, coordinator_a)


def test_the_database_never_changes_an_assigned_level(study: Study, site_a: Site, coordinator_a: User) -> None:
    patient = registered(site_a, coordinator_a)
    higher = study.levels.get(ordinal=2)
    with pytest.raises(IntegrityError, match="cannot be changed"), transaction.atomic():
        by_hand(
            "UPDATE patients_patient SET assigned_level_id = %s WHERE id = %s", [higher.pk, patient.pk], coordinator_a
        )


# --- the last slot ---


def all_at_once(patients: list[Patient], ask: Callable[[Patient], object]) -> list[str]:
    """Ask for every patient at the same moment, each over a connection of its own; the sorted answers."""
    together, answers = threading.Barrier(len(patients)), []

    def one(patient: Patient) -> None:
        try:
            together.wait()
            ask(patient)
            answers.append("taken")
        except Refused as refused:
            answers.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[patient]) for patient in patients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers)


def written_since(entries: int) -> list[tuple[str, str]]:
    return sorted((e.table_name, e.operation) for e in Entry.objects.order_by("id")[entries:])


def test_the_last_slot_goes_to_exactly_one_of_twenty(own_database: Database, request: pytest.FixtureRequest) -> None:
    """Over real connections: one succeeds, nineteen are refused with the reason, and nothing else is written."""
    site_a: Site = request.getfixturevalue("site_a")
    coordinator_a: User = request.getfixturevalue("coordinator_a")
    waiting = [eligible(site_a, coordinator_a) for _ in range(20)]
    before = Entry.objects.count()
    answers = all_at_once(waiting, lambda patient: register(patient, coordinator_a))
    assert answers == ["no-open-slot"] * 19 + ["taken"]
    assert Patient.objects.registered().count() == 1
    assert Slot.objects.filter(used_at__isnull=False).count() == 1
    assert written_since(before) == [("patients_patient", "UPDATE"), ("trials_slot", "UPDATE")]


def test_the_last_slot_is_held_for_one_of_twenty(own_database: Database, request: pytest.FixtureRequest) -> None:
    site_a: Site = request.getfixturevalue("site_a")
    coordinator_a: User = request.getfixturevalue("coordinator_a")
    waiting = [screened(site_a, coordinator_a) for _ in range(20)]
    before = Entry.objects.count()
    answers = all_at_once(
        waiting, lambda patient: reserve_for_patient(patient=patient, by=coordinator_a, at=moment(DAY_ONE))
    )
    assert answers == ["slot-reserved"] * 19 + ["taken"]
    assert Patient.objects.filter(reserved_slot__isnull=False).count() == 1
    assert written_since(before) == [("patients_patient", "UPDATE"), ("trials_slot", "UPDATE")]
