"""Whole trials played through the operations, so that every rule of theirs holds, for any protocol."""

import datetime as dt
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import QuerySet

from accounts.models import Signature, User
from dosing.models import Decision, Recommendation
from dosing.queries import Stage
from patients.evaluability import Standing
from patients.models import Patient
from reminders.models import Rehearsal
from tests.reminders.rehearsal.conftest import (
    ANTI_MAG,
    CETUXIMAB,
    TODAY,
    definition_of,
    draft,
    fewer,
    played,
    small,
    tried,
)

pytestmark = pytest.mark.django_db

KEYBOARD = {"name": "keyboard", "parameters": {"target": 0.30}}


def mtd_of(rehearsal: Rehearsal) -> str:
    """The label of the dose that was signed as the MTD; empty where there is none."""
    [decision] = Decision.objects.filter(
        study=rehearsal.study, recommendation__kind=Recommendation.Kind.MTD, status=Decision.Status.SIGNED
    )
    return decision.level.label if decision.level else ""


def registered(rehearsal: Rehearsal) -> QuerySet[Patient]:
    return Patient.objects.registered().filter(study=rehearsal.study).order_by("pk")


def what_happened(rehearsal: Rehearsal) -> list[Any]:
    """Everybody's days, counted from the rehearsal's first, doses and events, and all that was decided."""
    study, rows, first = rehearsal.study, list[Any](), rehearsal.started_on
    for patient in registered(rehearsal):
        cycles = [(c.number, (c.started_on - first).days, c.dose_label) for c in patient.cycles.order_by("number")]
        events = [(e.term, e.grade, (e.onset_on - first).days) for e in patient.adverse_events.order_by("pk")]
        rows.append((patient.code, patient.assigned_level.ordinal, cycles, events))
    return [*rows, *study.recommendations.order_by("number").values_list("kind", "reason")]


def test_where_nothing_is_toxic_the_mtd_is_the_highest_level(planner: User) -> None:
    rehearsal = tried(draft(small(ANTI_MAG, patients=3), planner), planner, (0.0, 0.0, 0.0))
    assert played(rehearsal, planner).stage == Stage.FINISHED
    assert mtd_of(rehearsal) == "25 mg"
    call_command("replay", rehearsal.study.key)


@pytest.mark.parametrize(
    ("definition", "levels"),
    [(small(ANTI_MAG), 3), (small(CETUXIMAB), 4), (small(ANTI_MAG, design=KEYBOARD), 3)],
    ids=["boin", "3+3", "keyboard"],
)
def test_where_everything_is_toxic_no_dose_is_safe(planner: User, definition: dict[str, Any], levels: int) -> None:
    rehearsal = tried(draft(definition, planner), planner, (0.9,) * levels)
    situation = played(rehearsal, planner)
    assert situation.stage == Stage.FINISHED
    assert mtd_of(rehearsal) == ""
    assert {p.assigned_level.ordinal for p in registered(rehearsal).select_related("assigned_level")} == {1}
    call_command("replay", rehearsal.study.key)


def test_a_keyboard_design_finds_its_way(planner: User) -> None:
    definition = small(ANTI_MAG, patients=4, design=KEYBOARD)
    rehearsal = tried(draft(definition, planner), planner, (0.0, 0.0, 1.0))
    assert played(rehearsal, planner).stage == Stage.FINISHED
    assert mtd_of(rehearsal) == "15 mg"


def test_the_same_seed_gives_the_same_trial_whenever_and_whoever_plays_it(planner: User) -> None:
    study = draft(small(ANTI_MAG), planner)
    later = TODAY + dt.timedelta(days=11)
    first, again, other = (
        tried(study, planner, (0.2, 0.4, 0.5), seed, at, late_starts=0.4, patients_per_week=2)
        for seed, at in ((3, TODAY), (3, later), (4, TODAY))
    )
    played(first, planner, most=48)
    for _ in range(4):  # each time by a new player
        played(again, planner, most=12)
    played(other, planner, most=12)
    assert len(what_happened(first)) > 2
    assert what_happened(first) == what_happened(again)
    assert what_happened(first)[0] != what_happened(other)[0]


def test_whoever_does_not_count_is_replaced(planner: User) -> None:
    rehearsal = tried(draft(small(ANTI_MAG, patients=3), planner), planner, (0.0, 0.0, 0.0), seed=5, missed_doses=0.5)
    situation = played(rehearsal, planner)
    assert situation.stage == Stage.FINISHED
    replaced = [s for s in situation.tally.standings if s.replaced]
    assert replaced
    assert not any(s.counts for s in replaced)
    assert situation.tally.escalation.total_treated == len(situation.tally.standings) - len(replaced) == 3


def test_nobody_is_put_in_the_place_of_a_patient_whose_cohort_was_decided_without(planner: User) -> None:
    """At the highest dose the third patient changes nothing: the next cohort opens at once, and this one is closed."""
    definition = small(ANTI_MAG, patients=4)
    definition["escalation"]["start_level"] = 3
    rehearsal = tried(draft(definition, planner), planner, (0.0, 0.0, 0.0), seed=5, missed_doses=0.5)
    tally = played(rehearsal, planner).tally
    [without] = [s for s in tally.standings if s.standing == Standing.NOT_EVALUABLE and not s.replaced]
    assert without.window is not None
    assert without.patient.slot is not None
    closed_at = without.patient.slot.cohort.closed_at
    assert closed_at is not None
    assert closed_at.date() < without.window[0]
    assert tally.escalation.total_treated == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "toxicity"),
    [(ANTI_MAG, (0.0, 0.0, 1.0)), (CETUXIMAB, (0.0, 1.0, 1.0, 1.0))],
    ids=["anti-mag", "cetuximab"],
)
def test_a_whole_protocol_is_played_to_the_end_of_its_expansion(
    planner: User, name: str, toxicity: tuple[float, ...]
) -> None:
    definition = definition_of(name)
    definition["escalation"] = fewer(definition, patients=4)
    definition["expansion"]["patients"] = 2
    rehearsal = tried(draft(definition, planner), planner, toxicity, seed=2, missed_doses=0)
    situation = played(rehearsal, planner)
    assert situation.stage == Stage.EXPANSION
    assert mtd_of(rehearsal) != ""
    assert sum(s.counts for s in situation.tally.in_part("expansion")) == 2
    _everything_was_recorded(rehearsal)
    call_command("replay", rehearsal.study.key)


def _everything_was_recorded(rehearsal: Rehearsal) -> None:
    """What each protocol has was recorded for its patients, and nothing real signed."""
    protocol = rehearsal.study.protocol
    for patient in registered(rehearsal).exclude(window_assessment=None):
        if protocol.samples:
            assert patient.collections.exists()
        if protocol.recorded_activities:
            assert patient.activities.filter(outcome="done").exists()
        if protocol.by_body_size:
            assert patient.measurements.exists()
            assert patient.administrations.filter(outcome="given", is_loading=True).count() == 1
    signers = Signature.objects.filter(study_id=rehearsal.study_id).values_list("signer__username", flat=True)
    assert signers
    assert all(name.startswith(User.INVENTED) for name in signers)
