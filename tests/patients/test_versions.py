"""Which version's rules hold on which day; and that a planned thing is planned once, however often rules change."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.schedule import PlannedDay, found_on, planned_under, version_on
from tests.patients.steps import day

Plan = dict[str, int]


def version(number: int, plan: Plan) -> Any:
    return SimpleNamespace(number=number, protocol=plan)


def patient_following(first: Plan, *later: tuple[int, Plan]) -> Any:
    """A patient registered under the first; the site follows the others from these days on."""
    rows = [
        SimpleNamespace(from_day=day(from_day), version=version(number, plan))
        for number, (from_day, plan) in enumerate(later, 2)
    ]
    return SimpleNamespace(version=version(1, first), followed_at_site=rows)


def planned(patient: Any) -> Plan:
    def plan(protocol: Any) -> Any:
        for code, on in protocol.items():
            yield code, (code, protocol), PlannedDay(day(on), day(on), day(on), firm=True)

    return {code: (found.on - day(0)).days for code, (_, found) in planned_under(patient, plan).items()}


@pytest.mark.req("EMA-4.3", "EMA-4.7", "EMA-A2.10", "R3-4.3.5")
def test_the_newest_version_that_the_site_follows_by_then_holds() -> None:
    patient = patient_following({}, (10, {}), (20, {}))
    assert [version_on(patient, day(number)).number for number in (1, 9, 10, 19, 20, 400)] == [1, 1, 2, 2, 3, 3]


def test_who_was_registered_under_an_amended_version_never_falls_back_to_an_older_one() -> None:
    patient = patient_following({}, (10, {}))
    patient.version = version(2, {})
    assert version_on(patient, day(1)).number == 2


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 5}, {"a": 7}, {"a": 5}),
        ({"a": 10}, {"a": 12}, {"a": 12}),
        ({"a": 14}, {"a": 8}, {"a": 14}),
        ({"a": 5}, {}, {"a": 5}),
        ({"a": 10}, {}, {}),
        ({}, {"a": 9}, {}),
        ({}, {"a": 10}, {"a": 10}),
    ],
    ids=["before-stays", "moved", "never-into-the-past", "done-with", "dropped", "too-late-to-add", "added"],
)
def test_what_is_planned_across_a_change_on_day_10(old: Plan, new: Plan, expected: Plan) -> None:
    assert planned(patient_following(old, (10, new))) == expected


PLANS = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 40), max_size=4)


@given(PLANS, st.lists(PLANS, max_size=3), st.lists(st.integers(2, 40), min_size=3, max_size=3))
def test_nothing_is_lost_and_nothing_is_asked_for_a_day_on_which_nobody_asked_it(
    first: Plan, plans: list[Plan], days: list[int]
) -> None:
    later = list(zip(sorted(days), plans, strict=False))
    found = planned(patient_following(first, *later))
    versions = [(0, first), *later]
    for code, on in found.items():
        assert any(plan.get(code) == on and from_day <= on for from_day, plan in versions)
    for code in first.keys() & (later[-1][1].keys() if later else first.keys()):
        if all(code in plan for _, plan in versions):
            assert code in found


def test_what_was_recorded_is_read_by_the_version_of_its_day_or_an_older_one() -> None:
    patient = patient_following({"a": 1, "b": 2}, (10, {"b": 3, "c": 4}))
    assert found_on(patient, day(20), lambda plan: plan.get("b")) == 3
    assert found_on(patient, day(5), lambda plan: plan.get("b")) == 2
    assert found_on(patient, day(20), lambda plan: plan.get("a")) == 1
    assert found_on(patient, day(5), lambda plan: plan.get("c")) == 4
    assert found_on(patient, dt.date.max, lambda plan: plan.get("d")) is None
