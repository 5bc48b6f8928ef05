"""Who is evaluable: the rule case by case, and against an obvious statement of it on generated patients."""

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.evaluability import MissingKind, Standing, standing_of
from tests.patients.loaded import PROTOCOL, Happened, Judged, loaded_patient

START = dt.date(2026, 3, 2)
LAST = START + dt.timedelta(days=27)
AFTER = LAST + dt.timedelta(days=1)
RELATED = {"lenalidomide": "probable", "dexamethasone": "unrelated"}


def on_day(number: int) -> dt.date:
    return START + dt.timedelta(days=number - 1)


def diarrhea(on: dt.date, *judgements: Judged) -> Happened:
    return Happened("Diarrhea", 3, on, RELATED, list(judgements))


DLT = Judged(True, False, "c")
NOT_BY_COORDINATOR = Judged(False, False, "c")
NOT_BY_INVESTIGATOR = Judged(False, True, "c")


def test_before_treatment_a_patient_is_pending_without_a_window() -> None:
    found = standing_of(loaded_patient(started_on=None), START)
    assert (found.standing, found.window, found.fraction) == (Standing.PENDING, None, 0.0)
    assert [m.kind for m in found.missing] == [MissingKind.CYCLE_START]


def test_in_the_window_a_patient_is_pending_until_its_last_day_is_over() -> None:
    patient = loaded_patient(started_on=START)
    found = standing_of(patient, on_day(17))
    assert found.standing == Standing.PENDING
    assert found.reason == "Day 17 of 28 of the DLT window, no DLT so far."
    assert found.window == (START, LAST)
    assert found.fraction == pytest.approx(16 / 28)
    assert [m.kind for m in standing_of(patient, LAST).missing] == [MissingKind.WINDOW]
    assert standing_of(patient, AFTER).fraction == 1.0


def test_after_the_window_the_doses_are_still_to_be_entered() -> None:
    found = standing_of(loaded_patient(started_on=START), AFTER)
    assert found.standing == Standing.PENDING
    assert [m.kind for m in found.missing] == [MissingKind.WINDOW_ASSESSMENT]


@pytest.mark.parametrize(("taken", "expected"), [(21, True), (16, True), (15, False), (0, False)])
def test_three_quarters_of_21_doses_are_16(taken: int, expected: bool) -> None:
    found = standing_of(loaded_patient(started_on=START, taken=taken), AFTER)
    assert found.standing == (Standing.EVALUABLE_NO_DLT if expected else Standing.NOT_EVALUABLE)
    assert found.counts is expected
    assert not found.has_dlt
    assert found.missing == ()


def test_the_reason_tells_how_much_was_taken() -> None:
    assert standing_of(loaded_patient(started_on=START, taken=8), AFTER).reason == "38 % of the doses, no DLT."


def test_a_dlt_counts_at_once_whoever_judged_and_however_little_was_taken() -> None:
    found = standing_of(loaded_patient(started_on=START, events=[diarrhea(on_day(5), DLT)], taken=3), on_day(6))
    assert (found.standing, found.counts, found.has_dlt) == (Standing.EVALUABLE_DLT, True, True)
    assert found.reason == "DLT: Diarrhea grade 3 of 6 Mar 2026."


def test_an_event_on_which_a_rule_fires_waits_for_a_judgement() -> None:
    found = standing_of(loaded_patient(started_on=START, events=[diarrhea(on_day(5))], taken=21), AFTER)
    assert found.standing == Standing.PENDING
    assert [m.kind for m in found.missing] == [MissingKind.JUDGEMENT]


def test_not_a_dlt_against_a_rule_waits_for_an_investigator() -> None:
    waiting = loaded_patient(started_on=START, events=[diarrhea(on_day(5), NOT_BY_COORDINATOR)], taken=21)
    assert [m.kind for m in standing_of(waiting, AFTER).missing] == [MissingKind.CONFIRMATION]
    events = [diarrhea(on_day(5), NOT_BY_COORDINATOR, NOT_BY_INVESTIGATOR)]
    confirmed = loaded_patient(started_on=START, events=events, taken=21)
    assert standing_of(confirmed, AFTER).standing == Standing.EVALUABLE_NO_DLT


def test_the_newest_judgement_stands() -> None:
    events = [diarrhea(on_day(5), DLT, NOT_BY_INVESTIGATOR)]
    patient = loaded_patient(started_on=START, events=events, taken=21)
    assert standing_of(patient, AFTER).standing == Standing.EVALUABLE_NO_DLT


def test_not_a_dlt_about_another_rule_than_fires_now_does_not_count() -> None:
    about_a = Judged(False, True, "a")
    patient = loaded_patient(started_on=START, events=[diarrhea(on_day(5), about_a)], taken=21)
    assert [m.kind for m in standing_of(patient, AFTER).missing] == [MissingKind.JUDGEMENT]


@pytest.mark.parametrize(
    "then", [{"grade": 4}, {"term": "Fatigue"}, {"in_window": False}], ids=["grade", "term", "outside the window"]
)
def test_not_a_dlt_stands_only_for_what_was_judged(then: dict[str, Any]) -> None:
    patient = loaded_patient(started_on=START, events=[diarrhea(on_day(5), Judged(False, True, "c", **then))], taken=21)
    assert [m.kind for m in standing_of(patient, AFTER).missing] == [MissingKind.JUDGEMENT]


def test_a_dlt_whose_onset_was_corrected_out_of_the_window_is_judged_again() -> None:
    patient = loaded_patient(started_on=START, events=[diarrhea(AFTER, DLT)], taken=21)
    found = standing_of(patient, AFTER)
    assert found.standing == Standing.PENDING
    assert [m.kind for m in found.missing] == [MissingKind.JUDGEMENT]


def test_an_event_outside_the_window_needs_no_judgement() -> None:
    patient = loaded_patient(started_on=START, events=[diarrhea(AFTER)], taken=21)
    assert standing_of(patient, AFTER).standing == Standing.EVALUABLE_NO_DLT


def test_treatment_that_ended_before_it_began_is_not_evaluable() -> None:
    found = standing_of(loaded_patient(started_on=None, ended_on=START), AFTER)
    assert found.standing == Standing.NOT_EVALUABLE
    assert found.missing == ()


def test_who_stopped_too_early_can_be_assessed_before_the_window_ends() -> None:
    waiting = loaded_patient(started_on=START, ended_on=on_day(8))
    assert [m.kind for m in standing_of(waiting, on_day(9)).missing] == [MissingKind.WINDOW_ASSESSMENT]
    assessed = loaded_patient(started_on=START, ended_on=on_day(8), taken=8)
    assert standing_of(assessed, on_day(9)).standing == Standing.NOT_EVALUABLE


def test_who_stopped_with_enough_doses_is_watched_to_the_end_of_the_window() -> None:
    patient = loaded_patient(started_on=START, ended_on=on_day(22), taken=21)
    assert [m.kind for m in standing_of(patient, on_day(23)).missing] == [MissingKind.WINDOW]
    assert standing_of(patient, AFTER).standing == Standing.EVALUABLE_NO_DLT


def test_an_assessment_of_a_window_that_has_moved_since_does_not_count() -> None:
    patient = loaded_patient(started_on=START, taken=21, closed_on=LAST - dt.timedelta(days=3))
    assert [m.kind for m in standing_of(patient, AFTER).missing] == [MissingKind.WINDOW_ASSESSMENT]


def test_an_assessment_of_more_doses_than_treatment_lasted_does_not_count() -> None:
    patient = loaded_patient(started_on=START, ended_on=on_day(3), taken=21)
    assert [m.kind for m in standing_of(patient, AFTER).missing] == [MissingKind.WINDOW_ASSESSMENT]


def test_who_is_not_registered_has_no_standing() -> None:
    patient = loaded_patient(started_on=None)
    patient.version = None
    with pytest.raises(ValueError, match="not registered"):
        standing_of(patient, START)


# --- the same rule, stated slowly ---

judged = st.builds(
    Judged,
    is_dlt=st.booleans(),
    confirmed=st.booleans(),
    rule=st.sampled_from(["", "a", "c"]),
    grade=st.sampled_from([None, None, 2, 4]),
    in_window=st.sampled_from([True, True, False]),
)
events = st.builds(
    Happened,
    term=st.sampled_from(["Diarrhea", "Neutrophil count decreased", "Anemia"]),
    grade=st.integers(1, 4),
    onset_on=st.integers(-3, 33).map(lambda d: START + dt.timedelta(days=d)),
    relations=st.sampled_from(["unlikely", "possible", "definite"]).map(
        lambda r: {"lenalidomide": r, "dexamethasone": "unrelated"}
    ),
    judgements=st.lists(judged, max_size=3),
)


def rule_by_hand(event: Happened) -> str | None:
    """Rules a and c of the anti-MAG protocol for the three terms that are generated."""
    if event.relations["lenalidomide"] == "unlikely":
        return None
    if event.term == "Neutrophil count decreased":
        return "a" if event.grade >= 4 else None
    return "c" if event.term == "Diarrhea" and event.grade >= 3 else None


def judgement_counts(event: Happened) -> bool:
    fired = rule_by_hand(event)
    last = event.judgements[-1] if event.judgements else None
    inside = START <= event.onset_on <= LAST
    if last and last.is_dlt:
        return inside
    if not inside or fired is None:
        return True
    if last is None or last.rule != fired or not last.in_window or (last.grade or event.grade) != event.grade:
        return False
    return last.confirmed


def standing_by_hand(
    what: list[Happened], today: dt.date, started: bool, ended_on: dt.date | None, taken: int | None
) -> Standing:
    inside = [e for e in what if started and START <= e.onset_on <= LAST]
    if any(e.judgements and e.judgements[-1].is_dlt for e in inside):
        return Standing.EVALUABLE_DLT
    if not started:
        undecided = any(e.judgements and e.judgements[-1].is_dlt for e in what)
        return Standing.NOT_EVALUABLE if ended_on and not undecided else Standing.PENDING
    if not all(judgement_counts(e) for e in what):
        return Standing.PENDING
    days_treated = 21 if ended_on is None else (ended_on - START).days + 1
    if taken is not None and taken > days_treated:
        taken = None
    enough = taken is not None and Fraction(taken, 21) >= Fraction(3, 4)
    if today <= LAST:
        stopped_short = ended_on is not None and ended_on <= LAST and taken is not None and not enough
        return Standing.NOT_EVALUABLE if stopped_short else Standing.PENDING
    if taken is None:
        return Standing.PENDING
    return Standing.EVALUABLE_NO_DLT if enough else Standing.NOT_EVALUABLE


@settings(max_examples=400, deadline=None)
@given(
    what=st.lists(events, max_size=4),
    today=st.integers(0, 40).map(lambda d: START + dt.timedelta(days=d)),
    started=st.booleans(),
    ended=st.none() | st.integers(0, 40).map(lambda d: START + dt.timedelta(days=d)),
    taken=st.none() | st.integers(0, 21),
)
def test_it_agrees_with_the_obvious_statement(
    what: list[Happened], today: dt.date, started: bool, ended: dt.date | None, taken: int | None
) -> None:
    patient = loaded_patient(started_on=START if started else None, events=what, ended_on=ended, taken=taken)
    found = standing_of(patient, today)
    assert found.standing == standing_by_hand(what, today, started, ended, taken)
    assert bool(found.missing) == (found.standing == Standing.PENDING)
    assert 0 <= found.fraction <= 1


def test_the_window_and_minimum_exposure_are_those_of_the_protocol() -> None:
    assert (PROTOCOL.dlt.window.to_day, float(PROTOCOL.dlt.minimum_exposure.fraction)) == (28, 0.75)
