"""What must hold after every step, whoever did what: the rules of the design's section 4, over the rows."""

from __future__ import annotations

import datetime as dt

from dosing.queries.tally import tally_now
from tests.properties import slow_model as slow
from tests.properties.tables import Row, Tables
from trials.models import Study

DAY = dt.timedelta(days=1)


def hold(tables: Tables, counted_before: slow.Count | None = None, *, count_anyway: bool = True) -> slow.Count:
    """Everything that can be said of one state. Returns the count of both parts.

    The product's tally takes the longest to read: it is compared when the count is another one, and now and then.
    """
    both = slow.count(tables)
    if both != counted_before or count_anyway:
        _counted_once(tables, both, slow.count(tables, "escalation"))
    _safety_stop(tables, both)
    _slots(tables)
    for patient in tables.registered:
        _reductions(tables, patient)
        _cycles(tables, patient)
        _nothing_after_the_end(tables, patient)
    return both


def _counted_once(tables: Tables, both: slow.Count, escalation: slow.Count) -> None:
    """Rule 1: the product's tally is that of the slow model."""
    now = tally_now(Study.objects.get(pk=tables.study.id), tables.at)
    standings = {s.patient.pk: s.standing.value for s in now.standings}
    assert standings == both.standings, f"standings {standings}, by the model {both.standings}"
    assert (now.pooled.treated, now.pooled.dlts) == (both.n, both.y)
    assert (now.escalation.treated, now.escalation.dlts) == (escalation.n, escalation.y)
    assert now.pending == escalation.pending


def _safety_stop(tables: Tables, both: slow.Count) -> None:
    """Rule 7: a dose that has too many DLTs is closed, with all above, and no cohort is open there."""
    for place, level in enumerate(tables.levels):
        n, y = both.n[place], both.y[place]
        if slow.too_toxic(tables.file, n, y):
            assert level.closed_at is not None, f"{y} of {n} at {level.label}, and it is open"
    closed = [level.closed_at is not None for level in tables.levels]
    assert closed == sorted(closed), f"a level above a closed one is open: {closed}"
    cohort = tables.open_cohort
    if cohort is not None:
        level = tables.get("levels", cohort.level_id)
        assert level is not None
        assert level.closed_at is None, f"cohort {cohort.number} is open at {level.label}, which is closed"


def _slots(tables: Tables) -> None:
    """Rule 8: as many places as were signed, and one for each who is replaced; each is used once."""
    assert sum(c.closed_at is None for c in tables.cohorts) <= 1
    holders = [p.slot_id for p in tables.registered]
    assert len(set(holders)) == len(holders), "a slot has two patients"
    for cohort in tables.cohorts:
        slots = [s for s in tables.slots if s.cohort_id == cohort.id]
        assert sum(s.replaces_id is None for s in slots) == cohort.size
        for slot in slots:
            assert (slot.used_at is not None) == (slot.id in holders), f"slot {slot.number} of cohort {cohort.number}"
            assert slot.replaces_id is None or slot.replaces_id in holders
    replaced = [s.replaces_id for s in tables.slots if s.replaces_id is not None]
    assert len(set(replaced)) == len(replaced), "somebody is replaced twice"
    for patient in tables.registered:
        slot = tables.get("slots", patient.slot_id)
        cohort = tables.get("cohorts", slot.cohort_id) if slot else None
        assert cohort is not None
        assert (patient.part_id, patient.assigned_level_id) == (cohort.part_id, cohort.level_id)
    planned = {p.kind: p.planned_patients for p in tables.parts}
    expansion = sum(tables.part(p.part_id) == "expansion" for p in tables.registered)
    assert expansion <= planned.get("expansion", 0) + len(replaced)


def _reductions(tables: Tables, patient: Row) -> None:
    """Rule 10: at most the protocol's number, each one rung down from where the patient started."""
    made, ladder = tables.of("reductions", patient), tables.file["reductions"]["ladder"]
    assert len(made) <= tables.file["reductions"]["maximum"]
    level = tables.level(patient.assigned_level_id)
    rung = next(place for place, step in enumerate(ladder) if step.get("level") == level)
    for number, reduction in enumerate(made, 1):
        assert (reduction.number, reduction.from_rung, reduction.to_rung) == (number, rung, rung + 1)
        assert reduction.explanation.strip()
        assert reduction.cause != "adverse_event" or reduction.event_id is not None
        rung += 1
    assert rung < len(ladder)
    for cycle in tables.of("cycles", patient):
        in_force = rung - sum(r.effective_on > cycle.started_on for r in made)
        early = [r for r in made if r.cause != "retreatment"]
        assert cycle.rung == in_force or early, f"{patient.code} cycle {cycle.number} at rung {cycle.rung}"


def _cycles(tables: Tables, patient: Row) -> None:
    """Rules 11 and 13: cycles in their order, each due by the actual start of the one before, none after the limit."""
    limit, lead_in = tables.file["delay"]["limit_days"] * DAY, tables.file.get("lead_in")
    first = 0 if lead_in else 1
    cycles = sorted(tables.of("cycles", patient), key=lambda c: c.number)
    assert [c.number for c in cycles] == list(range(first, first + len(cycles)))
    resumed = [end.retreated_on for end in tables.of("ends", patient) if end.retreated_on]
    before = None
    for cycle in cycles:
        if before is None:
            due = {patient.planned_start, *resumed}
        else:
            days = lead_in["length_days"] if before.number == 0 else tables.file["cycle"]["length_days"]
            due = {before.started_on + days * DAY, *(day for day in resumed if day > before.started_on)}
        assert cycle.due_on in due, f"{patient.code} cycle {cycle.number} due on {cycle.due_on}, not one of {due}"
        assert cycle.started_on <= cycle.due_on + limit, f"{patient.code} cycle {cycle.number} is too late"
        if before is not None:
            assert cycle.started_on >= cycle.due_on, f"{patient.code} cycle {cycle.number} is too early"
            assert cycle.started_on > before.started_on
        assert cycle.started_on <= tables.today(patient)
        before = cycle


def _nothing_after_the_end(tables: Tables, patient: Row) -> None:
    """Rule 12: no treatment after the last day, and event monitoring from then on."""
    ended = next((end for end in tables.of("ends", patient) if end.retreated_on is None), None)
    treated = patient.status in ("registered", "on_treatment")
    assert treated == (ended is None), f"{patient.code} is {patient.status}, with end {ended}"
    if ended is None:
        return
    assert all(c.started_on <= ended.on for c in tables.of("cycles", patient))
    assert all(i.given_on is None or i.given_on <= ended.on for i in tables.of("infusions", patient))
    assert all(i.to_day is not None or i.from_day > ended.on for i in tables.of("interruptions", patient))
    later = [v.done_on for v in tables.of("visits", patient)]
    assert later == sorted(set(later))
