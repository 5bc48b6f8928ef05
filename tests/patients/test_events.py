"""Recording, correcting and resolving adverse events."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from audit.context import acting
from audit.models import Entry
from patients.models import AdverseEvent, DltAssessment, Patient
from patients.operations import (
    correct_adverse_event,
    record_adverse_event,
    resolve_adverse_event,
)
from tests.cast import moment
from tests.patients.events import RELATED, recorded
from tests.patients.steps import day, registered, screened, treated
from trials.errors import Forbidden, Refused
from trials.models import Site


@pytest.fixture
def patient(site_a: Site, coordinator_a: User) -> Patient:
    """Treated from day 1."""
    return treated(site_a, coordinator_a)


def refusal(code: str) -> Any:
    return pytest.raises(Refused, check=lambda refused: refused.code == code)


def test_an_event_is_recorded_with_the_relation_to_each_agent(patient: Patient, coordinator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(5), term="neutrophil count decreased", grade=4, serious=True)
    event.refresh_from_db()
    assert (event.term, event.grade, event.onset_on, event.serious) == ("Neutrophil count decreased", 4, day(5), True)
    assert {a.agent: a.relation for a in event.attributions.all()} == RELATED
    assert (event.recorded_by, event.recorded_at) == (coordinator_a, moment(day(5)))


@pytest.mark.req("P11-10e", "EMA-4.5", "EMA-6.1.3")
def test_recording_leaves_its_trace_with_actor_and_reason(patient: Patient, coordinator_a: User) -> None:
    recorded(patient, coordinator_a, day(5))
    entry = Entry.objects.filter(table_name="patients_adverseevent").latest("pk")
    assert (entry.actor_name, entry.reason) == ("coordinator-a", "record adverse event")


def test_it_can_be_judged_in_the_same_transaction(patient: Patient, coordinator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(5), is_dlt=True)
    judged = event.dlt_assessments.get()
    assert (judged.is_dlt, judged.rule, judged.confirmed) == (True, "c", False)


@pytest.mark.req("EMA-6.1.3")
def test_when_the_judgement_is_refused_nothing_is_recorded(patient: Patient, coordinator_a: User) -> None:
    with refusal("rationale-needed"):
        recorded(patient, coordinator_a, day(5), is_dlt=False)
    assert not AdverseEvent.objects.exists()
    assert not DltAssessment.objects.exists()


@pytest.mark.parametrize("who", ["monitor", "data_manager", "statistician", "coordinator_b", "outsider"])
def test_others_may_not_record(patient: Patient, who: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(Forbidden):
        recorded(patient, request.getfixturevalue(who), day(5))
    assert not AdverseEvent.objects.exists()


@pytest.mark.parametrize("who", ["coordinator_a", "investigator_a", "pi"])
def test_who_enters_data_at_the_site_may_record(patient: Patient, who: str, request: pytest.FixtureRequest) -> None:
    assert recorded(patient, request.getfixturevalue(who), day(5)).pk


@pytest.mark.req("R3-4.2.1", "EMA-6.1.4")
@pytest.mark.parametrize(
    ("what", "code", "field"),
    [
        ({"term": "Runny tummy"}, "term-unknown", "term"),
        ({"term": "Cardiac disorders - Other, specify"}, "detail-needed", "detail"),
        ({"term": "Fatigue", "grade": 4}, "grade-not-in-ctcae", "grade"),
        ({"grade": 5}, "serious-needed", "serious"),
        ({"relations": {"lenalidomide": "possible"}}, "relation-needed", "relation_dexamethasone"),
        ({"relations": {**RELATED, "lenalidomide": "perhaps"}}, "relation-needed", "relation_lenalidomide"),
        ({"relations": {**RELATED, "aspirin": "possible"}}, "agent-unknown", None),
        ({"resolved_on": dt.date(2026, 1, 6)}, "resolved-before-onset", "resolved_on"),
        ({"resolved_on": dt.date(2026, 1, 20)}, "date-in-future", "resolved_on"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    patient: Patient, coordinator_a: User, what: dict[str, Any], code: str, field: str | None
) -> None:
    with pytest.raises(Refused) as refused:
        recorded(patient, coordinator_a, day(5), **what)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert not AdverseEvent.objects.exists()


def test_an_event_cannot_begin_tomorrow_nor_before_screening(patient: Patient, coordinator_a: User) -> None:
    with refusal("date-in-future"):
        recorded(patient, coordinator_a, day(6), at_day=day(5))
    with refusal("onset-before-screening"):
        recorded(patient, coordinator_a, day(0), at_day=day(5))


def test_today_is_the_day_at_the_patients_site(patient: Patient, coordinator_a: User) -> None:
    late = dt.datetime.combine(day(6), dt.time(3), tzinfo=dt.UTC)  # still day 5 in New York
    with refusal("date-in-future"):
        record_adverse_event(
            patient=patient, term="Diarrhea", grade=1, onset_on=day(6), relations=RELATED, by=coordinator_a, at=late
        )


def test_before_registration_nothing_is_recorded(site_a: Site, coordinator_a: User) -> None:
    with refusal("not-registered"):
        recorded(screened(site_a, coordinator_a), coordinator_a, day(1))


def test_before_treatment_an_event_can_be_recorded(site_a: Site, coordinator_a: User) -> None:
    assert recorded(registered(site_a, coordinator_a), coordinator_a, day(1)).pk


def test_the_same_event_twice_is_recorded_once(patient: Patient, coordinator_a: User) -> None:
    recorded(patient, coordinator_a, day(5))
    with refusal("already-recorded"):
        recorded(patient, coordinator_a, day(5))
    assert AdverseEvent.objects.count() == 1


@pytest.mark.req("EMA-4.1")
def test_the_database_refuses_grades_and_dates_that_cannot_be(patient: Patient, coordinator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(5))
    row = AdverseEvent.objects.filter(pk=event.pk)
    for value in ({"grade": 6}, {"resolved_on": day(4)}):
        with acting(coordinator_a, "try"), pytest.raises(IntegrityError), transaction.atomic():
            row.update(**value)


# --- correcting ---


def correct(event: AdverseEvent, by: User, at_day: dt.date, reason: str = "misread the chart", **changes: Any) -> Any:
    return correct_adverse_event(event=event, changes=changes, reason=reason, by=by, at=moment(at_day))


@pytest.mark.req("R3-4.2.4", "EMA-4.5", "EMA-A5.2.3")
def test_a_correction_keeps_the_old_value_with_who_and_why(patient: Patient, coordinator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(5), grade=2)
    corrected = correct(event, coordinator_a, day(6), grade=3, relations={"dexamethasone": "possible"})
    assert corrected.grade == 3
    relations = {a.agent: a.relation for a in corrected.attributions.all()}
    assert relations == {**RELATED, "dexamethasone": "possible"}
    entry = Entry.objects.filter(table_name="patients_adverseevent", operation="UPDATE").latest("pk")
    assert (entry.actor_name, entry.reason) == ("coordinator-a", "misread the chart")
    assert (entry.old["grade"], entry.new["grade"]) == (2, 3)


@pytest.mark.req("R3-4.2.4")
def test_a_correction_needs_a_reason_and_a_change(patient: Patient, coordinator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(5))
    with refusal("reason-needed"):
        correct(event, coordinator_a, day(6), reason="  ", grade=2)
    with refusal("nothing-changed"):
        correct(event, coordinator_a, day(6), grade=3, term="diarrhea")


def test_a_correction_is_held_to_what_recording_is(patient: Patient, coordinator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(5))
    with refusal("term-unknown"):
        correct(event, coordinator_a, day(6), term="Tummy")
    with refusal("date-in-future"):
        correct(event, coordinator_a, day(6), onset_on=day(7))
    with pytest.raises(ValueError, match="patient"):
        correct(event, coordinator_a, day(6), patient=1)
    event.refresh_from_db()
    assert (event.term, event.onset_on) == ("Diarrhea", day(5))


def test_others_may_not_correct(patient: Patient, coordinator_a: User, coordinator_b: User, monitor: User) -> None:
    event = recorded(patient, coordinator_a, day(5))
    for someone in (coordinator_b, monitor):
        with pytest.raises(Forbidden):
            correct(event, someone, day(6), grade=2)


# --- resolving ---


def test_an_event_is_resolved_once(patient: Patient, coordinator_a: User) -> None:
    event = recorded(patient, coordinator_a, day(5))
    resolved = resolve_adverse_event(event=event, resolved_on=day(9), by=coordinator_a, at=moment(day(10)))
    assert resolved.resolved_on == day(9)
    with refusal("already-resolved"):
        resolve_adverse_event(event=event, resolved_on=day(10), by=coordinator_a, at=moment(day(10)))


@pytest.mark.parametrize(("number", "code"), [(4, "resolved-before-onset"), (11, "date-in-future")])
def test_it_cannot_have_resolved_then(patient: Patient, coordinator_a: User, number: int, code: str) -> None:
    event = recorded(patient, coordinator_a, day(5))
    with refusal(code):
        resolve_adverse_event(event=event, resolved_on=day(number), by=coordinator_a, at=moment(day(10)))


def test_others_may_not_resolve(patient: Patient, coordinator_a: User, monitor: User) -> None:
    event = recorded(patient, coordinator_a, day(5))
    with pytest.raises(Forbidden):
        resolve_adverse_event(event=event, resolved_on=day(6), by=monitor, at=moment(day(6)))
