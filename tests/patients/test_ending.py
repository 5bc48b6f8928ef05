"""Rule 12 and what comes after: discontinuation, the continuation review, event monitoring to its last visit."""

import datetime as dt

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from accounts.models import User
from audit.models import Entry
from patients import schedule
from patients.models import ContinuationReview, Discontinuation, FollowUpVisit, Interruption, Patient
from patients.operations import (
    correct_discontinuation,
    correct_follow_up,
    discontinue,
    interrupt_dosing,
    record_follow_up,
    retreat,
    review_continuation,
)
from tests.cast import moment
from tests.patients.by_hand import by_hand
from tests.patients.steps import again, day, registered, screened, start, treated
from trials.errors import Forbidden, Refused
from trials.models import Site

pytestmark = pytest.mark.django_db

REASONS = [
    "patient-request",
    "unacceptable-adverse-events",
    "treatment-delay",
    "intercurrent-illness",
    "other-therapy",
]


@pytest.fixture
def patient(site_a: Site, coordinator_a: User) -> Patient:
    return treated(site_a, coordinator_a)


def ended(patient: Patient, by: User, on: int = 20, reason: str = "patient-request", at: int = 0) -> Discontinuation:
    return discontinue(patient=patient, reason_code=reason, on=day(on), by=by, at=moment(day(at or on)))


def code_of(patient: Patient, by: User, **given: object) -> str:
    with pytest.raises(Refused) as refused:
        ended(patient, by, **given)  # type: ignore[arg-type]
    return refused.value.code


# --- discontinuation ---


@pytest.mark.parametrize("reason", REASONS)
def test_each_of_the_protocols_reasons_starts_event_monitoring(
    reason: str, patient: Patient, coordinator_a: User
) -> None:
    before = Entry.objects.count()
    assert ended(patient, coordinator_a, reason=reason).number == 1
    patient = again(patient)
    assert (patient.status, schedule.next_cycle(patient, list(patient.cycles.all()))) == ("event_monitoring", None)
    assert schedule.next_follow_up(patient).on == day(111)
    assert Entry.objects.count() == before + 2


def test_an_open_interruption_ends_with_the_treatment(patient: Patient, coordinator_a: User) -> None:
    interrupt_dosing(
        cycle=patient.cycles.get(),
        agent="lenalidomide",
        from_day=day(9),
        to_day=None,
        reason="rash",
        by=coordinator_a,
        at=moment(day(9)),
    )
    ended(patient, coordinator_a)
    assert Interruption.objects.get().to_day == day(20)


def test_a_patient_who_was_never_treated_can_leave(site_a: Site, coordinator_a: User) -> None:
    patient = registered(site_a, coordinator_a, start=day(9))
    ended(patient, coordinator_a, on=3)
    assert again(patient).status == "event_monitoring"


def test_refused_by_state(patient: Patient, site_a: Site, coordinator_a: User) -> None:
    assert code_of(screened(site_a, coordinator_a), coordinator_a) == "not-registered"
    assert code_of(patient, coordinator_a, reason="bored") == "no-such-reason"
    assert code_of(patient, coordinator_a, on=21, at=20) == "in-the-future"
    start(patient, day(29), coordinator_a)
    assert code_of(patient, coordinator_a, on=28, at=30) == "ends-before-it-began"
    ended(patient, coordinator_a, on=30)
    assert code_of(patient, coordinator_a, on=31) == "already-discontinued"
    assert Discontinuation.objects.count() == 1


def test_refused_by_role(patient: Patient, coordinator_b: User, monitor: User) -> None:
    for person in (coordinator_b, monitor):
        with pytest.raises(Forbidden):
            ended(patient, person)


def corrected(patient: Patient, by: User, on: int, reason: str = "misread", code: str = "patient-request") -> None:
    correct_discontinuation(
        discontinuation=Discontinuation.objects.get(number=1),
        reason_code=code,
        on=day(on),
        detail="",
        reason=reason,
        by=by,
        at=moment(day(120)),
    )


def test_a_corrected_end_says_why_and_keeps_the_old_day(patient: Patient, coordinator_a: User) -> None:
    ended(patient, coordinator_a)
    with pytest.raises(Refused, match="Say why"):
        corrected(patient, coordinator_a, 19, reason="")
    corrected(patient, coordinator_a, 19)
    entry = Entry.objects.newest_first()[0]
    assert (entry.changed_fields["on"], entry.reason) == (("2026-01-24", "2026-01-23"), "misread")
    assert schedule.next_follow_up(again(patient)).on == day(19 + 91)


@pytest.mark.parametrize(
    ("on", "code", "refused_as"),
    [
        (0, "patient-request", "ends-before-it-began"),
        (121, "patient-request", "in-the-future"),
        (115, "patient-request", "after-event-monitoring"),
        (19, "bored", "no-such-reason"),
    ],
)
def test_a_corrected_end_has_to_fit(on: int, code: str, refused_as: str, patient: Patient, coordinator_a: User) -> None:
    ended(patient, coordinator_a)
    visited(patient, coordinator_a, day(111))
    with pytest.raises(Refused) as refused:
        corrected(patient, coordinator_a, on, code=code)
    assert refused.value.code == refused_as


def test_an_end_before_a_re_treatment_stays(patient: Patient, coordinator_a: User) -> None:
    ended(patient, coordinator_a, reason="unacceptable-adverse-events")
    retreat(patient=patient, starts_on=day(40), explanation="recovered", by=coordinator_a, at=moment(day(40)))
    with pytest.raises(Refused, match="Treatment has been resumed"):
        corrected(patient, coordinator_a, 19)


INSERT_END = """
    INSERT INTO patients_discontinuation (patient_id, study_id, number, reason_code, "on", detail, recorded_at,
                                          recorded_by_id)
    VALUES (%s, %s, %s, %s, %s, '', now(), %s)
"""


@pytest.mark.parametrize(
    ("number", "reason", "on", "message"),
    [
        (1, "bored", 20, "not one of the protocol's"),
        (1, "patient-request", 0, "does not end before a cycle that has started"),
    ],
)
def test_the_database_refuses_an_end(
    number: int, reason: str, on: int, message: str, patient: Patient, coordinator_a: User
) -> None:
    values: list[object] = [patient.pk, patient.study_id, number, reason, day(on), coordinator_a.pk]
    with pytest.raises(IntegrityError, match=message), transaction.atomic():
        by_hand(INSERT_END, values, coordinator_a)


def test_the_database_refuses_two_ends_at_a_time(patient: Patient, coordinator_a: User) -> None:
    ended(patient, coordinator_a)
    values: list[object] = [patient.pk, patient.study_id, 2, "patient-request", day(21), coordinator_a.pk]
    with pytest.raises(IntegrityError, match="one_discontinuation_in_force"), transaction.atomic():
        by_hand(INSERT_END, values, coordinator_a)


# --- the continuation review ---


def two_years(site: Site, by: User) -> Patient:
    """Treated for 27 cycles: the review is due on 5 January 2028, day 731."""
    return treated(site, by, cycles=27)


def reviewed(
    patient: Patient, by: User, on: dt.date, continues: bool = True, why: str = "stable"
) -> ContinuationReview:
    return review_continuation(
        patient=patient, reviewed_on=on, continues=continues, explanation=why, by=by, at=moment(on)
    )


def code_of_review(patient: Patient, by: User, on: dt.date, **given: object) -> str:
    with pytest.raises(Refused) as refused:
        reviewed(patient, by, on, **given)  # type: ignore[arg-type]
    return refused.value.code


def test_treatment_goes_on_after_24_months_with_a_positive_review(site_a: Site, coordinator_a: User) -> None:
    patient = two_years(site_a, coordinator_a)
    with pytest.raises(Refused) as refused:
        start(patient, day(757), coordinator_a)
    assert refused.value.code == "continuation-review-due"
    assert code_of_review(patient, coordinator_a, day(702)) == "review-not-due"
    assert code_of_review(patient, coordinator_a, day(740), why=" ") == "reason-needed"
    reviewed(patient, coordinator_a, day(740))
    assert start(patient, day(757), coordinator_a).number == 28
    assert code_of_review(patient, coordinator_a, day(760)) == "already-reviewed"


def test_treatment_does_not_go_on_after_a_negative_review(site_a: Site, coordinator_a: User) -> None:
    patient = two_years(site_a, coordinator_a)
    reviewed(patient, coordinator_a, day(740), continues=False, why="progressing")
    with pytest.raises(Refused) as refused:
        start(patient, day(757), coordinator_a)
    assert refused.value.code == "continuation-declined"
    ended(patient, coordinator_a, on=757, reason="disease-progression")
    assert again(patient).status == "event_monitoring"


def test_no_review_of_who_is_not_on_treatment(patient: Patient, coordinator_a: User) -> None:
    ended(patient, coordinator_a)
    assert code_of_review(patient, coordinator_a, day(740)) == "review-not-due"


# --- event monitoring ---


def visited(patient: Patient, by: User, on: dt.date, alive: bool = True, **given: object) -> FollowUpVisit:
    return record_follow_up(patient=patient, done_on=on, alive=alive, by=by, at=moment(on), **given)  # type: ignore[arg-type]


def code_of_visit(patient: Patient, by: User, on: dt.date, **given: object) -> str:
    with pytest.raises(Refused) as refused:
        visited(patient, by, on, **given)
    return refused.value.code


def test_event_monitoring_runs_to_its_last_visit(patient: Patient, coordinator_a: User) -> None:
    ended(patient, coordinator_a)
    for number in range(1, 9):
        assert again(patient).status == "event_monitoring"
        visit = visited(patient, coordinator_a, day(20 + 91 * number))
        assert (visit.number, visit.planned_on) == (number, visit.done_on)
    assert again(patient).status == "off_study"
    assert code_of_visit(patient, coordinator_a, day(900)) == "follow-up-complete"


def test_death_ends_event_monitoring(patient: Patient, coordinator_a: User) -> None:
    ended(patient, coordinator_a)
    visited(patient, coordinator_a, day(111), alive=False, died_on=day(100), progressed_on=day(90))
    patient = again(patient)
    assert (patient.status, schedule.next_follow_up(patient)) == ("off_study", None)
    assert code_of_visit(patient, coordinator_a, day(202)) == "follow-up-complete"


def test_a_visit_outside_its_days_says_why(patient: Patient, coordinator_a: User) -> None:
    ended(patient, coordinator_a)
    assert code_of_visit(patient, coordinator_a, day(140)) == "out-of-window"
    assert visited(patient, coordinator_a, day(140), out_of_window_reason="snowed in").number == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"alive": False}, "date-of-death-needed"),
        ({"died_on": dt.date(2026, 3, 1)}, "alive-with-date-of-death"),
        ({"alive": False, "died_on": dt.date(2026, 12, 1)}, "day-out-of-range"),
        ({"progressed_on": dt.date(2025, 12, 1)}, "day-out-of-range"),
    ],
)
def test_survival_and_progression_have_to_fit(
    given: dict[str, object], code: str, patient: Patient, coordinator_a: User
) -> None:
    ended(patient, coordinator_a)
    assert code_of_visit(patient, coordinator_a, day(111), **given) == code


def test_visits_come_after_treatment_and_one_after_another(patient: Patient, coordinator_a: User) -> None:
    assert code_of_visit(patient, coordinator_a, day(111)) == "not-in-event-monitoring"
    ended(patient, coordinator_a)
    assert code_of_visit(patient, coordinator_a, day(20)) == "before-event-monitoring"
    visited(patient, coordinator_a, day(111))
    assert code_of_visit(patient, coordinator_a, day(111)) == "before-the-last-visit"


def test_a_corrected_visit_keeps_its_old_value(patient: Patient, coordinator_a: User) -> None:
    ended(patient, coordinator_a)
    visit = visited(patient, coordinator_a, day(111), alive=False, died_on=day(100))
    with pytest.raises(Refused, match="Say why"):
        correct_follow_up(
            visit=visit, alive=True, died_on=None, progressed_on=None, reason="", by=coordinator_a, at=moment(day(112))
        )
    correct_follow_up(
        visit=visit,
        alive=True,
        died_on=None,
        progressed_on=None,
        reason="another patient",
        by=coordinator_a,
        at=moment(day(112)),
    )
    assert again(patient).status == "event_monitoring"
    entries = Entry.objects.of_record("patients_followupvisit", visit.pk).newest_first()
    assert entries[0].changed_fields["alive"] == (False, True)
    assert entries[0].reason == "another patient"


def test_the_database_refuses_death_without_its_date(patient: Patient, coordinator_a: User) -> None:
    ended(patient, coordinator_a)
    visit = visited(patient, coordinator_a, day(111))
    with pytest.raises(IntegrityError, match="death_has_its_date"), transaction.atomic():
        by_hand("UPDATE patients_followupvisit SET alive = false WHERE id = %s", [visit.pk], coordinator_a)
