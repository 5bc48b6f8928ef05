"""What is planned follows from what has happened. Days are worked out by hand from DAY_ONE, Monday 5 January 2026."""

import datetime as dt

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from patients import schedule
from patients.models import ContinuationReview, Cycle, Patient
from patients.moves import Move, preview_cycle_start
from patients.operations import discontinue, record_follow_up, reduce_dose
from tests.cast import DAY_ONE, moment
from tests.patients.steps import again, day, registered, screened, start, treated
from trials.models import Site, Study

pytestmark = pytest.mark.django_db


def cycles_of(patient: Patient) -> list[Cycle]:
    return list(patient.cycles.all())


def sample_day(patient: Patient, code: str) -> dt.date | None:
    protocol = schedule.protocol_of(patient)
    assert protocol.samples is not None
    timepoint = next(t for t in protocol.samples.timepoints if t.code == code)
    planned = schedule.timepoint_day(timepoint, patient, cycles_of(patient))
    return planned.on if planned else None


# --- cycles ---


def test_nothing_is_planned_before_registration(site_a: Site, coordinator_a: User) -> None:
    patient = again(screened(site_a, coordinator_a))
    assert schedule.next_cycle(patient, []) is None
    assert schedule.planned_cycles(patient, [], DAY_ONE) == []
    assert schedule.visits(patient, [], DAY_ONE) == []
    assert schedule.follow_up_visits(patient) == []


def test_cycle_1_is_planned_as_agreed_at_registration(site_a: Site, coordinator_a: User) -> None:
    patient = again(registered(site_a, coordinator_a, start=day(8)))
    first = schedule.next_cycle(patient, [])
    assert (first.number, first.due_on, first.latest_on, first.firm) == (1, day(8), day(36), True)
    assert (first.label, first.rung) == ("10 mg", 2)


def test_cycles_follow_every_28_days_until_the_continuation_review(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    planned = schedule.planned_cycles(patient, cycles_of(patient), DAY_ONE)
    assert [c.due_on for c in planned[:2]] == [day(29), day(57)]
    assert [c.firm for c in planned[:2]] == [True, False]
    # 24 months after 5 January 2026 is 5 January 2028, day 731; cycle 27 is due on day 729.
    assert schedule.continuation_review_due(patient, cycles_of(patient)) == dt.date(2028, 1, 5)
    assert (planned[-1].number, planned[-1].due_on) == (27, day(729))


def test_after_a_positive_review_cycles_go_on_for_a_year_at_a_time(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    patient.continuation_review = ContinuationReview(patient=patient, continues=True)
    today = day(729)
    planned = schedule.planned_cycles(patient, cycles_of(patient), today)
    assert planned[-1].due_on <= today + dt.timedelta(days=365) < planned[-1].due_on + dt.timedelta(days=28)
    patient.continuation_review = ContinuationReview(patient=patient, continues=False)
    assert schedule.planned_cycles(patient, cycles_of(patient), today) == []


def test_an_actual_start_moves_what_follows(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    start(patient, day(34), coordinator_a)
    patient = again(patient)
    assert schedule.next_cycle(patient, cycles_of(patient)).due_on == day(62)
    assert sample_day(patient, "after-1") == day(28)
    assert sample_day(patient, "after-2") == day(61)
    assert sample_day(patient, "after-3") == day(89)


def test_planned_up_to_a_day(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    assert [c.number for c in schedule.planned_cycles(patient, cycles_of(patient), DAY_ONE, until=day(57))] == [2, 3]
    assert schedule.planned_cycles(patient, cycles_of(patient), DAY_ONE, until=day(28)) == []


def test_the_day_of_a_cycle_counts_from_1(site_a: Site, coordinator_a: User) -> None:
    cycles = cycles_of(treated(site_a, coordinator_a, cycles=2))
    assert schedule.place_in_cycle(cycles, day(0)) is None
    assert schedule.place_in_cycle(cycles, day(1)) == (cycles[0], 1)
    assert schedule.place_in_cycle(cycles, day(28)) == (cycles[0], 28)
    assert schedule.place_in_cycle(cycles, day(29)) == (cycles[1], 1)


# --- the window, samples, visits ---


def test_the_dlt_window_is_the_first_cycle_from_its_actual_start(site_a: Site, coordinator_a: User) -> None:
    patient = registered(site_a, coordinator_a)
    assert schedule.dlt_window(again(patient), []) is None
    start(patient, day(3), coordinator_a)
    patient = again(patient)
    assert schedule.dlt_window(patient, cycles_of(patient)) == (day(3), day(30))


def test_samples_of_18_and_24_cycles_are_for_the_expansion_only(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    assert sample_day(patient, "after-12") == day(336)
    assert sample_day(patient, "after-18") is None
    patient.part.kind = "expansion"
    assert (sample_day(patient, "after-18"), sample_day(patient, "after-24")) == (day(504), day(672))


def test_the_pre_treatment_sample_is_planned_up_to_the_first_day(site_a: Site, coordinator_a: User) -> None:
    patient = again(registered(site_a, coordinator_a, start=day(8)))
    timepoint = schedule.protocol_of(patient).samples.timepoints[0]
    planned = schedule.timepoint_day(timepoint, patient, [])
    assert (planned.on, planned.window_from, planned.window_to) == (day(8), day(-6), day(8))


def test_a_visit_comes_with_every_cycle(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    visits = schedule.visits(patient, cycles_of(patient), DAY_ONE)
    assert [(v.code, v.day.on) for v in visits[:3]] == [
        ("visit-1", day(1)),
        ("visit-2", day(29)),
        ("visit-3", day(57)),
    ]
    assert len(visits) == 27


def test_treatment_that_ended_has_no_more_cycles_visits_or_samples(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a, cycles=2)
    discontinue(patient=patient, reason_code="patient-request", on=day(40), by=coordinator_a, at=moment(day(40)))
    patient = again(patient)
    assert schedule.planned_cycles(patient, cycles_of(patient), day(40)) == []
    assert [v.code for v in schedule.visits(patient, cycles_of(patient), day(40))] == ["visit-1", "visit-2"]
    assert (sample_day(patient, "after-1"), sample_day(patient, "after-2")) == (day(28), None)


# --- event monitoring ---


def test_event_monitoring_is_planned_from_the_last_day_of_therapy(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    discontinue(patient=patient, reason_code="patient-request", on=day(10), by=coordinator_a, at=moment(day(10)))
    visits = schedule.follow_up_visits(again(patient))
    assert [v.on for v in visits] == [day(10 + 91 * n) for n in range(1, 9)]
    assert (visits[0].window_from, visits[0].window_to) == (day(87), day(115))
    assert [v.last for v in visits] == [False] * 7 + [True]


def test_a_visit_passed_over_is_not_waited_for(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    discontinue(patient=patient, reason_code="patient-request", on=day(10), by=coordinator_a, at=moment(day(10)))
    second = day(10 + 182)
    record_follow_up(patient=patient, done_on=second, alive=True, by=coordinator_a, at=moment(second))
    visits = schedule.follow_up_visits(again(patient))
    assert [(v.passed_over, bool(v.done)) for v in visits[:3]] == [(True, False), (False, True), (False, False)]
    assert schedule.next_follow_up(again(patient)).number == 3


# --- doses ---


def test_a_reduction_counts_from_its_day(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    reduce_dose(
        patient=patient, cause="other", explanation="tired", effective_on=day(10), by=coordinator_a, at=moment(day(9))
    )
    patient = again(patient)
    assert [schedule.rung_on(patient, day(n)) for n in (9, 10)] == [2, 3]
    assert schedule.next_cycle(patient, cycles_of(patient)).label == "5 mg"


def test_the_days_of_each_agent(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    cycle = cycles_of(patient)[0]
    assert schedule.planned_dose_days(patient, cycle, "dexamethasone") == (day(1), day(8), day(15), day(22))
    assert schedule.planned_dose_days(patient, cycle, "lenalidomide") == tuple(day(n) for n in range(1, 22))
    assert schedule.planned_dose_days(patient, cycle, "aspirin") == ()


@pytest.mark.parametrize(
    ("day_", "months", "expected"),
    [
        (dt.date(2026, 1, 31), 1, dt.date(2026, 2, 28)),
        (dt.date(2026, 12, 5), 1, dt.date(2027, 1, 5)),
        (dt.date(2024, 2, 29), 24, dt.date(2026, 2, 28)),
        (dt.date(2026, 3, 15), 24, dt.date(2028, 3, 15)),
    ],
)
def test_months_on_the_calendar(day_: dt.date, months: int, expected: dt.date) -> None:
    assert schedule.add_months(day_, months) == expected


# --- what will move ---


def test_a_start_on_the_planned_day_moves_nothing(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    assert preview_cycle_start(patient, cycles_of(patient), 2, day(29)) == []


def test_a_late_start_moves_what_follows_by_as_many_days(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    moves = preview_cycle_start(patient, cycles_of(patient), 2, day(32))
    assert Move("Cycle 3 and those after it", day(57), day(60)) in moves
    assert Move("After cycle 2: samples", day(56), day(59)) in moves
    assert Move("After cycle 3: samples, outcome measures", day(84), day(87)) in moves
    assert {move.days for move in moves} == {3}
    assert not [m for m in moves if "window" in m.what or m.what.startswith(("After cycle 1:", "Pre-treatment"))]
    assert len(cycles_of(patient)) == 1


def test_the_first_start_moves_the_dlt_window_and_the_review(site_a: Site, coordinator_a: User) -> None:
    patient = again(registered(site_a, coordinator_a, start=day(8)))
    moves = {move.what: (move.from_day, move.to_day) for move in preview_cycle_start(patient, [], 1, day(9))}
    assert moves["DLT window, last day"] == (day(35), day(36))
    assert moves["Continuation review"] == (dt.date(2028, 1, 12), dt.date(2028, 1, 13))


def test_the_preview_is_what_happens(study: Study, site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    expected = {m.what: m.to_day for m in preview_cycle_start(patient, cycles_of(patient), 2, day(31))}
    start(patient, day(31), coordinator_a)
    patient = again(patient)
    assert schedule.next_cycle(patient, cycles_of(patient)).due_on == expected["Cycle 3 and those after it"]
    assert sample_day(patient, "after-6") == expected["After cycle 6: samples, outcome measures"]


def test_nothing_is_queried_once_the_rows_are_loaded(
    site_a: Site, coordinator_a: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    patient = treated(site_a, coordinator_a, cycles=2)
    assert patient.version.protocol
    with django_assert_num_queries(0):
        cycles = cycles_of(patient)
        schedule.planned_cycles(patient, cycles, day(30))
        schedule.visits(patient, cycles, day(30))
        schedule.follow_up_visits(patient)
        schedule.continuation_review_due(patient, cycles)
        preview_cycle_start(patient, cycles, 3, day(60))
