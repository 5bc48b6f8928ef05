"""Steps of treatment: cycles, doses, infusions, reductions, interruptions, the end of it and what follows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random

from patients import operations as do
from patients.models import (
    Administration,
    AdverseEvent,
    BodyMeasurement,
    Cycle,
    Discontinuation,
    FollowUpVisit,
    Interruption,
)
from tests.properties import slow_model as slow
from tests.properties.steps_of_people import DAY, FAR, a_patient, day, person, some
from tests.properties.tables import Row
from tests.properties.trial import ENTER, Trial

REASONS = ("seen at the visit", "", "read wrongly")


def next_due(t: Trial, patient: Row) -> dt.date:
    """When the next cycle is due, by the cycle before it."""
    cycles = t.now.of("cycles", patient)
    resumed = [e.retreated_on for e in t.now.of("ends", patient) if e.retreated_on]
    if not cycles:
        return max([patient.planned_start, *resumed])
    last, lead_in = cycles[-1], t.file.get("lead_in")
    days = lead_in["length_days"] if last.number == 0 else t.file["cycle"]["length_days"]
    return max([last.started_on + days * DAY, *resumed])


def start(t: Trial, r: Random, wild: bool, patient: Row | None = None) -> None:
    patient = patient or a_patient(t, r, "registered", "on_treatment", *(["event_monitoring"] if wild else []))
    if patient is None or patient.registered_at is None:
        return
    due, today = next_due(t, patient), t.today(patient)
    on = min(due + r.choice([0, 0, 0, 1, 3, 28]) * DAY, today)
    if wild:
        on = r.choice([due, due - DAY, due + 28 * DAY, due + 29 * DAY, today, today + DAY, *FAR])
    site = patient.site_id
    actor = t.by(r, ENTER, site, wild)
    more = {"rung": r.randint(0, 5)} if wild and r.random() < 0.1 else {}
    t.attempt("start", do.start_cycle, actor, ENTER, site, patient=person(patient), started_on=on, **more)


def correct_start(t: Trial, r: Random, wild: bool) -> None:
    cycle = some(r, t.now.cycles)
    if cycle is None:
        return
    patient = t.now.get("patients", cycle.patient_id)
    assert patient is not None
    on = cycle.started_on + r.choice([-7, -1, 1, 2, 7, 28, *([0, 60, -400] if wild else [])]) * DAY
    t.attempt(
        "correct start",
        do.correct_cycle_start,
        t.by(r, ENTER, patient.site_id, wild),
        ENTER,
        patient.site_id,
        cycle=Cycle.objects.get(pk=cycle.id),
        started_on=on,
        reason=r.choice(REASONS),
    )


def doses(t: Trial, r: Random, wild: bool) -> None:
    cycle = some(r, t.now.cycles)
    if cycle is None:
        return
    patient = t.now.get("patients", cycle.patient_id)
    assert patient is not None
    agents = [a["code"] for a in t.file["agents"]]
    agent = r.choice([*agents, "aspirin"]) if wild else agents[0]
    passed = [d for d in slow.planned_days(t.now, cycle, agent) if d <= t.today(patient)]
    taken = r.choice([-1, 0, 7, 21, 29, 10**9]) if wild else max(0, len(passed) - r.choice([0, 0, 1, 9]))
    actor, site = t.by(r, ENTER, patient.site_id, wild), patient.site_id
    row = Cycle.objects.get(pk=cycle.id)
    if r.random() < 0.5:
        given = {"taken": {agent: taken}, "reason": r.choice(REASONS)}
        t.attempt("cycle doses", do.record_cycle_doses, actor, ENTER, site, cycle=row, **given)
    else:
        given = {"agent": agent, "taken": taken, "reason": r.choice(REASONS)}
        t.attempt("doses", do.record_doses, actor, ENTER, site, cycle=row, **given)


def measure(t: Trial, r: Random, wild: bool) -> None:
    patient = a_patient(t, r, "registered", "on_treatment", *(["screening", "event_monitoring"] if wild else []))
    if patient is None:
        return
    height, weight = Decimal(r.choice(["170.0", "181.5"])), Decimal(r.choice(["70.0", "80.0", "55.5"]))
    if wild:
        height, weight = r.choice([(height, weight), (weight, height), (Decimal("-1"), weight), (height, Decimal("0"))])
    actor, site, known = t.by(r, ENTER, patient.site_id, wild), patient.site_id, some(r, t.now.rows["measurements"])
    size = {"measured_on": day(t, r, patient, None, wild), "height_cm": height, "weight_kg": weight}
    if known is None or r.random() < 0.7:
        t.attempt("measure", do.record_measurement, actor, ENTER, site, patient=person(patient), **size)
        return
    row = BodyMeasurement.objects.select_related("patient").get(pk=known.id)
    site = row.patient.site_id
    actor = t.by(r, ENTER, site, wild)
    reason = r.choice(REASONS)
    t.attempt("correct size", do.correct_measurement, actor, ENTER, site, measurement=row, reason=reason, **size)


def infusion_agents(t: Trial) -> list[str]:
    return sorted({d["agent"] for lv in t.file["levels"] for d in lv["doses"] if d["route"] == "intravenous"})


def infuse(t: Trial, r: Random, wild: bool) -> None:
    """The earliest infusion of a patient of which nothing is recorded, or another one."""
    patient = a_patient(t, r, "on_treatment", *(["event_monitoring"] if wild else []))
    agents = infusion_agents(t)
    if patient is None or not agents:
        return
    agent, cycles = r.choice(agents), [c for c in t.now.of("cycles", patient) if c.number > 0]
    known = {(row.cycle_id, row.day) for row in t.now.of("infusions", patient)}
    days = [(c, d) for c in cycles for d in slow.planned_days(t.now, c, agent)]
    still = [d for c, d in days if (c.id, (d - c.started_on).days + 1) not in known]
    if not still and not wild:
        return
    planned = r.choice([still[0] if still else t.today(patient), t.today(patient)]) if wild else still[0]
    actor, site = t.by(r, ENTER, patient.site_id, wild), patient.site_id
    which = {"patient": person(patient), "agent": agent, "planned_on": planned}
    if r.random() < 0.15:
        reason = r.choice(REASONS)
        t.attempt("not given", do.record_not_given, actor, ENTER, site, **which, reason=reason)
        return
    on = planned + (r.choice([-2, -1, 3, 4, 30]) if wild else r.choice([0, 0, 1])) * DAY
    amount = Decimal(r.choice(["480", "755", "0", "-5", "1000000000"])) if wild else Decimal(r.choice(["480", "755"]))
    given = {"given_on": on, "given_amount": amount, "reason": r.choice(REASONS)}
    t.attempt("infuse", do.record_administration, actor, ENTER, site, **which, **given)


def correct_infusion(t: Trial, r: Random, wild: bool) -> None:
    known = some(r, t.now.infusions)
    if known is None:
        return
    row = Administration.objects.select_related("patient__site").get(pk=known.id)
    site, gone = row.patient.site_id, r.random() < 0.3
    on = (known.given_on or t.at.date()) + r.choice([-1, 0, 0, 1, *([-30, 30] if wild else [])]) * DAY
    t.attempt(
        "correct infusion",
        do.correct_administration,
        t.by(r, ENTER, site, wild),
        ENTER,
        site,
        administration=row,
        given_on=None if gone else on,
        given_amount=None if gone else Decimal(r.choice(["470", "755", "480"])),
        why=r.choice(REASONS),
        reason=r.choice(REASONS),
    )


def reduce(t: Trial, r: Random, wild: bool) -> None:
    patient = a_patient(t, r, "on_treatment", *(["registered", "event_monitoring", "screening"] if wild else []))
    if patient is None:
        return
    event = some(r, t.now.events if wild else t.now.of("events", patient))
    cause = r.choice(["adverse_event", "other", *(["retreatment", "none"] if wild else [])])
    actor, site = t.by(r, ENTER, patient.site_id, wild), patient.site_id
    t.attempt(
        "reduce",
        do.reduce_dose,
        actor,
        ENTER,
        site,
        patient=person(patient),
        cause=cause,
        explanation=r.choice(REASONS),
        effective_on=day(t, r, patient, t.today(patient) + r.choice([0, 1, 7]) * DAY, wild),
        event=AdverseEvent.objects.get(pk=event.id) if event and r.random() < 0.8 else None,
    )


def interrupt(t: Trial, r: Random, wild: bool) -> None:
    still = some(r, [i for i in t.now.interruptions if i.to_day is None])
    if still is not None and r.random() < 0.6:
        row = Interruption.objects.select_related("patient__site").get(pk=still.id)
        site = row.patient.site_id
        to = t.today(row.patient) + (r.choice([-9, 3, 400]) * DAY if wild else 0 * DAY)
        t.attempt(
            "resume dosing", do.resume_dosing, t.by(r, ENTER, site, wild), ENTER, site, interruption=row, to_day=to
        )
        return
    cycle = some(r, t.now.cycles)
    if cycle is None:
        return
    patient = t.now.get("patients", cycle.patient_id)
    assert patient is not None
    agents = [a["code"] for a in t.file["agents"]]
    first = cycle.started_on + r.randint(0, 20) * DAY if not wild else day(t, r, patient, None, wild)
    last = r.choice([None, min(first + r.randint(0, 9) * DAY, dt.date.max)]) if first < FAR[1] - 10 * DAY else None
    t.attempt(
        "interrupt",
        do.interrupt_dosing,
        t.by(r, ENTER, patient.site_id, wild),
        ENTER,
        patient.site_id,
        cycle=Cycle.objects.get(pk=cycle.id),
        agent=r.choice(agents),
        from_day=first,
        to_day=last,
        reason=r.choice(REASONS),
    )


def discontinue(t: Trial, r: Random, wild: bool, patient: Row | None = None) -> None:
    patient = patient or a_patient(t, r, "registered", "on_treatment", *(["event_monitoring", "screening"] * wild))
    if patient is None:
        return
    codes = [d["code"] for d in t.file["discontinuation"]]
    event = some(r, t.now.of("events", patient))
    t.attempt(
        "discontinue",
        do.discontinue,
        t.by(r, ENTER, patient.site_id, wild),
        ENTER,
        patient.site_id,
        patient=person(patient),
        reason_code=r.choice([*codes, "boredom"]) if wild else r.choice(codes),
        on=day(t, r, patient, t.today(patient) - r.choice([0, 0, 1, 5]) * DAY, wild),
        event=AdverseEvent.objects.get(pk=event.id) if event else None,
    )


def correct_end(t: Trial, r: Random, wild: bool) -> None:
    end = some(r, t.now.ends)
    if end is None:
        return
    row = Discontinuation.objects.select_related("patient__site").get(pk=end.id)
    site, codes = row.patient.site_id, [d["code"] for d in t.file["discontinuation"]]
    t.attempt(
        "correct end",
        do.correct_discontinuation,
        t.by(r, ENTER, site, wild),
        ENTER,
        site,
        discontinuation=row,
        reason_code=r.choice(codes),
        on=end.on + r.choice([-20, -3, -1, 0, 1, 5, *([90, -400] * wild)]) * DAY,
        detail="",
        reason=r.choice(REASONS),
    )


def retreat(t: Trial, r: Random, wild: bool) -> None:
    patient = a_patient(t, r, "event_monitoring", *(["on_treatment", "off_study"] if wild else []))
    if patient is None:
        return
    starts = day(t, r, patient, t.today(patient) + r.choice([0, 1, 7]) * DAY, wild)
    actor, site = t.by(r, ENTER, patient.site_id, wild), patient.site_id
    given = {"starts_on": starts, "explanation": r.choice(REASONS)}
    t.attempt("re-treat", do.retreat, actor, ENTER, site, patient=person(patient), **given)


def review(t: Trial, r: Random, wild: bool) -> None:
    patient = a_patient(t, r, "on_treatment", *(["event_monitoring"] if wild else []))
    if patient is None:
        return
    actor, site = t.by(r, ENTER, patient.site_id, wild), patient.site_id
    given = {"reviewed_on": day(t, r, patient, None, wild), "continues": r.random() < 0.7}
    t.attempt(
        "review", do.review_continuation, actor, ENTER, site, patient=person(patient), explanation="well", **given
    )


def follow_up(t: Trial, r: Random, wild: bool) -> None:
    patient = a_patient(t, r, "event_monitoring", *(["on_treatment", "off_study"] if wild else []))
    if patient is None:
        return
    actor, site, on = t.by(r, ENTER, patient.site_id, wild), patient.site_id, day(t, r, patient, None, wild)
    alive = r.random() < 0.8
    died, progressed = None if alive != (wild and r.random() < 0.2) else on, r.choice([None, None, on])
    days = {"alive": alive, "died_on": died, "progressed_on": progressed}
    known = some(r, t.now.of("visits", patient))
    if known is not None and r.random() < 0.4:
        row = FollowUpVisit.objects.select_related("patient__site").get(pk=known.id)
        t.attempt(
            "correct visit", do.correct_follow_up, actor, ENTER, site, visit=row, reason=r.choice(REASONS), **days
        )
        return
    why = r.choice(REASONS)
    given = {"patient": person(patient), "done_on": on, "out_of_window_reason": why}
    t.attempt("event monitoring", do.record_follow_up, actor, ENTER, site, **given, **days)
