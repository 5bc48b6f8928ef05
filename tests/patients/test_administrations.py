"""Infusions: what is to be given, with its calculation, and what was given, recorded against it."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.utils import IntegrityError, ProgrammingError

from accounts.models import User
from audit.models import Entry
from patients.infusions import planned_infusions, to_give
from patients.models import Administration, BodyMeasurement, Patient
from patients.operations import (
    correct_administration,
    correct_cycle_start,
    correct_measurement,
    discontinue,
    interrupt_dosing,
    record_doses,
    record_measurement,
    reduce_dose,
    resume_dosing,
)
from patients.queries import load_doses
from tests.cast import DAY_ONE, moment
from tests.patients.by_hand import by_hand
from tests.patients.dosed import draft_study as draft_study
from tests.patients.dosed import give, measured, miss, ready
from tests.patients.steps import again, day, registered, screened, start, treated
from trials.errors import Forbidden, Refused
from trials.models import Site

pytestmark = pytest.mark.django_db


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        action()
    return refused.value.code


def told(patient: Patient, agent: str = "cetuximab") -> dict[int, str]:
    """The dose to give on each planned day of an agent, and why."""
    patient = again(patient)
    load_doses(patient)
    cycles = list(patient.cycles.all())
    found = [i for i in planned_infusions(patient, cycles) if i.dose.agent == agent]
    return {(i.planned_on - DAY_ONE).days + 1: to_give(patient, i, i.planned_on).words for i in found}


# --- the dose to give ---


def test_the_dose_is_told_with_its_calculation(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    # 400 × 1.86 = 744, to the nearest 5: 745. The others follow once it has been given.
    assert told(patient)[1] == (
        "First dose: 400 mg/m² × 1.86 m² (Mosteller, 178 cm, 70.2 kg on 5 Jan 2026) = 744 mg, "
        "rounded to the nearest 5 mg: 745 mg"
    )
    give(patient, day(1), "745", coordinator_a)
    # 250 × 1.86 = 465
    assert told(patient)[8] == (
        "250 mg/m² × 1.86 m² (Mosteller, 178 cm, 70.2 kg on 5 Jan 2026) = 465 mg, rounded to the nearest 5 mg: 465 mg"
    )
    # 5 × 70.2 = 351, down to a multiple of 25: 350
    assert told(patient, "bevacizumab")[1] == (
        "5 mg/kg × 70.2 kg (on 5 Jan 2026) = 351 mg, rounded down to a multiple of 25 mg: 350 mg"
    )
    assert told(patient, "pegfilgrastim") == {2: "6 mg, a fixed dose"}


def test_without_height_and_weight_the_dose_cannot_be_told(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    assert told(patient)[1] == "Height and weight are not recorded yet. Record them; the dose follows from them."
    assert code_of(lambda: give(patient, day(1), "745", coordinator_a)) == "measurement-missing"
    assert give(patient, day(2), "6", coordinator_a, agent="pegfilgrastim").given_amount == 6  # nothing to measure
    measured(patient, coordinator_a, on=day(2))
    assert code_of(lambda: give(patient, day(1), "745", coordinator_a)) == "measurement-missing"  # not by that day
    assert give(patient, day(1), "745", coordinator_a, given_on=day(2)).amount_to_give == 745


# --- given ---


def test_an_infusion_is_recorded_with_its_calculation(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    row = give(patient, day(1), "745", coordinator_a)
    row.refresh_from_db()
    assert (row.outcome, row.amount_to_give, row.given_amount, row.unit) == ("given", 745, 745, "mg")
    assert (row.is_loading, row.measurement, row.reason) == (True, BodyMeasurement.objects.get(), "")
    assert row.calculation["words"].startswith("First dose: 400 mg/m² × 1.86 m²")
    kept = ("body_surface_m2", "exact", "height_cm", "weight_kg", "formula")
    assert [row.calculation[name] for name in kept] == ["1.86", "744.00", "178.0", "70.2", "mosteller"]
    entry = Entry.objects.filter(table_name="patients_administration").get()
    assert (entry.actor_name, entry.new["given_amount"]) == ("coordinator-a", 745)


def test_the_loading_dose_is_given_once_in_all_of_treatment(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a, cycles=2)
    for on, amount in ((1, "745"), (8, "465"), (15, "465"), (22, "465"), (29, "465")):
        give(patient, day(on), amount, coordinator_a, at=moment(day(40)))
    first = Administration.objects.filter(is_loading=True)
    assert [(row.cycle.number, row.day) for row in first] == [(1, 1)]


def test_after_a_missed_first_infusion_the_next_one_given_is_the_loading_dose(
    site_a: Site, coordinator_a: User
) -> None:
    patient = ready(site_a, coordinator_a)
    miss(patient, day(1), coordinator_a)
    assert told(patient)[8].startswith("First dose: 400 mg/m²")
    row = give(patient, day(8), "745", coordinator_a)
    assert (row.is_loading, row.amount_to_give) == (True, 745)
    assert give(patient, day(15), "465", coordinator_a).is_loading is False


def test_an_interrupted_first_infusion_is_not_the_first(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    cycle = patient.cycles.get()
    interruption = interrupt_dosing(
        cycle=cycle,
        agent="cetuximab",
        from_day=day(1),
        to_day=None,
        reason="Fever",
        by=coordinator_a,
        at=moment(day(1)),
    )
    assert code_of(lambda: give(patient, day(1), "745", coordinator_a)) == "interrupted"
    resume_dosing(interruption=interruption, to_day=day(5), by=coordinator_a, at=moment(day(6)))
    assert give(patient, day(8), "745", coordinator_a).is_loading


def test_an_agent_without_a_loading_dose_has_none(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    assert not give(patient, day(1), "350", coordinator_a, agent="bevacizumab").is_loading


# 5 % of 745 is 37.25: from 707.75 to 782.25 no reason is asked for
@pytest.mark.parametrize(
    ("amount", "asks"), [("707.75", False), ("782.25", False), ("707.7", True), ("782.3", True), ("400", True)]
)
def test_a_deviation_beyond_the_tolerance_asks_for_a_reason(
    amount: str, asks: bool, site_a: Site, coordinator_a: User
) -> None:
    patient = ready(site_a, coordinator_a)
    if asks:
        assert code_of(lambda: give(patient, day(1), amount, coordinator_a)) == "deviation-without-reason"
        assert code_of(lambda: give(patient, day(1), amount, coordinator_a, reason=" ")) == "deviation-without-reason"
    row = give(patient, day(1), amount, coordinator_a, reason="Stopped: reaction" if asks else "")
    assert (row.given_amount, row.amount_to_give) == (Decimal(amount), 745)


def test_a_reduction_lowers_the_dose_from_its_day_on_and_not_the_loading_dose_again(
    site_a: Site, coordinator_a: User
) -> None:
    patient = ready(site_a, coordinator_a)
    give(patient, day(1), "745", coordinator_a)
    reduce_dose(
        patient=patient, cause="other", explanation="Rash", effective_on=day(10), by=coordinator_a, at=moment(day(9))
    )
    doses = told(patient)
    assert doses[8].startswith("250 mg/m² × 1.86 m²")
    assert doses[15].startswith("200 mg/m² × 1.86 m²")  # 372 mg, to the nearest 5: 370
    give(patient, day(8), "465", coordinator_a)
    row = give(patient, day(15), "370", coordinator_a)
    assert (row.amount_to_give, row.is_loading) == (370, False)


def test_a_patient_reduced_before_the_first_infusion_gets_the_lower_rungs_loading_dose(
    site_a: Site, coordinator_a: User
) -> None:
    patient = ready(site_a, coordinator_a)
    miss(patient, day(1), coordinator_a)
    reduce_dose(
        patient=patient, cause="other", explanation="Rash", effective_on=day(5), by=coordinator_a, at=moment(day(5))
    )
    assert told(patient)[8].startswith("First dose: 300 mg/m² × 1.86 m²")


# 10 % of 70.2 kg is 7.02 kg: 77.2 is not more, 77.3 is. √(178 × 77.3 / 3600) = √3.82206 = 1.95501
@pytest.mark.parametrize(("weight", "amount"), [("77.2", "465"), ("77.3", "490")])
def test_the_dose_is_computed_anew_when_the_weight_changes_by_more_than_the_percentage(
    weight: str, amount: str, site_a: Site, coordinator_a: User
) -> None:
    patient = ready(site_a, coordinator_a)
    give(patient, day(1), "745", coordinator_a)
    measured(patient, coordinator_a, on=day(8), weight=weight)
    assert give(patient, day(8), amount, coordinator_a).amount_to_give == Decimal(amount)


def test_old_measurements_are_said_and_giving_a_dose_by_them_asks_for_a_reason(
    site_a: Site, coordinator_a: User
) -> None:
    patient = ready(site_a, coordinator_a, cycles=2)
    for on, amount in ((1, "745"), (8, "465"), (15, "465"), (22, "465"), (29, "465")):
        give(patient, day(on), amount, coordinator_a, at=moment(day(40)))  # day 29 is 28 days after: not yet too old
    assert code_of(lambda: give(patient, day(36), "465", coordinator_a)) == "measurement-out-of-date"
    give(patient, day(36), "465", coordinator_a, reason="Scales broken")
    measured(patient, coordinator_a, on=day(43), weight="71.0")
    assert give(patient, day(43), "465", coordinator_a).reason == ""


# --- refused ---


def test_only_those_who_record_at_the_site_record_infusions(
    site_a: Site, coordinator_a: User, coordinator_b: User, monitor: User, outsider: User
) -> None:
    patient = ready(site_a, coordinator_a)
    for somebody in (coordinator_b, monitor, outsider):
        with pytest.raises(Forbidden):
            give(patient, day(1), "745", somebody)
        with pytest.raises(Forbidden):
            miss(patient, day(1), somebody)
        with pytest.raises(Forbidden):
            measured(patient, somebody, on=day(2))
    row = give(patient, day(1), "745", coordinator_a)
    with pytest.raises(Forbidden):
        correct_administration(
            administration=row, given_on=None, given_amount=None, why="x", reason="x", by=monitor, at=moment(day(1))
        )


def test_a_day_is_recorded_once(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    give(patient, day(1), "745", coordinator_a)
    assert code_of(lambda: give(patient, day(1), "745", coordinator_a)) == "already-recorded"
    assert code_of(lambda: miss(patient, day(1), coordinator_a)) == "already-recorded"


def test_only_planned_days_of_planned_agents(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    for wrong in (lambda: give(patient, day(2), "745", coordinator_a),
                  lambda: give(patient, day(1), "10", coordinator_a, agent="lenalidomide"),
                  lambda: give(patient, day(1), "10", coordinator_a, agent="aspirin"),
                  lambda: miss(patient, day(29), coordinator_a)):  # fmt: skip
        assert code_of(wrong) == "no-such-infusion"


@pytest.mark.parametrize(("on", "possible"), [(7, False), (8, True), (11, True), (12, False)])
def test_only_within_the_window(on: int, possible: bool, site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    give(patient, day(1), "745", coordinator_a)
    if possible:
        assert give(patient, day(8), "465", coordinator_a, given_on=day(on)).given_on == day(on)
    else:
        late = {"given_on": day(on), "at": moment(day(20))}
        assert code_of(lambda: give(patient, day(8), "465", coordinator_a, **late)) == "outside-window"


def test_not_before_it_happens(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    early: dict[str, Any] = {"at": moment(DAY_ONE)}
    assert code_of(lambda: give(patient, day(1), "745", coordinator_a, given_on=day(2), **early)) == "in-the-future"
    miss(patient, day(1), coordinator_a)
    assert code_of(lambda: miss(patient, day(8), coordinator_a, **early)) == "in-the-future"


def test_one_after_another(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    assert code_of(lambda: give(patient, day(8), "465", coordinator_a)) == "earlier-infusion-open"
    assert code_of(lambda: miss(patient, day(8), coordinator_a)) == "earlier-infusion-open"


def test_nothing_is_given_after_the_end_of_treatment_or_death(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    give(patient, day(1), "745", coordinator_a)
    ending: dict[str, Any] = {"reason_code": "patient-request", "by": coordinator_a, "at": moment(day(10))}
    discontinue(patient=patient, on=day(9), **ending)
    assert code_of(lambda: give(patient, day(8), "465", coordinator_a, given_on=day(10))) == "treatment-ended"
    assert code_of(lambda: give(patient, day(15), "465", coordinator_a)) == "treatment-ended"
    assert give(patient, day(8), "465", coordinator_a, given_on=day(9), at=moment(day(12))).given_on == day(9)


def test_treatment_does_not_end_before_a_dose_that_was_given(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    give(patient, day(1), "745", coordinator_a)
    give(patient, day(8), "465", coordinator_a)
    ending: dict[str, Any] = {"reason_code": "patient-request", "by": coordinator_a, "at": moment(day(10))}
    assert code_of(lambda: discontinue(patient=patient, on=day(7), **ending)) == "dose-given-after"
    discontinue(patient=patient, on=day(8), **ending)


@pytest.mark.parametrize("amount", ["0", "-1", "10000000", "1.0001"])
def test_amounts_that_cannot_be(amount: str, site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    assert code_of(lambda: give(patient, day(1), amount, coordinator_a, reason="x")) == "amount-out-of-range"


def test_not_given_says_why(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    assert code_of(lambda: miss(patient, day(1), coordinator_a, reason="  ")) == "reason-needed"
    row = miss(patient, day(1), coordinator_a)
    assert (row.outcome, row.given_on, row.amount_to_give, row.reason) == ("not_given", None, None, "Fever")


def test_screening_patients_get_nothing(site_a: Site, coordinator_a: User) -> None:
    patient = screened(site_a, coordinator_a)
    assert code_of(lambda: give(patient, day(1), "745", coordinator_a)) == "not-registered"


def test_before_the_cycle_starts_nothing_is_planned(site_a: Site, coordinator_a: User) -> None:
    patient = registered(site_a, coordinator_a)
    measured(patient, coordinator_a)
    assert code_of(lambda: give(patient, day(1), "745", coordinator_a)) == "no-such-infusion"


def test_single_doses_are_not_counted_beside_being_recorded(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    cycle = patient.cycles.get()
    late: dict[str, Any] = {"cycle": cycle, "by": coordinator_a, "at": moment(day(28))}
    assert code_of(lambda: record_doses(agent="cetuximab", taken=4, **late)) == "recorded-singly"
    assert record_doses(agent="lenalidomide", taken=21, **late).taken == 21


def test_days_on_which_something_was_given_are_not_interrupted(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    give(patient, day(1), "745", coordinator_a)
    interruption: dict[str, Any] = {
        "cycle": patient.cycles.get(), "agent": "cetuximab", "to_day": None, "reason": "Fever", "by": coordinator_a,
        "at": moment(day(9)),
    }  # fmt: skip
    assert code_of(lambda: interrupt_dosing(from_day=day(1), **interruption)) == "dose-given-then"
    interrupt_dosing(from_day=day(2), **interruption)


# --- corrected ---


def corrected(row: Administration, on: dt.date | None, amount: str | None, by: User, **more: Any) -> Administration:
    said = {"why": "", "reason": "Typed wrongly", **more}
    given = Decimal(amount) if amount is not None else None
    return correct_administration(
        administration=row, given_on=on, given_amount=given, by=by, at=moment(day(28)), **said
    )


def test_a_correction_says_why_and_keeps_the_calculation(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    row = give(patient, day(1), "745", coordinator_a)
    correct_measurement(
        measurement=BodyMeasurement.objects.get(), measured_on=DAY_ONE, height_cm=Decimal(178), weight_kg=Decimal(60),
        reason="Scales", by=coordinator_a, at=moment(day(2)),
    )  # fmt: skip
    assert code_of(lambda: corrected(row, day(1), "740", coordinator_a, reason=" ")) == "reason-needed"
    assert code_of(lambda: corrected(row, day(1), "745", coordinator_a)) == "nothing-changed"
    row = corrected(row, day(1), "740", coordinator_a)
    assert (row.given_amount, row.amount_to_give) == (740, 745)  # as it was computed then, with 70.2 kg
    assert "70.2 kg" in row.calculation["words"]
    entry = Entry.objects.filter(table_name="patients_administration").latest("id")
    assert (entry.reason, entry.old["given_amount"], entry.new["given_amount"]) == ("Typed wrongly", 745, 740)


def test_a_corrected_day_computes_the_dose_anew(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    row = give(patient, day(1), "745", coordinator_a)
    measured(patient, coordinator_a, on=day(2), weight="80")
    # the first dose is computed with the newest height and weight: √(178 × 80 / 3600) = 1.98885; 400 × 1.99 = 796
    assert corrected(row, day(2), "795", coordinator_a).amount_to_give == 795


def test_a_deviation_put_in_by_a_correction_asks_for_its_reason_too(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    row = give(patient, day(1), "745", coordinator_a)
    assert code_of(lambda: corrected(row, day(1), "400", coordinator_a)) == "deviation-without-reason"
    assert corrected(row, day(1), "400", coordinator_a, why="Reaction").reason == "Reaction"
    assert code_of(lambda: corrected(row, day(9), "400", coordinator_a, why="Reaction")) == "outside-window"
    assert code_of(lambda: corrected(row, None, None, coordinator_a)) == "reason-needed"


def test_a_first_infusion_that_was_not_given_after_all_and_back(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    first = miss(patient, day(1), coordinator_a)
    second = give(patient, day(8), "745", coordinator_a)
    # day 1 was given after all, but day 8 stands as the first: one after the other
    assert code_of(lambda: corrected(first, day(1), "745", coordinator_a)) == "later-loading-dose"
    corrected(second, None, None, coordinator_a, why="Being put right")
    assert corrected(first, day(1), "745", coordinator_a).is_loading
    assert code_of(lambda: corrected(second, day(8), "745", coordinator_a)) == "deviation-without-reason"
    second = corrected(second, day(8), "745", coordinator_a, why="Given as the first by mistake")
    assert (second.is_loading, second.amount_to_give) == (False, 465)


def test_a_cycles_start_is_not_moved_away_from_its_doses(site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a, on=day(1))
    measured(patient, coordinator_a)
    give(patient, day(1), "745", coordinator_a)
    late: dict[str, Any] = {"cycle": patient.cycles.get(), "reason": "Wrong day", "by": coordinator_a}
    assert code_of(lambda: correct_cycle_start(started_on=day(2), at=moment(day(9)), **late)) == "doses-would-not-fit"


# --- height and weight ---


def test_plausible_limits(site_a: Site, coordinator_a: User) -> None:
    patient = registered(site_a, coordinator_a)
    for height, weight in (("49.9", "20"), ("250.1", "90"), ("178", "2.9"), ("178", "350.1"), ("178", "70.25")):
        refused = code_of(lambda h=height, w=weight: measured(patient, coordinator_a, height=h, weight=w))  # type: ignore[misc]
        assert refused == "value-out-of-range"
    swapped = code_of(lambda: measured(patient, coordinator_a, height="70.2", weight="178"))
    assert swapped == "height-and-weight-do-not-fit"


def test_one_measurement_a_day_in_the_past_since_screening(site_a: Site, coordinator_a: User) -> None:
    patient = screened(site_a, coordinator_a, on=day(3))
    measured(patient, coordinator_a, on=day(3))
    assert code_of(lambda: measured(patient, coordinator_a, on=day(3), weight="71")) == "already-measured"
    assert code_of(lambda: measured(patient, coordinator_a, on=day(2))) == "before-screening"
    ahead: dict[str, Any] = {"height_cm": Decimal(178), "weight_kg": Decimal(70), "measured_on": day(5)}
    late = {"patient": patient, "by": coordinator_a, "at": moment(day(4)), **ahead}
    assert code_of(lambda: record_measurement(**late)) == "in-the-future"


def test_a_correction_of_a_measurement(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    give(patient, day(1), "745", coordinator_a, given_on=day(2))
    row = BodyMeasurement.objects.get()

    def change(on: dt.date, weight: str, reason: str = "Typed wrongly") -> BodyMeasurement:
        return correct_measurement(
            measurement=row, measured_on=on, height_cm=Decimal(178), weight_kg=Decimal(weight), reason=reason,
            by=coordinator_a, at=moment(day(5)),
        )  # fmt: skip

    assert code_of(lambda: change(DAY_ONE, "71", " ")) == "reason-needed"
    assert code_of(lambda: change(DAY_ONE, "70.2")) == "nothing-changed"
    assert code_of(lambda: change(day(3), "70.2")) == "dose-given-before"
    assert change(day(2), "71").weight_kg == 71
    assert told(patient)[8].startswith("250 mg/m² × 1.87 m² (Mosteller, 178 cm, 71 kg on 6 Jan 2026)")


# --- in the database ---


def test_the_database_holds_the_rules_by_itself(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    first = give(patient, day(1), "745", coordinator_a)
    second = give(patient, day(8), "465", coordinator_a)
    table = "UPDATE patients_administration SET"
    for statement, row in [
        (f"{table} given_amount = 0 WHERE id = %s", first),
        (f"{table} given_amount = 400 WHERE id = %s", first),  # no reason
        (f"{table} given_on = given_on + 9 WHERE id = %s", first),
        (f"{table} given_on = NULL WHERE id = %s", first),
        (f"{table} is_loading = true WHERE id = %s", second),
        (f"{table} outcome = 'not_given' WHERE id = %s", second),
        (f"{table} day = 15 WHERE id = %s", second),
        (f"{table} agent = 'aspirin' WHERE id = %s", second),
        ("UPDATE patients_bodymeasurement SET measured_on = measured_on + 1 WHERE id = %s", first.measurement),
        ("UPDATE patients_bodymeasurement SET weight_kg = 702 WHERE id = %s", first.measurement),
        ("UPDATE patients_bodymeasurement SET weight_kg = 20 WHERE id = %s", first.measurement),
        ("UPDATE patients_bodymeasurement SET height_cm = 17.8 WHERE id = %s", first.measurement),
        ("UPDATE patients_cycle SET started_on = started_on + 1 WHERE id = %s", first.cycle),
    ]:
        assert row is not None
        with pytest.raises((IntegrityError, ProgrammingError)), transaction.atomic():
            by_hand(statement, [row.pk], coordinator_a)


def test_the_database_keeps_doses_before_the_end_of_treatment(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    give(patient, day(1), "745", coordinator_a)
    give(patient, day(8), "465", coordinator_a)
    made = discontinue(patient=patient, reason_code="patient-request", on=day(9), by=coordinator_a, at=moment(day(10)))
    moves = [
        ('UPDATE patients_discontinuation SET "on" = %s WHERE id = %s', [day(7), made.pk]),
        ("UPDATE patients_administration SET given_on = %s WHERE day = %s", [day(10), 8]),
    ]
    for statement, values in moves:
        with pytest.raises((IntegrityError, ProgrammingError)), transaction.atomic():
            by_hand(statement, values, coordinator_a)


def test_infusions_of_another_cycle_go_on_counting(site_a: Site, coordinator_a: User) -> None:
    patient = ready(site_a, coordinator_a)
    for on in (1, 8, 15, 22):
        miss(patient, day(on), coordinator_a, at=moment(day(28)))
    start(patient, day(29), coordinator_a)
    measured(patient, coordinator_a, on=day(29))
    assert give(patient, day(29), "745", coordinator_a).is_loading


def test_the_weight_in_use_is_that_of_the_last_infusion_whatever_is_recorded_for_that_day_afterwards(
    site_a: Site, coordinator_a: User
) -> None:
    patient = ready(site_a, coordinator_a)
    give(patient, day(1), "745", coordinator_a, given_on=day(2))
    measured(patient, coordinator_a, on=day(2), weight="69.0")  # entered after the infusion of that day
    assert "70.2 kg on 5 Jan 2026" in told(patient)[8]
