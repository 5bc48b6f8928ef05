"""The lead-in: treatment before cycle 1, with a count of days that has no day 0. It never lies in the DLT window."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from patients import schedule
from patients.evaluability import MissingKind, Standing, planned_in_window, standing_of
from patients.models import Cycle, DoseReduction, Patient
from patients.moves import preview_cycle_start
from patients.operations import (
    assess_dlt,
    assess_window,
    correct_cycle_start,
    discontinue,
    interrupt_dosing,
    record_adverse_event,
    record_cycle_doses,
    reduce_dose,
    replace_patient,
    resume_dosing,
    start_cycle,
)
from patients.place import place_words
from patients.queries import with_dlt_data
from tests.cast import DAY_ONE, _member, moment
from tests.patients.cetuximab import CYCLE_1_ON, LEAD_IN_ON, begin, cet_registered, cycles_of, fresh
from tests.patients.steps import start as start_anti_mag
from tests.patients.steps import treated
from trials.errors import Forbidden, Refused
from trials.models import Role, Site, Study

pytestmark = pytest.mark.django_db

ONE = dt.timedelta(days=1)


def toxicity(patient: Patient, on: dt.date, by: User, **more: object) -> object:
    return record_adverse_event(
        patient=patient,
        term="Febrile neutropenia",
        grade=3,
        onset_on=on,
        relations={"lenalidomide": "probable", "cetuximab": "unrelated"},
        by=by,
        at=moment(on),
        **more,  # type: ignore[arg-type]
    )


def standing(patient: Patient, today: dt.date) -> object:
    return standing_of(with_dlt_data(Patient.objects.filter(pk=patient.pk)).get(), today)


# --- it is planned and started like a cycle ---


def test_treatment_starts_with_the_lead_in(cet_patient: Patient) -> None:
    first, second, third, *_ = schedule.planned_cycles(cet_patient, [], DAY_ONE)
    assert (first.number, first.due_on, first.firm) == (0, LEAD_IN_ON, True)
    assert (second.number, second.due_on, second.firm) == (1, CYCLE_1_ON, False)
    assert (third.number, third.due_on, third.firm) == (2, CYCLE_1_ON + 28 * ONE, False)


def test_only_its_agents_are_given_in_it_at_the_amount_of_the_level(cet_patient: Patient) -> None:
    lead_in, cycle_1, *_ = schedule.planned_cycles(cet_patient, [], DAY_ONE)
    [lenalidomide] = lead_in.doses
    assert (lenalidomide.agent, lenalidomide.amount, lenalidomide.days) == ("lenalidomide", "10 mg", "days −21 to −1")
    assert lenalidomide.on == tuple(LEAD_IN_ON + n * ONE for n in range(21))
    assert [dose.agent for dose in cycle_1.doses] == ["lenalidomide", "cetuximab"]


def test_the_lead_in_is_started_by_the_same_operation(in_lead_in: Patient) -> None:
    [lead_in] = cycles_of(in_lead_in)
    assert (lead_in.number, lead_in.due_on, lead_in.started_on) == (0, LEAD_IN_ON, LEAD_IN_ON)
    assert in_lead_in.status == Patient.Status.ON_TREATMENT
    following = schedule.next_cycle(in_lead_in, cycles_of(in_lead_in))
    assert following is not None
    assert (following.number, following.due_on) == (1, CYCLE_1_ON)


def test_day_minus_1_is_followed_by_day_1(in_cycle_1: Patient) -> None:
    protocol, cycles = schedule.protocol_of(in_cycle_1), cycles_of(in_cycle_1)
    words = []
    for on in (LEAD_IN_ON, CYCLE_1_ON - 2 * ONE, CYCLE_1_ON - ONE, CYCLE_1_ON, CYCLE_1_ON + ONE):
        place = schedule.place_in_cycle(cycles, on)
        assert place is not None
        words.append(place_words(protocol, *place))
    assert words == [
        "lead-in, day −21 (1 of 21)",
        "lead-in, day −2 (20 of 21)",
        "lead-in, day −1 (21 of 21)",
        "cycle 1, day 1 of 28",
        "cycle 1, day 2 of 28",
    ]


def test_after_its_last_day_the_lead_in_is_over(in_lead_in: Patient) -> None:
    place = schedule.place_in_cycle(cycles_of(in_lead_in), CYCLE_1_ON)
    assert place is not None
    assert place_words(schedule.protocol_of(in_lead_in), *place) == "after the lead-in"


def test_it_may_start_from_the_day_of_registration_and_not_before(cet_patient: Patient, cet_coordinator: User) -> None:
    with pytest.raises(Refused, match=r"The lead-in cannot start before 5 Jan 2026") as refused:
        begin(cet_patient, DAY_ONE - ONE, cet_coordinator)
    assert refused.value.code == "cycle-too-early"
    begin(cet_patient, DAY_ONE, cet_coordinator)


def test_somebody_who_may_not_record_cannot_start_it(cet_patient: Patient, cet_monitor: User) -> None:
    with pytest.raises(Forbidden):
        begin(cet_patient, LEAD_IN_ON, cet_monitor)


def test_a_study_without_a_lead_in_has_no_cycle_0(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    assert schedule.start_of_cycle(patient, cycles_of(patient), 0) is None
    [cycle_1] = cycles_of(patient)
    with pytest.raises(IntegrityError, match="no lead-in"), transaction.atomic():
        Cycle.objects.create(
            patient=patient,
            study=patient.study,
            number=0,
            due_on=patient.planned_start,
            latest_on=cycle_1.latest_on,
            started_on=DAY_ONE,
            rung=cycle_1.rung,
            dose_label="10 mg",
            recorded_at=moment(DAY_ONE),
            recorded_by=coordinator_a,
        )
    start_anti_mag(patient, DAY_ONE + 28 * ONE, coordinator_a)


def test_the_database_starts_no_cycle_1_before_the_lead_in(cet_patient: Patient, cet_coordinator: User) -> None:
    with pytest.raises(IntegrityError, match="one after another"), transaction.atomic():
        Cycle.objects.create(
            patient=cet_patient,
            study=cet_patient.study,
            number=1,
            due_on=cet_patient.planned_start,
            latest_on=LEAD_IN_ON + 28 * ONE,
            started_on=LEAD_IN_ON,
            rung=3,
            dose_label="10 mg",
            recorded_at=moment(LEAD_IN_ON),
            recorded_by=cet_coordinator,
        )


# --- from the lead-in to cycle 1 ---


def test_cycle_1_is_delayed_by_no_more_than_the_limit(in_lead_in: Patient, cet_coordinator: User) -> None:
    last = CYCLE_1_ON + 28 * ONE
    with pytest.raises(Refused, match=r"Cycle 1 was due on 2 Feb 2026 and could start until 2 Mar 2026") as refused:
        begin(in_lead_in, last + ONE, cet_coordinator)
    assert refused.value.code == "delay-limit"
    assert begin(in_lead_in, last, cet_coordinator).number == 1


def test_cycle_1_does_not_start_before_the_lead_in_is_over(in_lead_in: Patient, cet_coordinator: User) -> None:
    with pytest.raises(Refused, match=r"Cycle 1 cannot start before 2 Feb 2026"):
        begin(in_lead_in, CYCLE_1_ON - ONE, cet_coordinator)


def test_the_database_holds_when_cycle_1_is_due(in_lead_in: Patient, cet_coordinator: User) -> None:
    with pytest.raises(IntegrityError, match="due by the start"), transaction.atomic():
        Cycle.objects.create(
            patient=in_lead_in,
            study=in_lead_in.study,
            number=1,
            due_on=LEAD_IN_ON + 28 * ONE,  # as if the lead-in were as long as a cycle
            latest_on=LEAD_IN_ON + 56 * ONE,
            started_on=LEAD_IN_ON + 28 * ONE,
            rung=3,
            dose_label="10 mg",
            recorded_at=moment(CYCLE_1_ON),
            recorded_by=cet_coordinator,
        )


def test_a_correction_of_its_start_moves_cycle_1_when_that_is_due(in_lead_in: Patient, cet_coordinator: User) -> None:
    [lead_in] = cycles_of(in_lead_in)
    at = moment(CYCLE_1_ON)
    correct_cycle_start(cycle=lead_in, started_on=LEAD_IN_ON + 2 * ONE, reason="Typed wrong", by=cet_coordinator, at=at)
    following = schedule.next_cycle(fresh(in_lead_in), cycles_of(fresh(in_lead_in)))
    assert following is not None
    assert following.due_on == CYCLE_1_ON + 2 * ONE


def test_a_correction_has_to_fit_cycle_1(in_cycle_1: Patient, cet_coordinator: User) -> None:
    lead_in = cycles_of(in_cycle_1)[0]
    with pytest.raises(Refused, match=r"Cycle 1 started on 2 Feb 2026, but would have been due from 3 Feb 2026"):
        correct_cycle_start(
            cycle=lead_in, started_on=LEAD_IN_ON + ONE, reason="Wrong", by=cet_coordinator, at=moment(CYCLE_1_ON)
        )
    correct_cycle_start(
        cycle=lead_in, started_on=LEAD_IN_ON - ONE, reason="Wrong", by=cet_coordinator, at=moment(CYCLE_1_ON)
    )
    cycle_1 = cycles_of(fresh(in_cycle_1))[1]
    assert (cycle_1.due_on, cycle_1.started_on) == (CYCLE_1_ON - ONE, CYCLE_1_ON)


def test_a_late_start_of_the_lead_in_moves_all_that_follows(cet_patient: Patient) -> None:
    moves = {m.what: m.days for m in preview_cycle_start(cet_patient, [], 0, LEAD_IN_ON + 3 * ONE)}
    assert moves["Cycle 1 and those after it"] == 3
    assert moves["DLT window, first day"] == moves["DLT window, last day"] == 3
    assert moves["Before the combination, day −3 to −1: tumor biopsy"] == 3


# --- the DLT window is the first cycle of the combination ---


def test_the_dlt_window_opens_with_cycle_1(in_lead_in: Patient, cet_coordinator: User) -> None:
    assert schedule.dlt_window(in_lead_in, cycles_of(in_lead_in)) is None
    begin(in_lead_in, CYCLE_1_ON + 2 * ONE, cet_coordinator)
    patient = fresh(in_lead_in)
    assert schedule.dlt_window(patient, cycles_of(patient)) == (CYCLE_1_ON + 2 * ONE, CYCLE_1_ON + 29 * ONE)


def test_a_toxicity_of_the_lead_in_is_recorded_and_cannot_be_a_dlt(in_lead_in: Patient, cet_coordinator: User) -> None:
    event = toxicity(in_lead_in, LEAD_IN_ON + 4 * ONE, cet_coordinator)
    with pytest.raises(Refused, match="cycle 1 has not started") as refused:
        assess_dlt(event=event, is_dlt=True, rationale="", by=cet_coordinator, at=moment(LEAD_IN_ON + 5 * ONE))
    assert refused.value.code == "outside-window"


def test_it_is_no_dlt_once_the_combination_has_begun(
    in_lead_in: Patient, cet_coordinator: User, cet_investigator: User
) -> None:
    event = toxicity(in_lead_in, CYCLE_1_ON - ONE, cet_coordinator)
    begin(in_lead_in, CYCLE_1_ON, cet_coordinator)
    with pytest.raises(Refused, match="outside the DLT window"):
        assess_dlt(event=event, is_dlt=True, rationale="", by=cet_investigator, at=moment(CYCLE_1_ON))
    assert standing(in_lead_in, CYCLE_1_ON).standing == Standing.PENDING


def test_in_the_lead_in_the_window_is_said_to_come(in_lead_in: Patient) -> None:
    found = standing(in_lead_in, LEAD_IN_ON + 4 * ONE)
    assert found.standing == Standing.PENDING
    assert found.reason == "Lead-in, day −17 (5 of 21): the DLT window begins with cycle 1."
    assert [(m.kind, m.what) for m in found.missing] == [(MissingKind.CYCLE_START, "the start of cycle 1")]


def test_doses_of_the_lead_in_are_no_exposure_in_the_window(in_cycle_1: Patient, cet_coordinator: User) -> None:
    lead_in = cycles_of(in_cycle_1)[0]
    record_cycle_doses(cycle=lead_in, taken={"lenalidomide": 21}, by=cet_coordinator, at=moment(CYCLE_1_ON))
    loaded = with_dlt_data(Patient.objects.filter(pk=in_cycle_1.pk)).get()
    window = schedule.dlt_window(loaded, cycles_of(loaded))
    assert window is not None
    assert planned_in_window(loaded, window) == [CYCLE_1_ON + n * ONE for n in range(28)]
    closed = CYCLE_1_ON + 28 * ONE
    assess_window(patient=in_cycle_1, taken=20, by=cet_coordinator, at=moment(closed))  # 20 of 28: 71 %
    assert standing(in_cycle_1, closed).standing == Standing.NOT_EVALUABLE


# --- what happens in it ---


def test_doses_of_the_lead_in_are_its_own(in_lead_in: Patient, cet_coordinator: User) -> None:
    [lead_in] = cycles_of(in_lead_in)
    [taken] = record_cycle_doses(
        cycle=lead_in, taken={"lenalidomide": 20}, by=cet_coordinator, at=moment(CYCLE_1_ON - ONE)
    )
    assert (taken.planned, taken.taken) == (21, 20)
    with pytest.raises(Refused, match="in the lead-in"):
        record_cycle_doses(cycle=lead_in, taken={"cetuximab": 1}, by=cet_coordinator, at=moment(CYCLE_1_ON - ONE))
    with pytest.raises(Refused, match="dosing days of the lead-in"):
        record_cycle_doses(
            cycle=lead_in, taken={"lenalidomide": 22}, reason="x", by=cet_coordinator, at=moment(CYCLE_1_ON)
        )


def test_an_open_interruption_of_the_lead_in_holds_cycle_1(in_lead_in: Patient, cet_coordinator: User) -> None:
    [lead_in] = cycles_of(in_lead_in)
    stopped = interrupt_dosing(
        cycle=lead_in,
        agent="lenalidomide",
        from_day=LEAD_IN_ON + 5 * ONE,
        to_day=None,
        reason="Rash",
        by=cet_coordinator,
        at=moment(LEAD_IN_ON + 5 * ONE),
    )
    with pytest.raises(Refused, match=r"An interruption in the lead-in has no end.*start cycle 1"):
        begin(fresh(in_lead_in), CYCLE_1_ON, cet_coordinator)
    resume_dosing(interruption=stopped, to_day=CYCLE_1_ON - ONE, by=cet_coordinator, at=moment(CYCLE_1_ON))
    begin(fresh(in_lead_in), CYCLE_1_ON, cet_coordinator)


def test_an_agent_that_is_not_given_in_it_is_not_interrupted(in_lead_in: Patient, cet_coordinator: User) -> None:
    [lead_in] = cycles_of(in_lead_in)
    with pytest.raises(Refused, match="cetuximab is not given in the lead-in"):
        interrupt_dosing(
            cycle=lead_in,
            agent="cetuximab",
            from_day=LEAD_IN_ON,
            to_day=None,
            reason="x",
            by=cet_coordinator,
            at=moment(LEAD_IN_ON),
        )


def test_a_reduction_in_the_lead_in_holds_from_its_day(in_lead_in: Patient, cet_coordinator: User) -> None:
    event = toxicity(in_lead_in, LEAD_IN_ON + 3 * ONE, cet_coordinator)
    reduce_dose(
        patient=in_lead_in,
        cause=DoseReduction.Cause.ADVERSE_EVENT,
        event=event,
        explanation="Neutropenia",
        effective_on=CYCLE_1_ON,
        by=cet_coordinator,
        at=moment(LEAD_IN_ON + 4 * ONE),
    )
    patient = fresh(in_lead_in)
    following = schedule.next_cycle(patient, cycles_of(patient))
    assert following is not None
    assert following.label == "5 mg"
    assert [d.amount for d in following.doses if d.agent == "lenalidomide"] == ["5 mg"]
    assert patient.assigned_level is not None
    assert patient.assigned_level.label == "10 mg"  # it goes on counting where it was assigned


def test_who_never_reached_the_combination_is_not_evaluable_and_is_replaced(
    in_lead_in: Patient, cet_coordinator: User
) -> None:
    on = LEAD_IN_ON + 9 * ONE
    discontinue(patient=in_lead_in, reason_code="disease-progression", on=on, by=cet_coordinator, at=moment(on))
    found = standing(in_lead_in, on)
    assert found.standing == Standing.NOT_EVALUABLE
    assert found.reason == "Treatment ended in the lead-in: cycle 1, the DLT window, was never reached."
    assert schedule.next_cycle(fresh(in_lead_in), cycles_of(in_lead_in)) is None
    slot = replace_patient(patient=in_lead_in, by=cet_coordinator, at=moment(on))
    assert slot.replaces_id == fresh(in_lead_in).slot_id


def test_treatment_that_never_began_ended_before_it_began(cet_patient: Patient, cet_coordinator: User) -> None:
    discontinue(
        patient=cet_patient, reason_code="other", on=DAY_ONE, by=cet_coordinator, at=moment(DAY_ONE), detail="Withdrew"
    )
    assert standing(cet_patient, DAY_ONE).reason == "Treatment ended before it began."


def test_treatment_does_not_end_before_the_lead_in_began(in_lead_in: Patient, cet_coordinator: User) -> None:
    with pytest.raises(Refused, match="The lead-in started on 12 Jan 2026"):
        discontinue(
            patient=in_lead_in,
            reason_code="other",
            on=LEAD_IN_ON - ONE,
            by=cet_coordinator,
            at=moment(LEAD_IN_ON),
        )


# --- the calendar ---


@pytest.mark.parametrize(
    ("lead_in_on", "cycle_1_on"),
    [
        (dt.date(2028, 2, 10), dt.date(2028, 3, 2)),  # 2028 has a 29 February
        (dt.date(2027, 2, 10), dt.date(2027, 3, 3)),
        (dt.date(2026, 3, 16), dt.date(2026, 4, 6)),  # summer time begins on 29 March in Zurich
        (dt.date(2026, 10, 12), dt.date(2026, 11, 2)),  # and ends on 25 October
        (dt.date(2026, 12, 20), dt.date(2027, 1, 10)),
    ],
)
def test_21_days_are_21_days_of_the_calendar(
    cet_site: Site, cet_coordinator: User, lead_in_on: dt.date, cycle_1_on: dt.date
) -> None:
    patient = cet_registered(cet_site, cet_coordinator, on=lead_in_on - 7 * ONE, start=lead_in_on)
    begin(patient, lead_in_on, cet_coordinator)
    patient = fresh(patient)
    following = schedule.next_cycle(patient, cycles_of(patient))
    assert following is not None
    assert following.due_on == cycle_1_on
    place = schedule.place_in_cycle(cycles_of(patient), cycle_1_on - ONE)
    assert place == (cycles_of(patient)[0], 21)


def test_the_day_is_that_of_the_site(cet_study: Study, cet_coordinator: User, rung: User) -> None:
    """At 8 in the morning of 12 January in Zurich it is still 11 January in Anchorage."""
    anchorage = cet_study.sites.get(code="A")
    there = _member(cet_study, "anchorage", "Ann Chu", Role.COORDINATOR, anchorage)
    patient = cet_registered(anchorage, there, start=LEAD_IN_ON)
    early = dt.datetime.combine(LEAD_IN_ON, dt.time(7), tzinfo=dt.UTC)
    with pytest.raises(Refused, match="lies ahead"):
        start_cycle(patient=patient, started_on=LEAD_IN_ON, by=there, at=early)
    start_cycle(patient=patient, started_on=LEAD_IN_ON, by=there, at=early + dt.timedelta(hours=3))
