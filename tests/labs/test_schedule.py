"""The protocol: "Peripheral blood (10ml purple top EDTA for immediate analysis and 6ml red top for possible later
cytokine evaluation) will be collected at pre-treatment and after cycles 1,2,3,6,9,12, as well as 18 and 24 (for
extension phase)"."""

import datetime as dt
from decimal import Decimal

import pytest

from labs.models import Collection
from labs.queries import samples_of
from labs.schedule import DueCollection, SampleState
from patients.models import Patient
from tests.cast import DAY_ONE
from tests.labs.in_memory import a_patient, a_screened_patient

DAY = dt.timedelta(days=1)
BOTH_PARTS = ["pre-treatment", *(f"after-{cycle}" for cycle in (1, 2, 3, 6, 9, 12))]


def on(day: int) -> dt.date:
    """Day 1 is the planned first day of cycle 1."""
    return DAY_ONE + (day - 1) * DAY


def codes(patient: Patient, today: dt.date = DAY_ONE) -> list[str]:
    return [due.code for due in samples_of(patient, today)]


def sample(patient: Patient, code: str, today: dt.date = DAY_ONE) -> DueCollection:
    return next(due for due in samples_of(patient, today) if due.code == code)


def recorded(outcome: str, planned_on: dt.date) -> Collection:
    return Collection(
        pk=1, timepoint="after-1", outcome=outcome, planned_on=planned_on, window_from=planned_on - 3 * DAY,
        window_to=planned_on + 7 * DAY,
    )  # fmt: skip


def test_escalation_has_pre_treatment_and_after_cycles_1_2_3_6_9_12() -> None:
    assert codes(a_patient("escalation")) == BOTH_PARTS


def test_only_the_expansion_has_18_and_24_too() -> None:
    assert codes(a_patient("expansion")) == [*BOTH_PARTS, "after-18", "after-24"]


def test_each_has_10_ml_purple_edta_for_immediate_analysis_and_6_ml_red_for_cytokines() -> None:
    for due in samples_of(a_patient("expansion"), DAY_ONE):
        purple, red = due.tubes
        assert (purple.volume_ml, purple.colour, purple.additive, purple.purpose) == (
            Decimal(10), "purple", "EDTA", "immediate analysis",
        )  # fmt: skip
        assert (red.volume_ml, red.colour, red.purpose) == (Decimal(6), "red", "possible later cytokine evaluation")


def test_nothing_is_due_before_registration() -> None:
    assert samples_of(a_screened_patient(), DAY_ONE) == []


def test_after_a_cycle_is_its_last_planned_day() -> None:
    due = sample(a_patient(starts=[on(1)]), "after-1")
    assert (due.planned_on, due.window_from, due.window_to, due.firm) == (on(28), on(25), on(35), True)


def test_before_treatment_the_pre_treatment_sample_hangs_on_the_day_agreed_at_registration() -> None:
    due = sample(a_patient(), "pre-treatment")
    assert (due.planned_on, due.window_from, due.window_to) == (on(1), on(-13), on(1))


def test_samples_of_cycles_to_come_are_expected_and_may_move() -> None:
    patient = a_patient(starts=[on(1)])
    assert [sample(patient, code).firm for code in ("after-1", "after-2", "after-3")] == [True, True, False]


def test_a_late_start_moves_every_sample_after_it() -> None:
    on_time, late = a_patient(starts=[on(1), on(29)]), a_patient(starts=[on(1), on(39)])
    moved = {code: (sample(late, code).planned_on - sample(on_time, code).planned_on).days for code in BOTH_PARTS}
    assert moved == {
        "pre-treatment": 0, "after-1": 0, "after-2": 10, "after-3": 10, "after-6": 10, "after-9": 10, "after-12": 10,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (24, SampleState.UPCOMING),
        (25, SampleState.DUE),
        (35, SampleState.DUE),
        (36, SampleState.OVERDUE),
    ],
)
def test_the_state_follows_the_window_with_both_its_ends(day: int, state: SampleState) -> None:
    assert sample(a_patient(starts=[on(1)]), "after-1", on(day)).state is state


def test_overdue_says_by_how_many_days() -> None:
    patient = a_patient(starts=[on(1)])
    assert [sample(patient, "after-1", on(day)).days_late for day in (30, 35, 36, 40)] == [0, 0, 1, 5]


@pytest.mark.parametrize("outcome", ["collected", "missed"])
def test_what_is_recorded_stays_with_the_window_it_had(outcome: str) -> None:
    patient = a_patient(starts=[on(1)], collections=[recorded(outcome, on(20))])
    due = sample(patient, "after-1", on(60))
    assert (due.state, due.planned_on, due.state.is_open) == (SampleState(outcome), on(20), False)


def test_after_the_end_of_treatment_only_what_was_planned_by_then_remains() -> None:
    assert codes(a_patient(starts=[on(1), on(29)], ended_on=on(40))) == ["pre-treatment", "after-1"]


def test_a_sample_planned_for_the_very_last_day_of_treatment_remains() -> None:
    assert codes(a_patient(starts=[on(1)], ended_on=on(28))) == ["pre-treatment", "after-1"]
    assert codes(a_patient(starts=[on(1)], ended_on=on(27))) == ["pre-treatment"]


def test_what_is_recorded_remains_although_treatment_ended_before() -> None:
    patient = a_patient(starts=[on(1)], ended_on=on(20), collections=[recorded("collected", on(28))])
    assert codes(patient) == ["pre-treatment", "after-1"]


def test_re_treatment_brings_back_what_follows_it_and_not_what_fell_into_the_break() -> None:
    patient = a_patient(starts=[on(1), on(29)], ended_on=on(40), retreated_on=on(71))
    assert codes(patient)[:3] == ["pre-treatment", "after-1", "after-3"]
    assert sample(patient, "after-3").planned_on == on(71 + 27)
