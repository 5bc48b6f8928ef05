"""Design rule 7: DLTs that reach the elimination boundary close the level and all above, in the same transaction.

Target 0.30: 3 of 3, 3 of 4 and 4 of 5 or 6 evaluable patients with a DLT eliminate a level; fewer than 3 never do.
"""

import datetime as dt

import pytest

from accounts.models import User
from patients.models import Patient, WindowAssessment
from patients.operations import (
    assess_dlt,
    assess_window,
    correct_adverse_event,
    correct_cycle_start,
    correct_window_assessment,
    discontinue,
    register_patient,
)
from patients.operations.safety import elimination_boundary_at, standings_at
from tests.cast import ANTI_MAG, DAY_ONE, definition_in, moment, table_of
from tests.patients.events import recorded
from tests.patients.steps import day, eligible, treated
from tests.patients.test_events import refusal
from trials.errors import Refused
from trials.models import Boundary, Site, Study
from trials.operations import BoundaryRow, add_site, adopt_protocol


@pytest.fixture
def draft_study(rung: User, at: dt.datetime) -> Study:
    """The anti-MAG study with a first cohort of six at 15 mg, so that levels lie on both sides."""
    definition = definition_in(ANTI_MAG)
    definition["escalation"] |= {"cohort_size": 6, "maximum_cohort_size": 6, "start_level": 2}
    version = adopt_protocol(definition=definition, rehearsal_day=DAY_ONE, by=rung, at=at)
    add_site(study=version.study, code="A", name="Northfield", time_zone="America/New_York", by=rung, at=at)
    add_site(study=version.study, code="B", name="Lindby", time_zone="Europe/Stockholm", by=rung, at=at)
    return version.study


@pytest.fixture
def boundaries() -> list[BoundaryRow]:
    return table_of(max_n=12)


@pytest.fixture
def patients(site_a: Site, coordinator_a: User) -> list[Patient]:
    """Five at 15 mg, treated from day 1; a sixth slot is open."""
    return [treated(site_a, coordinator_a) for _ in range(5)]


def dlt(patient: Patient, by: User, number: int = 5) -> None:
    recorded(patient, by, day(number), is_dlt=True)


def no_dlt(patient: Patient, by: User, taken: int = 21) -> None:
    assess_window(patient=patient, taken=taken, by=by, at=moment(day(29)))


def closed(study: Study) -> list[int]:
    return [level.ordinal for level in study.levels.exclude(closed_at=None)]


def test_the_table_says_at_how_many_dlts_a_level_is_eliminated(study: Study) -> None:
    table = Boundary.objects.filter(version__study=study, n__lte=6).order_by("n")
    assert [row.eliminate_if_at_least for row in table] == [None, None, 3, 3, 4, 4]


@pytest.mark.req("P11-10f", "R3-4.3.4", "EMA-A5.2.1")
def test_three_of_three_close_the_level_and_all_above(
    study: Study, patients: list[Patient], coordinator_a: User
) -> None:
    for patient in patients[:2]:
        dlt(patient, coordinator_a)
    assert closed(study) == []
    dlt(patients[2], coordinator_a)
    assert closed(study) == [2, 3]
    assert study.levels.get(ordinal=2).closed_reason == (
        "3 of 3 patients at 15 mg had a DLT; with 3 patients the dose is eliminated at 3"
    )
    cohort = study.cohorts.get(number=1)
    assert cohort.closed_at == moment(day(5))
    assert "safety stop" in cohort.closed_reason


def test_two_of_two_do_not_whatever_their_share(study: Study, patients: list[Patient], coordinator_a: User) -> None:
    for patient in patients[:2]:
        dlt(patient, coordinator_a)
    assert closed(study) == []


@pytest.mark.req("P11-10f")
def test_nobody_is_registered_at_a_closed_level(
    study: Study, site_a: Site, patients: list[Patient], coordinator_a: User
) -> None:
    waiting = eligible(site_a, coordinator_a, day(5))
    for patient in patients[:3]:
        dlt(patient, coordinator_a)
    with pytest.raises(Refused):
        register_patient(patient=waiting, planned_start=day(6), by=coordinator_a, at=moment(day(6)))


def test_patients_in_their_window_are_not_counted(study: Study, patients: list[Patient], coordinator_a: User) -> None:
    """Five are treated, but only those with a DLT are evaluable: n is 3, not 5, and 3 of 3 stop."""
    for patient in patients[:3]:
        dlt(patient, coordinator_a)
    standings = standings_at(study.levels.get(ordinal=2), moment(day(5)))
    assert (len(standings), sum(s.counts for s in standings)) == (5, 3)
    assert closed(study) == [2, 3]


def test_among_five_evaluable_the_fourth_dlt_stops(study: Study, patients: list[Patient], coordinator_a: User) -> None:
    for patient in patients[:2]:
        no_dlt(patient, coordinator_a)
    for patient in patients[2:]:
        recorded(patient, coordinator_a, day(5), at_day=day(29), is_dlt=True)
    assert closed(study) == []
    recorded(patients[0], coordinator_a, day(20), at_day=day(29), is_dlt=True)
    assert closed(study) == [2, 3]


def test_a_patient_who_does_not_count_is_not_in_n(study: Study, patients: list[Patient], coordinator_a: User) -> None:
    """3 DLTs among 5 do not stop; when one of the other two turns out not to be evaluable, 3 of 4 do."""
    for patient in patients[:2]:
        no_dlt(patient, coordinator_a)
    for patient in patients[2:]:
        recorded(patient, coordinator_a, day(5), at_day=day(29), is_dlt=True)
    assert closed(study) == []
    correct_window_assessment(
        assessment=WindowAssessment.objects.get(patient=patients[0]),
        taken=5,
        reason="diary found",
        by=coordinator_a,
        at=moment(day(30)),
    )
    assert closed(study) == [2, 3]


def test_an_end_of_treatment_recorded_late_that_takes_a_patient_out_of_n_stops(
    study: Study, patients: list[Patient], coordinator_a: User
) -> None:
    for patient in patients[:2]:
        no_dlt(patient, coordinator_a)
    for patient in patients[2:]:
        recorded(patient, coordinator_a, day(5), at_day=day(29), is_dlt=True)
    assert closed(study) == []
    discontinue(patient=patients[0], reason_code="patient-request", on=day(3), by=coordinator_a, at=moment(day(30)))
    assert closed(study) == [2, 3]


def test_a_correction_that_brings_a_dlt_into_the_window_stops(
    study: Study, patients: list[Patient], coordinator_a: User
) -> None:
    event = recorded(patients[0], coordinator_a, day(5), at_day=day(29), is_dlt=True)
    correct_adverse_event(
        event=event, changes={"onset_on": day(29)}, reason="wrong day", by=coordinator_a, at=moment(day(29))
    )
    for patient in patients[1:3]:
        recorded(patient, coordinator_a, day(5), at_day=day(29), is_dlt=True)
    assert closed(study) == []
    correct_adverse_event(
        event=event, changes={"onset_on": day(6)}, reason="it was right", by=coordinator_a, at=moment(day(29))
    )
    assert closed(study) == [2, 3]


def test_a_corrected_start_that_brings_a_dlt_into_the_window_stops(
    study: Study, patients: list[Patient], coordinator_a: User
) -> None:
    def start_on(number: int) -> None:
        cycle = patients[0].cycles.get()
        correct_cycle_start(
            cycle=cycle, started_on=day(number), reason="the diary says so", by=coordinator_a, at=moment(day(10))
        )

    dlt(patients[0], coordinator_a)
    start_on(8)
    for patient in patients[1:3]:
        dlt(patient, coordinator_a)
    assert closed(study) == []
    start_on(1)
    assert closed(study) == [2, 3]


def test_what_is_closed_stays_closed_when_a_dlt_is_judged_otherwise(
    study: Study, patients: list[Patient], coordinator_a: User, investigator_a: User
) -> None:
    events = [recorded(p, coordinator_a, day(5), is_dlt=True) for p in patients[:3]]
    assess_dlt(event=events[0], is_dlt=False, rationale="norovirus", by=investigator_a, at=moment(day(6)))
    assert closed(study) == [2, 3]
    dlt(patients[3], coordinator_a, 6)
    assert closed(study) == [2, 3]


def test_when_the_dlt_is_refused_the_level_stays_open(
    study: Study, patients: list[Patient], coordinator_a: User
) -> None:
    for patient in patients[:2]:
        dlt(patient, coordinator_a)
    with refusal("outside-window"):
        recorded(patients[2], coordinator_a, day(30), is_dlt=True)
    assert closed(study) == []


@pytest.mark.parametrize(("n", "boundary"), [(2, None), (3, 3), (12, 7), (30, 7)])
def test_beyond_the_end_of_the_table_its_last_row_holds(study: Study, n: int, boundary: int | None) -> None:
    assert elimination_boundary_at(study, n) == boundary
