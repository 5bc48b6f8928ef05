"""Steps about toxicity and the schedule: events, judgements, windows; activities, samples and outcome measures."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random

from labs.models import Collection
from labs.operations import collect_sample, correct_collection, miss_sample
from patients import operations as do
from patients.activities import Which
from patients.models import ActivityRecord, AdverseEvent, OutcomeValue, WindowAssessment
from tests.properties import slow_model as slow
from tests.properties.steps_of_people import DAY, a_patient, day, person, some
from tests.properties.steps_of_treatment import REASONS
from tests.properties.tables import Row
from tests.properties.trial import ENTER, JUDGE, Trial

TERMS = ("Febrile neutropenia", "Neutrophil count decreased", "Diarrhea", "Fatigue", "Rash acneiform", "Anemia", "None")
RELATIONS = ("unrelated", "unlikely", "possible", "probable", "definite")
TREATED = ("registered", "on_treatment", "event_monitoring")


def relations(t: Trial, r: Random, wild: bool) -> dict[str, str]:
    found = {a["code"]: r.choice(RELATIONS) for a in t.file["agents"]}
    if wild and r.random() < 0.2:
        found[r.choice([*found, "aspirin"])] = "perhaps"
    return found


def onset(t: Trial, r: Random, patient: Row, wild: bool) -> dt.date:
    window, today = slow.window_of(t.now, patient), t.today(patient)
    if window is None or r.random() < 0.15:
        return day(t, r, patient, max(today - r.randint(0, 10) * DAY, patient.screened_on), wild)
    return day(t, r, patient, min(window[0] + r.randint(0, 27) * DAY, today), wild)


def record_event(t: Trial, r: Random, wild: bool) -> None:
    patient = a_patient(t, r, *TREATED, *(["screening", "off_study"] if wild else []))
    if patient is None:
        return
    grade = r.choice([0, 1, 2, 3, 4, 5, 6, -1]) if wild else r.choice([1, 2, 3, 3, 3, 4, 4, 4 + (r.random() < 0.2)])
    began = onset(t, r, patient, wild)
    t.attempt(
        "event",
        do.record_adverse_event,
        t.by(r, ENTER, patient.site_id, wild),
        ENTER,
        patient.site_id,
        patient=person(patient),
        term=r.choice(TERMS) if wild else r.choice(TERMS[:3]),
        grade=grade,
        onset_on=began,
        relations=relations(t, r, wild),
        serious=grade == 5 or r.random() < 0.2,
        is_dlt=r.choice([None, None, True, True, False]),
        rationale=r.choice(REASONS),
    )


def an_event(t: Trial, r: Random) -> AdverseEvent | None:
    found = some(r, t.now.events)
    return AdverseEvent.objects.select_related("patient__site", "patient__study").get(pk=found.id) if found else None


def correct_event(t: Trial, r: Random, wild: bool) -> None:
    event = an_event(t, r)
    if event is None:
        return
    site = event.patient.site_id
    patient = t.now.get("patients", event.patient_id)
    assert patient is not None
    actor, choice = t.by(r, ENTER, site, wild), r.choice(["grade", "onset_on", "term", "relations", "resolved_on"])
    new = {
        "grade": r.randint(0, 6) if wild else r.randint(1, 4),
        "onset_on": onset(t, r, patient, wild),
        "term": r.choice(TERMS),
        "relations": relations(t, r, wild),
        "resolved_on": day(t, r, patient, None, wild),
    }[choice]
    if choice == "resolved_on" and r.random() < 0.5:
        t.attempt("resolve", do.resolve_adverse_event, actor, ENTER, site, event=event, resolved_on=new)
        return
    given = {"changes": {choice: new}, "reason": r.choice(REASONS)}
    t.attempt("correct event", do.correct_adverse_event, actor, ENTER, site, event=event, **given)


def judge(t: Trial, r: Random, wild: bool) -> None:
    event = an_event(t, r)
    if event is None:
        return
    site, answer = event.patient.site_id, r.random() < 0.4
    actor, why = t.by(r, JUDGE, site, wild), r.choice(REASONS)
    t.attempt("judge", do.assess_dlt, actor, JUDGE, site, event=event, is_dlt=answer, rationale=why)


def settle(t: Trial, r: Random, patient: Row) -> bool:
    """Judge what waits for a judgement. Whether there was something."""
    window = slow.window_of(t.now, patient)
    waiting = some(r, [e for e in t.now.of("events", patient) if slow.waits_for_a_judgement(t.now, e, window)])
    if waiting is None:
        return False
    event = AdverseEvent.objects.select_related("patient__site", "patient__study").get(pk=waiting.id)
    answer, site = slow.inside(window, waiting.onset_on) and r.random() < 0.4, patient.site_id
    actor = t.by(r, JUDGE, site, False)
    return t.attempt("judge", do.assess_dlt, actor, JUDGE, site, event=event, is_dlt=answer, rationale="progression")


def window(t: Trial, r: Random, wild: bool, patient: Row | None = None) -> None:
    """Enter or correct the doses of the DLT window."""
    patient = patient or a_patient(t, r, *TREATED, *(["screening"] if wild else []))
    if patient is None:
        return
    actor, site = t.by(r, ENTER, patient.site_id, wild), patient.site_id
    span = slow.window_of(t.now, patient)
    possible = 0
    if span is not None:
        planned, lost = slow.doses_in(t.now, patient, span)
        possible = planned - lost
    taken = r.choice([-1, 0, 10, 21, 28, 10**6]) if wild else max(0, possible - r.choice([0, 0, 0, 1, 12]))
    known = some(r, t.now.of("windows", patient))
    if known is not None and r.random() < 0.9:
        row = WindowAssessment.objects.select_related("patient__site").get(pk=known.id)
        given = {"taken": taken, "reason": r.choice(REASONS)}
        t.attempt("correct window", do.correct_window_assessment, actor, ENTER, site, assessment=row, **given)
        return
    t.attempt("window", do.assess_window, actor, ENTER, site, patient=person(patient), taken=taken)


def which(t: Trial, r: Random, patient: Row) -> Which:
    """An activity of the file, of a cycle near the patient's."""
    visits = [v for v in t.file.get("visits", []) if v["anchor"] != "every-cycle-start"]
    found = [("visits", v) for v in visits]
    found += [(a["code"], p) for a in t.file.get("activities", []) for p in a["timepoints"]]
    if not found:
        return Which("visits", "visit", 1)
    activity, point = r.choice(found)
    number = len(t.now.of("cycles", patient))
    comes_back = point["anchor"].startswith("every-cycle")
    return Which(activity, point["code"], max(1, number - r.randint(0, 2)) if comes_back else None)


def activity(t: Trial, r: Random, wild: bool) -> None:
    patient = a_patient(t, r, *TREATED, *(["screening"] if wild else []))
    if patient is None:
        return
    actor, site, one = t.by(r, ENTER, patient.site_id, wild), patient.site_id, which(t, r, patient)
    on = t.today(patient) - r.randint(0, 30) * DAY if not wild else day(t, r, patient, None, wild)
    known, reason = some(r, t.now.activities), r.choice(REASONS)
    choice = r.random()
    if known is not None and choice < 0.3:
        row = ActivityRecord.objects.select_related("patient__site").get(pk=known.id)
        site = row.patient.site_id
        actor = t.by(r, ENTER, site, wild)
        given = {"outcome": r.choice(["done", "missed"]), "done_on": r.choice([on, None]), "missed_reason": reason}
        given |= {"out_of_window_reason": r.choice(REASONS), "reason": r.choice(REASONS)}
        t.attempt("correct activity", do.correct_activity, actor, ENTER, site, record=row, **given)
    elif choice < 0.5:
        t.attempt("miss", do.miss_activities, actor, ENTER, site, patient=person(patient), which=[one], reason=reason)
    else:
        several = [one, which(t, r, patient)] if wild else [one]
        given = {"which": several, "done_on": on, "out_of_window_reason": reason}
        t.attempt("activity", do.record_activities, actor, ENTER, site, patient=person(patient), **given)


def sample(t: Trial, r: Random, wild: bool) -> None:
    patient = a_patient(t, r, *TREATED, *(["screening"] if wild else []))
    points = [p["code"] for p in t.file.get("samples", {}).get("timepoints", [])]
    if patient is None or not (points or wild):
        return
    actor, site = t.by(r, ENTER, patient.site_id, wild), patient.site_id
    point = r.choice([*points[:3], "never"] if wild else points[:4])
    tubes = r.choice([["edta", "serum"], ["edta"], [], ["blue"]]) if wild else ["edta", "serum"]
    on, reason, known, choice = day(t, r, patient, None, wild), r.choice(REASONS), some(r, t.now.samples), r.random()
    if known is not None and choice < 0.25:
        row = Collection.objects.select_related("patient__site", "study").get(pk=known.id)
        site = row.patient.site_id
        actor = t.by(r, ENTER, site, wild)
        given = {"outcome": r.choice(list(Collection.Outcome)), "collected_on": r.choice([on, None]), "tubes": tubes}
        given |= {"out_of_window_reason": reason, "missed_reason": reason, "reason": r.choice(REASONS)}
        t.attempt("correct sample", correct_collection, actor, ENTER, site, collection=row, **given)
    elif choice < 0.45:
        t.attempt(
            "miss sample", miss_sample, actor, ENTER, site, patient=person(patient), timepoint=point, reason=reason
        )
    else:
        given = {"timepoint": point, "collected_on": on, "tubes": tubes, "out_of_window_reason": reason}
        t.attempt("sample", collect_sample, actor, ENTER, site, patient=person(patient), **given)


def outcome(t: Trial, r: Random, wild: bool) -> None:
    patient = a_patient(t, r, *TREATED, *(["screening"] if wild else []))
    measures = t.file.get("outcome_measures", [])
    if patient is None or not measures:
        return
    actor, site, measure = t.by(r, ENTER, patient.site_id, wild), patient.site_id, r.choice(measures)
    point, value = r.choice(measure["timepoints"])["code"], Decimal(r.choice([5, 5, -1, 10**9] if wild else [3, 5]))
    known = some(r, t.now.outcomes)
    if known is not None and r.random() < 0.3:
        row = OutcomeValue.objects.select_related("patient__site").get(pk=known.id)
        site = row.patient.site_id
        actor = t.by(r, ENTER, site, wild)
        given = {"value": value, "reason": r.choice(REASONS)}
        t.attempt("correct outcome", do.correct_outcome, actor, ENTER, site, outcome=row, **given)
        return
    given = {"timepoint": point, "measured_on": day(t, r, patient, None, wild), "values": {measure["code"]: value}}
    t.attempt("outcome", do.record_outcomes, actor, ENTER, site, patient=person(patient), **given)
