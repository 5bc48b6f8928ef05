import datetime as dt

import pytest
from django.db import IntegrityError, connection

from accounts.models import User
from audit.context import acting
from tests.cast import moment
from trials.errors import Forbidden, Refused
from trials.models import Cohort, DoseLevel, Part, Role, Site, Slot, Study
from trials.operations import (
    add_replacement_slot,
    add_site,
    close_levels_from,
    expire_reservations,
    go_live,
    grant_role,
    move_rehearsal_day,
    open_cohort,
    release_slot,
    reserve_slot,
    resume_accrual,
    suspend_accrual,
)

pytestmark = pytest.mark.django_db


def check_deferred_rules() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_study_that_goes_live_opens_its_first_cohort_at_the_start_level(study: Study) -> None:
    cohort = study.cohorts.get()
    assert (cohort.number, cohort.level.label, cohort.size, cohort.slots.count()) == (1, "10 mg", 1, 1)
    assert study.parts.get(kind=Part.Kind.ESCALATION).opened_at is not None
    check_deferred_rules()


def test_a_study_goes_live_once(study: Study, rung: User, at: dt.datetime) -> None:
    with pytest.raises(Refused, match="is live already"):
        go_live(study=study, boundaries=[], by=rung, at=at)


def test_no_second_cohort_opens_without_a_signed_decision(study: Study, rung: User, at: dt.datetime) -> None:
    part, level = study.parts.get(kind="escalation"), study.levels.get(ordinal=2)
    open_cohort(study=study, part=part, level=level, size=1, by=rung, at=at)
    with pytest.raises(IntegrityError, match="a cohort opens with a signed decision only"):
        check_deferred_rules()


def test_no_first_cohort_opens_in_the_expansion(draft_study: Study, rung: User, at: dt.datetime) -> None:
    with acting(rung, "by hand"):
        part = Part.objects.create(study=draft_study, kind="expansion", planned_patients=8)
        level = DoseLevel.objects.create(study=draft_study, ordinal=3, label="25 mg")
    open_cohort(study=draft_study, part=part, level=level, size=8, by=rung, at=at)
    with pytest.raises(IntegrityError, match="a cohort opens with a signed decision only"):
        check_deferred_rules()


def test_the_safety_stop_closes_the_level_all_above_and_their_open_cohort(
    study: Study, first_cohort: Cohort, rung: User, at: dt.datetime
) -> None:
    closed = close_levels_from(study=study, ordinal=1, because="3 of 3 had a DLT", by=rung, at=at)
    assert [level.ordinal for level in closed] == [1, 2, 3]
    first_cohort.refresh_from_db()
    assert first_cohort.closed_reason == "safety stop: 3 of 3 had a DLT"
    assert close_levels_from(study=study, ordinal=1, because="again", by=rung, at=at) == []


def test_the_safety_stop_leaves_lower_levels_and_their_cohort_open(
    study: Study, first_cohort: Cohort, rung: User, at: dt.datetime
) -> None:
    close_levels_from(study=study, ordinal=2, because="3 of 3 had a DLT", by=rung, at=at)
    first_cohort.refresh_from_db()
    assert first_cohort.closed_at is None
    assert not DoseLevel.objects.get(study=study, ordinal=1).closed_at


def test_a_closed_cohort_is_never_opened_again(study: Study, first_cohort: Cohort, rung: User, at: dt.datetime) -> None:
    close_levels_from(study=study, ordinal=1, because="3 of 3 had a DLT", by=rung, at=at)
    first_cohort.refresh_from_db()
    first_cohort.closed_at, first_cohort.closed_reason = None, ""
    with pytest.raises(IntegrityError, match="is set and cannot be changed"):
        first_cohort.save()


def test_a_site_reserves_the_slot_and_no_other_can(
    study: Study, site_a: Site, site_b: Site, coordinator_a: User, coordinator_b: User, at: dt.datetime
) -> None:
    slot = reserve_slot(study=study, site=site_a, by=coordinator_a, at=at)
    assert slot.reserved_until == at + dt.timedelta(days=7)
    with pytest.raises(Refused, match="No slot is open now"):
        reserve_slot(study=study, site=site_b, by=coordinator_b, at=at)
    after = at + dt.timedelta(days=7)
    assert reserve_slot(study=study, site=site_b, by=coordinator_b, at=after) == slot


def test_a_site_cannot_release_anothers_reservation(
    study: Study, site_a: Site, coordinator_a: User, coordinator_b: User, at: dt.datetime
) -> None:
    slot = reserve_slot(study=study, site=site_a, by=coordinator_a, at=at)
    with pytest.raises(Forbidden):
        release_slot(slot=slot, by=coordinator_b, at=at)
    release_slot(slot=slot, by=coordinator_a, at=at)
    assert Slot.objects.free_at(at).get() == slot


def test_reservations_run_out(study: Study, site_a: Site, coordinator_a: User, rung: User, at: dt.datetime) -> None:
    reserve_slot(study=study, site=site_a, by=coordinator_a, at=at)
    assert expire_reservations(study=study, by=rung, at=at + dt.timedelta(days=6)) == 0
    assert expire_reservations(study=study, by=rung, at=at + dt.timedelta(days=7)) == 1
    assert expire_reservations(study=study, by=rung, at=at + dt.timedelta(days=7)) == 0


def test_a_patient_is_replaced_once(first_cohort: Cohort, rung: User, at: dt.datetime) -> None:
    slot = first_cohort.slots.get()
    with acting(rung, "a patient has it"):
        Slot.objects.filter(pk=slot.pk).update(used_at=at)
    assert add_replacement_slot(slot=slot, by=rung, at=at).number == 2
    with pytest.raises(Refused, match="has been added already"):
        add_replacement_slot(slot=slot, by=rung, at=at)


def test_accrual_is_suspended_and_resumed_with_reasons(study: Study, pi: User, at: dt.datetime) -> None:
    with pytest.raises(Refused, match="Say why"):
        suspend_accrual(study=study, reason=" ", by=pi, at=at)
    suspend_accrual(study=study, reason="drug supply", by=pi, at=at)
    with pytest.raises(Refused, match="suspended already"):
        suspend_accrual(study=study, reason="drug supply", by=pi, at=at)
    resume_accrual(study=study, reason="supply is back", by=pi, at=at)
    with pytest.raises(Refused, match="not suspended"):
        resume_accrual(study=study, reason="supply is back", by=pi, at=at)


def test_a_coordinator_cannot_suspend_accrual(study: Study, coordinator_a: User, at: dt.datetime) -> None:
    with pytest.raises(Forbidden, match="suspend and resume accrual"):
        suspend_accrual(study=study, reason="drug supply", by=coordinator_a, at=at)


def test_a_rehearsals_day_moves_on(study: Study, coordinator_a: User, at: dt.datetime) -> None:
    assert move_rehearsal_day(study=study, days=7, by=coordinator_a, at=at) == dt.date(2026, 1, 12)


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_rehearsals_day_never_moves_back(study: Study, pi: User, at: dt.datetime, days: int) -> None:
    with pytest.raises(Refused, match="1 to 366 days"):
        move_rehearsal_day(study=study, days=days, by=pi, at=at)


def test_a_live_study_has_no_day_of_its_own(study: Study) -> None:
    with pytest.raises(IntegrityError, match=r"is_rehearsal is set and cannot be changed|only_a_rehearsal_has_a_day"):
        Study.objects.filter(pk=study.pk).update(is_rehearsal=False)


def test_only_a_data_manager_sets_the_study_up(study: Study, coordinator_a: User, at: dt.datetime) -> None:
    with pytest.raises(Forbidden):
        add_site(study=study, code="C", name="Third", time_zone="UTC", by=coordinator_a, at=at)


def test_granting_a_role_twice_changes_nothing(study: Study, pi: User, rung: User) -> None:
    before = study.memberships.count()
    role = Role.PRINCIPAL_INVESTIGATOR
    grant_role(study=study, person=pi, role=role, by=rung, at=moment(dt.date(2026, 2, 1)))
    assert study.memberships.count() == before


# --- what the database itself refuses, whatever script asks ---


@pytest.mark.parametrize("number", [0, 2, 7])
def test_a_cohort_gets_no_slot_beyond_its_signed_size(
    study: Study, first_cohort: Cohort, rung: User, number: int
) -> None:
    with pytest.raises(IntegrityError, match="no more slots than its signed size"), acting(rung, "by hand"):
        Slot.objects.create(study=study, cohort=first_cohort, number=number)


def test_a_slot_replaces_a_used_one_once_and_stays_what_it_is(
    study: Study, first_cohort: Cohort, rung: User, at: dt.datetime
) -> None:
    slot = first_cohort.slots.get()
    with pytest.raises(IntegrityError, match="replaces a used one of the same cohort"):
        add_replacement_slot(slot=slot, by=rung, at=at)
    with acting(rung, "by hand"):
        Slot.objects.filter(pk=slot.pk).update(used_at=at)
    extra = add_replacement_slot(slot=slot, by=rung, at=at)
    assert (extra.number, extra.replaces) == (2, slot)
    with pytest.raises(IntegrityError, match="what a slot replaces cannot be changed"), acting(rung, "by hand"):
        Slot.objects.filter(pk=slot.pk).update(replaces=extra)


@pytest.mark.parametrize("change", [{"closed_at": None, "closed_reason": ""}, {"closed_reason": "another"}])
def test_a_closed_dose_level_stays_closed(
    study: Study, first_cohort: Cohort, rung: User, at: dt.datetime, change: dict[str, str | None]
) -> None:
    close_levels_from(study=study, ordinal=3, because="3 of 3 had a DLT", by=rung, at=at)
    with pytest.raises(IntegrityError, match="cannot be changed"), acting(rung, "by hand"):
        study.levels.filter(ordinal=3).update(**change)
