"""What may come of one step: the rules of the design's section 4 about what is new since the step before."""

from __future__ import annotations

from tests.properties import slow_model as slow
from tests.properties.tables import Row, Tables

FINAL = ("slot_id", "part_id", "assigned_level_id", "version_id", "registered_at", "planned_start")


def hold(before: Tables, after: Tables) -> None:
    """Everything that can be said of what has changed. `before` is read at the moment of `after`."""
    for patient in after.registered:
        was = before.get("patients", patient.id)
        if was is None or was.registered_at is None:
            _could_register(before, patient)
        else:
            assert all(getattr(was, name) == getattr(patient, name) for name in FINAL), f"{patient.code} was moved"
    for recommendation in _new("recommendations", before, after):
        _was_right(before, after, recommendation)
    for decision in after.decisions:
        was = before.get("decisions", decision.id)
        assert was is None or was.status in ("proposed", decision.status)
        if decision.status == "signed" and (was is None or was.status != "signed"):
            _was_signed(before, after, decision)
    for cohort in _new("cohorts", before, after):
        assert any(d.opened_cohort_id == cohort.id and d.status == "signed" for d in after.decisions)
    _levels(before, after)
    for slot in _new("slots", before, after):
        _replaces_somebody(before, slot)
    _nothing_planned_after_the_end(before, after)


def _new(name: str, before: Tables, after: Tables) -> list[Row]:
    known = {row.id for row in before.rows[name]}
    return [row for row in after.rows[name] if row.id not in known]


def _could_register(before: Tables, patient: Row) -> None:
    """Rules 4 and 8: only into the open cohort of an open level, while nothing stops registration."""
    study = before.study
    assert study.accrual_suspended_at is None, f"{patient.code} registered while accrual is suspended"
    assert not study.held_reason, f"{patient.code} registered while a decision holds registration"
    slot = before.get("slots", patient.slot_id)
    assert slot is not None
    assert slot.used_at is None
    assert before.open_cohort is not None
    assert slot.cohort_id == before.open_cohort.id
    level = before.get("levels", patient.assigned_level_id)
    assert level is not None
    assert level.closed_at is None
    held = slot.reserved_until is not None and slot.reserved_until > before.at
    assert not held or slot.reserved_for_site_id == patient.site_id, f"{patient.code} took another site's slot"
    assert not waits(before), f"{patient.code} registered while a decision waits"
    consent = next((c for c in before.of("consents", patient)), None)
    check = next((c for c in before.of("checks", patient)), None)
    assert consent is not None
    assert check is not None
    assert check.eligible


def waits(tables: Tables) -> bool:
    """Whether the newest recommendation is neither decided on nor overtaken by the data."""
    if not tables.recommendations:
        return False
    newest = tables.recommendations[-1]
    if any(d.recommendation_id == newest.id and d.status == "signed" for d in tables.decisions):
        return False
    return _snapshot(newest) == _of_now(tables, newest.kind)


def _snapshot(recommendation: Row) -> dict[str, str]:
    return {p["patient"]: p["standing"] for p in recommendation.inputs["patients"]}


def _of_now(tables: Tables, kind: str) -> dict[str, str]:
    counted = slow.count(tables, None if kind == "monitoring" else "escalation")
    codes = {p.id: p.code for p in tables.registered}
    found = {codes[pk]: standing for pk, standing in counted.standings.items()}
    return found if kind != "monitoring" else {c: s for c, s in found.items() if s in slow.COUNTS}


def _inputs_are(tables: Tables, recommendation: Row) -> slow.Count:
    """Rules 3 and 5: what the recommendation was made of is what the slow model counts now."""
    kind, inputs = recommendation.kind, recommendation.inputs
    counted = slow.count(tables, None if kind == "monitoring" else "escalation")
    assert tuple(inputs["tally"]["treated"]) == counted.n
    assert tuple(inputs["tally"]["dlts"]) == counted.y
    assert _snapshot(recommendation) == _of_now(tables, kind)
    if kind != "monitoring":
        assert tuple(inputs["pending"]) == counted.pending
    closed = next((level.ordinal for level in tables.levels if level.closed_at is not None), None)
    assert inputs["closed_from"] == closed
    return counted


def _was_right(before: Tables, after: Tables, recommendation: Row) -> None:
    """Rule 2: it is what the engine advises, whatever becomes of the pending patients."""
    counted, inputs = _inputs_are(after, recommendation), recommendation.inputs
    level, closed = after.level(recommendation.level_id), inputs["closed_from"]
    top = len(after.levels) if closed is None else closed - 1
    assert level is None or level <= top, f"recommendation {recommendation.number} is for a closed level"
    if recommendation.kind == "mtd":
        assert not any(counted.pending), "the MTD is selected while somebody is pending"
        _mtd_is(after, counted, level, top, inputs)
    elif recommendation.kind == "monitoring":
        assert level is None or level <= inputs["current_dose"], "the dose of an expansion goes up"
    else:
        _dose_is(before, after, counted, recommendation, level, top)


def _mtd_is(tables: Tables, counted: slow.Count, level: int | None, top: int, inputs: dict[str, object]) -> None:
    if tables.file["design"]["name"] == "three_plus_three":
        assert level is None or counted.y[level - 1] * 6 <= counted.n[level - 1]
        assert level is None or counted.n[level - 1] >= 6
        if top == len(tables.levels) and "highest_dose" not in inputs:
            assert level == slow.mtd_by_counts(counted)
    elif top == len(tables.levels) and "highest_dose" not in inputs:
        assert level == slow.design_of(tables.file).select_mtd(counted.tally).dose


def _dose_is(
    before: Tables, after: Tables, counted: slow.Count, recommendation: Row, level: int | None, top: int
) -> None:
    current = slow.current_level(after)
    assert recommendation.inputs["current_dose"] == current
    possible = slow.possible_doses(after.file, counted, current, counted.pending)
    clipped = {None if dose is None or top == 0 else min(dose, top) for dose in possible}
    stops_by_closing = level is None and top < len(after.levels)
    assert clipped == {level} or stops_by_closing, f"recommended {level}; the engine: {possible}, open up to {top}"
    tried = {after.level(p.assigned_level_id) or 0 for p in after.registered}
    assert level is None or level <= max(tried, default=0) + 1, "a level is skipped upwards"
    _cohort_is_complete(before, after, counted, level, top)


def _cohort_is_complete(before: Tables, after: Tables, counted: slow.Count, level: int | None, top: int) -> None:
    """A cohort with open places is left only downwards, whoever might still come; or for a decision to reconsider."""
    cohort = after.open_cohort
    if cohort is None or level is None or _to_reconsider(before):
        return
    slots = [s for s in after.slots if s.cohort_id == cohort.id]
    standings = {p.slot_id: counted.standings.get(p.id, "") for p in after.registered}
    replaced = {s.replaces_id for s in slots}
    wanted = [s for s in slots if s.used_at is None and standings.get(s.replaces_id) not in slow.COUNTS]
    unreplaced = [s for s in slots if standings.get(s.id) == slow.NOT_EVALUABLE and s.id not in replaced]
    places, here = len(wanted) + len(unreplaced), after.level(cohort.level_id) or 0
    if places == 0:
        return
    pending = tuple(n + places * (place + 1 == here) for place, n in enumerate(counted.pending))
    possible = slow.possible_doses(after.file, counted, slow.current_level(after), pending)
    assert {None if d is None else min(d, top) for d in possible} == {level}, "an incomplete cohort is decided on"
    assert level < here


def _to_reconsider(tables: Tables) -> bool:
    """Whether what a signed decision rested on is not so any more."""
    now = {p.code: slow.standing(tables, p) for p in tables.registered}
    for decision in tables.decisions:
        if decision.status == "signed":
            recommendation = tables.get("recommendations", decision.recommendation_id)
            assert recommendation is not None
            if any(now.get(code) != then for code, then in _snapshot(recommendation).items()):
                return True
    return False


def _was_signed(before: Tables, after: Tables, decision: Row) -> None:
    """Rules 4 to 6: by every role, on data that are right, not above the recommendation, not at a closed level."""
    recommendation = after.get("recommendations", decision.recommendation_id)
    assert recommendation is not None
    assert recommendation.id == after.recommendations[-1].id, "an older recommendation was decided on"
    _inputs_are(before, recommendation)
    wanted = after.file["signatures"]["mtd" if recommendation.kind == "mtd" else "dose_decision"]
    signed = [s for s in after.signatures if s.record_key == str(decision.id)]
    assert sorted(s.role for s in signed) == sorted(wanted), "a role that the protocol names has not signed"
    assert len({s.signer_id for s in signed}) == len(wanted), "one person signed for two"
    chosen, recommended = after.level(decision.level_id), after.level(recommendation.level_id)
    if chosen is not None:
        assert recommended is not None
        assert chosen <= recommended, "higher than recommended"
        level = before.get("levels", decision.level_id)
        assert level is not None
        assert level.closed_at is None, "an eliminated dose was signed"
    assert decision.choice == "accept" or decision.comment.strip()
    cohort = after.get("cohorts", decision.opened_cohort_id)
    if cohort is not None:
        assert decision.choice not in ("hold", "stop")
        assert (cohort.level_id, cohort.size) == (decision.level_id, decision.cohort_size)
        assert 1 <= cohort.size <= _most(after, recommendation)
    if decision.choice == "hold":
        assert after.study.held_reason


def _most(tables: Tables, recommendation: Row) -> int:
    plan = tables.file["escalation" if recommendation.kind == "dose" else "expansion"]
    return int(plan["maximum_cohort_size"] if recommendation.kind == "dose" else plan["patients"])


def _levels(before: Tables, after: Tables) -> None:
    """Rule 7: closed for good, and only because the lowest of them has too many DLTs in this very state."""
    closed = [
        place
        for place, level in enumerate(after.levels)
        if level.closed_at is not None and before.levels[place].closed_at is None
    ]
    assert not any(
        was.closed_at is not None and now.closed_at is None
        for was, now in zip(before.levels, after.levels, strict=True)
    ), "a closed level is open again"
    if closed:
        both = slow.count(after)
        lowest = closed[0]
        assert slow.too_toxic(after.file, both.n[lowest], both.y[lowest]), "a level was closed without a reason"


def _replaces_somebody(before: Tables, slot: Row) -> None:
    if slot.replaces_id is None:
        return
    patient = next(p for p in before.registered if p.slot_id == slot.replaces_id)
    assert slow.standing(before, patient) == slow.NOT_EVALUABLE, f"{patient.code} was replaced, but is evaluable"


def _nothing_planned_after_the_end(before: Tables, after: Tables) -> None:
    """Rule 12: what was planned after the last day of treatment is recorded no more."""
    ended = {e.patient_id: e.on for e in before.ends if e.retreated_on is None}
    for row in _new("samples", before, after):
        assert row.patient_id not in ended or row.planned_on <= ended[row.patient_id]
    at_the_end = {
        t["code"]
        for activity in [*after.file.get("activities", []), {"timepoints": after.file.get("visits", [])}]
        for t in activity["timepoints"]
        if t["anchor"] == "end-of-treatment"
    }
    for row in _new("activities", before, after):
        late = row.patient_id in ended and row.planned_on > ended[row.patient_id]
        assert not late or row.timepoint in at_the_end, f"{row.activity} {row.timepoint} recorded after the end"
    for name in ("cycles", "reductions", "interruptions"):
        for row in _new(name, before, after):
            again = [e for e in after.ends if e.patient_id == row.patient_id and e.retreated_on is None]
            assert row.patient_id not in ended or not again or name == "interruptions", f"{name} after the end"
