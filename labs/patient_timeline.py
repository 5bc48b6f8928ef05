"""The one time line of a patient: what happened, what is planned from actual dates, and what is expected."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from labs.patient_case import PatientCase
from labs.samples_page import sample_title, state_chip, tubes_words, when_words
from labs.schedule import DueCollection, SampleState
from labs.timeline_activities import activity_entries
from labs.timeline_entry import EXPECTED, FIRM, PAST, Entry
from labs.timeline_infusions import infusion_entries
from labs.words import count, first_lower, first_upper, listed
from patients import schedule
from patients.evaluability import fired_rule, judgement_missing, newest_judgement
from patients.models import AdverseEvent, Cycle, FollowUpVisit, OutcomeValue
from patients.outcome_series import outcome_plan, outcome_timepoints
from patients.regimen import span_words
from patients.schedule import FollowUpDue, PlannedCycle, PlannedDay, cycle_words, protocol_on
from trials.clock import day_of
from trials.days import day_words
from trials.permissions import Permission
from trials.protocol import AnchorKind, Protocol, Timepoint

# What stays in sight: the present cycle and the one before it, and the next two.
SIGHT_BACK, SIGHT_AHEAD = dt.timedelta(days=42), dt.timedelta(days=63)
A_FEW = 4


@dataclass(frozen=True)
class TimeLine:
    """In the order of days. earlier and later are folded away; `now` has today in it, and all that is overdue."""

    earlier: list[Entry]
    now: list[Entry]
    later: list[Entry]

    @property
    def has_expected(self) -> bool:
        return any(entry.state == EXPECTED for entry in self.whole)

    @property
    def whole(self) -> list[Entry]:
        return [*self.earlier, *self.now, *self.later]


def time_line(case: PatientCase) -> TimeLine:
    """Everything about the patient by day; on one day, in the order in which a clinic takes it."""
    entries = sorted(_entries(case), key=lambda entry: entry.date)
    before = [entry for entry in entries if _precedes(entry, case.today)]
    after = [entry for entry in entries if not _precedes(entry, case.today)]
    since = case.today - SIGHT_BACK
    folded = [entry for entry in before[:-A_FEW] if entry.date < since and entry.state == PAST]
    shown = sum(entry.date <= case.today + SIGHT_AHEAD for entry in after)
    ahead = max(A_FEW, shown)
    if len(folded) < A_FEW:  # folding two or three lines away helps nobody
        folded = []
    if len(after) - ahead < A_FEW:
        ahead = len(after)
    today = Entry(case.today, "today", "Today", FIRM)
    in_sight = [entry for entry in before if entry not in folded]
    return TimeLine(folded, [*in_sight, today, *after[:ahead]], after[ahead:])


def _precedes(entry: Entry, today: dt.date) -> bool:
    """Whether it stands before the mark of today: what happened, and what should have happened by now."""
    return entry.date < today or (entry.date == today and entry.state == PAST)


def _entries(case: PatientCase) -> Iterator[Entry]:
    yield from _before_treatment(case)
    yield from _samples(case)
    yield from _outcomes(case)
    yield from activity_entries(case)
    yield from _reductions(case)
    yield from _started_cycles(case)
    yield from infusion_entries(case)
    yield from _planned_cycles(case)
    yield from _interruptions(case)
    yield from _events(case)
    yield from _dlt_window(case)
    yield from _review(case)
    yield from _endings(case)
    yield from _follow_ups(case)


# --- before treatment ---


def _before_treatment(case: PatientCase) -> Iterator[Entry]:
    patient = case.patient
    yield Entry(patient.screened_on, "visit", "Screened")
    if case.consent is not None:
        yield Entry(case.consent.signed_on, "decision", "Consent signed", detail=f"version {case.consent.form_version}")
    if case.eligibility is not None:
        met = "every criterion met" if case.eligibility.eligible else "not every criterion met"
        yield Entry(case.eligibility.checked_on, "visit", "Eligibility checked", detail=met)
    if patient.registered_at is not None and patient.part is not None and patient.assigned_level is not None:
        day = day_of(patient.registered_at, patient.site.time_zone)
        part = first_lower(patient.part.get_kind_display())
        yield Entry(day, "decision", f"Registered at {patient.assigned_level.label}", detail=part)


# --- cycles and doses ---


def _started_cycles(case: PatientCase) -> Iterator[Entry]:
    for cycle in case.cycles:
        late = (cycle.started_on - cycle.due_on).days
        doses = _doses_taken(case, cycle)
        parts = [f"{count(late, 'day')} after it was due" if late > 0 else "", doses]
        detail = " · ".join(part for part in parts if part)
        url = _page(case, "patients:correct-cycle", Permission.RECORD_CLINICAL, cycle.number)
        title = f"{cycle_words(cycle.number).capitalize()} started at {cycle.dose_label}"
        yield Entry(cycle.started_on, "cycle", title, detail=detail, url=url)


def _doses_taken(case: PatientCase, cycle: Cycle) -> str:
    """'21 of 21 lenalidomide and 4 of 4 dexamethasone taken'."""
    taken = {row.agent: row for row in cycle.doses_taken.all()}
    protocol = case.protocol_of_cycle(cycle)
    agents = [dose.agent for dose in protocol.cycle_doses(cycle.number, cycle.rung) if dose.agent in taken]
    words = [f"{taken[a].taken} of {taken[a].planned} {protocol.agent(a).name.lower()}" for a in agents]
    return f"{listed(words)} taken" if words else ""


def _planned_cycles(case: PatientCase) -> Iterator[Entry]:
    for cycle in case.planned:
        visits = _visit_of_cycle(protocol_on(case.patient, cycle.due_on))
        days = f"can start until {day_words(cycle.latest_on)}" if cycle.firm else ""
        detail = " · ".join(part for part in (cycle.label, visits if cycle.number else "", days) if part)
        url = _page(case, "patients:start-cycle", Permission.RECORD_CLINICAL) if cycle.firm else ""
        chip, kind = _lateness(case, cycle)
        title = f"{cycle_words(cycle.number).capitalize()} is due"
        yield Entry(cycle.due_on, "cycle", title, _state(cycle.firm), detail, url, chip, kind)


def _visit_of_cycle(protocol: Protocol) -> str:
    """The visit that comes with every start of a cycle is told with the cycle."""
    every = [t for t in protocol.visits if t.anchor is AnchorKind.EVERY_CYCLE_START]
    windows = [f"with a visit, {_around(t)}" for t in every]
    return ", ".join(windows)


def _around(timepoint: Timepoint) -> str:
    before, after = timepoint.window.before, timepoint.window.after
    return f"±{before} days" if before == after else f"{before} days before to {after} after"


def _page(case: PatientCase, name: str, permission: Permission, *more: object) -> str:
    """The address of a page about the patient, "" for somebody who may not use it."""
    return reverse(name, args=[case.key, case.patient.code, *more]) if case.may(permission) else ""


def _lateness(case: PatientCase, cycle: PlannedCycle) -> tuple[str, str]:
    if cycle.latest_on < case.today:
        return "too late", "out"
    if cycle.due_on < case.today:
        return f"{count((case.today - cycle.due_on).days, 'day')} late", "down"
    return "", ""


def _interruptions(case: PatientCase) -> Iterator[Entry]:
    for row in case.patient.interruptions.all():
        until = f"to {day_words(row.to_day)}" if row.to_day else "and not resumed yet"
        title = f"{case.protocol.agent(row.agent).name} not given"
        url = "" if row.to_day else _page(case, "patients:resume", Permission.RECORD_CLINICAL, row.pk)
        yield Entry(row.from_day, "dose", title, PAST, f"{until} · {row.reason}", url, "interruption", "stay")


def _reductions(case: PatientCase) -> Iterator[Entry]:
    for row in case.patient.reductions.all():
        maximum = protocol_on(case.patient, row.effective_on).reductions.maximum
        state = PAST if row.effective_on <= case.today else FIRM
        label = case.protocol.reductions.ladder[row.to_rung].label
        chip = f"reduction {row.number} of {maximum}"
        yield Entry(
            row.effective_on,
            "dose",
            f"Dose {'reduced' if state == PAST else 'to be reduced'} to {label}",
            state,
            row.explanation,
            "",
            chip,
            "down",
        )


# --- events and the DLT window ---


def _events(case: PatientCase) -> Iterator[Entry]:
    for event in case.patient.adverse_events.all():
        judged = newest_judgement(event)
        is_dlt = judged is not None and judged.is_dlt
        grade = f"grade {event.grade}"
        yield Entry(
            event.onset_on,
            "dlt" if is_dlt else "event",
            f"{event.term}, {event.detail}" if event.detail else event.term,
            detail=_event_detail(case, event),
            url=reverse("patients:event-detail", args=[case.key, case.patient.code, event.pk]),
            chip=f"DLT · {grade}" if is_dlt else grade,
            chip_kind="out" if is_dlt or event.grade >= 4 else ("down" if event.grade == 3 else "neutral"),
        )


def _event_detail(case: PatientCase, event: AdverseEvent) -> str:
    related = [
        f"{row.get_relation_display()} to {case.protocol.agent(row.agent).name.lower()}"
        for row in event.attributions.all()
    ]
    ended = f"resolved {day_words(event.resolved_on)}" if event.resolved_on else "not resolved"
    parts = ["serious" if event.serious else "", *related, ended, _judgement(case, event)]
    return " · ".join(part for part in parts if part)


def _judgement(case: PatientCase, event: AdverseEvent) -> str:
    if not case.registered:
        return ""
    window = case.standing.window if case.standing else None
    missing = judgement_missing(event, fired_rule(case.patient, event), window)
    if missing is not None:
        return f"waits for {missing.what}"
    judged = newest_judgement(event)
    return "judged not a DLT" if judged is not None and not judged.is_dlt else ""


def _dlt_window(case: PatientCase) -> Iterator[Entry]:
    if case.standing is None or case.standing.window is None:
        return
    _, last = case.standing.window
    if last >= case.today:
        if case.ended_on is None or case.ended_on >= last:
            yield Entry(last, "decision", "The DLT window ends", FIRM, "its last day")
    else:
        yield Entry(last, "decision", "The DLT window ended", detail=case.standing.reason)


# --- samples, outcome measures ---


def _samples(case: PatientCase) -> Iterator[Entry]:
    for due in case.samples:
        chip, kind = state_chip(due)
        day = due.collection.collected_on if due.collection and due.collection.collected_on else due.planned_on
        yield Entry(
            day,
            "sample",
            first_upper(sample_title(due)),
            _state(due.firm) if due.state.is_open else PAST,
            f"{when_words(due)} · {tubes_words(due)}",
            _sample_url(case, due),
            "" if due.state is SampleState.UPCOMING else chip,
            kind,
        )


def _sample_url(case: PatientCase, due: DueCollection) -> str:
    """Where to collect what is due, to print the labels of what is to come, and to correct what is recorded."""
    if due.state is SampleState.UPCOMING:
        return _page(case, "labs:label", Permission.VIEW_PATIENTS, due.code)
    page = "labs:collect" if due.state.is_open else "labs:correct"
    return _page(case, page, Permission.RECORD_SAMPLES, due.code)


def _outcomes(case: PatientCase) -> Iterator[Entry]:
    """One line for all measures of a time point: those entered, and those still to come."""
    values: dict[str, list[OutcomeValue]] = {}
    for value in case.patient.outcomes.all():
        values.setdefault(value.timepoint, []).append(value)
    for timepoint, (measures, day) in _outcome_timepoints(case).items():
        entered = values.get(timepoint.code, [])
        title = f"Outcome measures {first_lower(timepoint.title)}"
        if len(entered) == measures:
            yield Entry(max(v.measured_on for v in entered), "visit", title, detail=f"{measures} of {measures} entered")
        elif day is not None:
            chip, kind = _outcome_chip(case, day)
            detail = f"{len(entered)} of {measures} entered · window {span_words(day.window_from, day.window_to)}"
            yield Entry(
                day.on,
                "visit",
                title,
                _state(day.firm),
                detail,
                _page(case, "patients:outcome", Permission.RECORD_CLINICAL),
                chip,
                kind,
            )
        elif entered:
            detail = f"{len(entered)} of {measures} entered"
            yield Entry(max(v.measured_on for v in entered), "visit", title, detail=detail)


def _outcome_timepoints(case: PatientCase) -> dict[Timepoint, tuple[int, PlannedDay | None]]:
    """Each time point with the number of measures it has, once for time points that are alike, and its planned day."""
    plan = outcome_plan(case.patient, case.cycles)
    found: dict[str, tuple[Timepoint, int]] = {}
    for measure, timepoint in outcome_timepoints(case.patient, case.cycles, case.today):
        planned = plan.get((measure.code, timepoint.code))
        first, number = found.get(timepoint.code, (planned[0][1] if planned else timepoint, 0))
        found[timepoint.code] = first, number + 1
    days = {code: day for (_, code), (_, day) in plan.items()}
    return {timepoint: (number, days.get(timepoint.code)) for timepoint, number in found.values()}


def _outcome_chip(case: PatientCase, day: PlannedDay) -> tuple[str, str]:
    if case.today > day.window_to:
        return "overdue", "out"
    return ("due", "") if case.today >= day.window_from else ("", "")


# --- the end, and after it ---


def _review(case: PatientCase) -> Iterator[Entry]:
    made = schedule.review_of(case.patient)
    if made is not None:
        verdict = "treatment goes on" if made.continues else "treatment does not go on"
        yield Entry(made.reviewed_on, "decision", f"Continuation review: {verdict}", detail=made.explanation)
    elif case.registered and case.ended_on is None:
        due_on = schedule.continuation_review_day(case.patient, case.cycles)
        if due_on is not None:
            yield Entry(due_on, "decision", "Continuation review", _state(bool(case.cycles)))


def _endings(case: PatientCase) -> Iterator[Entry]:
    for row in case.patient.discontinuations.all():
        reason = protocol_on(case.patient, row.on).discontinuation_reason(row.reason_code).text
        detail = " · ".join(part for part in (reason, row.detail) if part)
        yield Entry(row.on, "decision", "Treatment ended", detail=detail, chip="end of treatment", chip_kind="neutral")
        if row.retreated_on is not None:
            yield Entry(
                row.retreated_on, "decision", "Re-treatment at a lower dose", _past_or_firm(case, row.retreated_on)
            )


def _follow_ups(case: PatientCase) -> Iterator[Entry]:
    for visit in case.patient.follow_up_visits.all():
        yield _done_follow_up(case, visit)
    for due in case.follow_ups:
        if due.done is None:
            yield _due_follow_up(case, due)


def _done_follow_up(case: PatientCase, visit: FollowUpVisit) -> Entry:
    alive = "alive" if visit.alive else f"died {day_words(visit.died_on)}" if visit.died_on else "died"
    progressed = f"progressed {day_words(visit.progressed_on)}" if visit.progressed_on else "no progression"
    detail = f"{alive} · {progressed}"
    if visit.out_of_window_reason:
        detail += f" · outside the window: {visit.out_of_window_reason}"
    url = _page(case, "patients:correct-follow-up", Permission.RECORD_CLINICAL, visit.number)
    return Entry(visit.done_on, "visit", f"Event-monitoring visit {visit.number}", detail=detail, url=url)


def _due_follow_up(case: PatientCase, due: FollowUpDue) -> Entry:
    title, window = f"Event-monitoring visit {due.number}", f"window {span_words(due.window_from, due.window_to)}"
    if due.passed_over:
        return Entry(due.on, "visit", title, PAST, "not done", chip="not done", chip_kind="neutral")
    if case.today < due.window_from:
        return Entry(due.on, "visit", title, FIRM, window)
    url = _page(case, "patients:follow-up", Permission.RECORD_CLINICAL)
    chip, kind = ("overdue", "out") if case.today > due.window_to else ("due", "")
    return Entry(due.on, "visit", title, FIRM, window, url, chip, kind)


def _state(firm: bool) -> str:
    return FIRM if firm else EXPECTED


def _past_or_firm(case: PatientCase, day: dt.date) -> str:
    return PAST if day <= case.today else FIRM
