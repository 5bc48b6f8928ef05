"""What comes next for a patient, and what else can be done: the order in which a coordinator would take it."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from labs.patient_case import PatientCase
from labs.patient_doses import amount_now, body_size, open_now, record_url
from labs.samples_page import sample_title
from labs.schedule import SampleState
from labs.words import count, first_upper, weekday_words
from patients import schedule
from patients.activities import ActivityState, title_together, together
from patients.evaluability import Missing, MissingKind, Standing
from patients.models import Cycle, Patient
from patients.operations.reductions import reduction_refusal
from patients.regimen import span_words
from patients.schedule import cycle_title, cycle_words, protocol_on
from trials.days import day_words
from trials.permissions import Permission

_CLINICAL, _SCREEN = Permission.RECORD_CLINICAL, Permission.SCREEN_PATIENTS
Status = Patient.Status


@dataclass(frozen=True)
class Action:
    """Something that can be done: the words on the button, the page, and who may."""

    label: str
    url: str
    permission: Permission


@dataclass(frozen=True)
class Step:
    """What comes next: in words, with more about it, and the action that does it. None: it only has to come."""

    title: str
    detail: str
    action: Action | None = None
    late: bool = False


@dataclass(frozen=True)
class WhatNext:
    """The step that comes first, the one action to offer for it, and the others in a quiet list."""

    step: Step
    primary: Action | None
    others: list[Action]


def what_next(case: PatientCase) -> WhatNext:
    """Actions that the reader may not do are left out; the step is named all the same."""
    step = next(_steps(case))
    possible = [action for action in _possible(case) if action.permission in case.allowed]
    primary = step.action if step.action and step.action.permission in case.allowed else None
    if primary is None and step.action is None:
        primary = next((action for action in possible if action.label == "Record event"), None)
    return WhatNext(step, primary, [action for action in possible if primary is None or action.url != primary.url])


def _act(case: PatientCase, name: str, label: str, permission: Permission = _CLINICAL) -> Action:
    return Action(label, reverse(f"patients:{name}", args=[case.key, case.patient.code]), permission)


# --- the next step ---


def _steps(case: PatientCase) -> Iterator[Step]:
    if not case.registered:
        yield _screening(case)
        return
    yield from _for_the_dlt_window(case)
    dated = [*_body_size(case), *_infusions(case), *_activities(case), *_samples(case), *_review(case), *_doses(case)]
    dated += [*_cycle(case), *_follow_up(case)]
    yield from (step for _, step in sorted(dated, key=lambda found: found[0]))
    yield from _replacement(case)
    yield _waiting(case)


def _screening(case: PatientCase) -> Step:
    if case.patient.status == Status.SCREEN_FAILED:
        return Step("Nothing more", "The patient did not enter the study.")
    if case.consent is None:
        action = _act(case, "consent", "Record consent", _SCREEN)
        return Step("Consent", "Nothing is done for the study before the consent is signed.", action)
    if case.eligibility is None:
        return Step(
            "Eligibility",
            f"{count(len(case.protocol.eligibility), 'criterion').replace('criterions', 'criteria')} to answer.",
            _act(case, "eligibility", "Check eligibility", _SCREEN),
        )
    if not case.eligibility.eligible:
        return Step(
            "Screen failure",
            "Not every criterion is met.",
            _act(case, "screen-failure", "Record screen failure", _SCREEN),
        )
    return Step(
        "Registration",
        "Consented and eligible. Registration takes a slot and gives the dose level.",
        _act(case, "register", "Register", _SCREEN),
    )


def _for_the_dlt_window(case: PatientCase) -> Iterator[Step]:
    for missing in case.standing.missing if case.standing else ():
        if missing.event is not None:
            yield _judgement(case, missing)
        elif missing.kind == MissingKind.WINDOW_ASSESSMENT:
            action = _act(case, "window", "Close the DLT window")
            yield Step("The DLT window has passed", "Enter the doses taken in it; the patient counts then.", action)


def _judgement(case: PatientCase, missing: Missing) -> Step:
    event = missing.event
    assert event is not None
    confirm = missing.kind == MissingKind.CONFIRMATION
    url = reverse("patients:event-judge", args=[case.key, case.patient.code, event.pk])
    permission = Permission.CONFIRM_DLT if confirm else Permission.ASSESS_DLT
    label = "Confirm the judgement" if confirm else "Judge the event"
    return Step(
        f"{event.term}, grade {event.grade}", f"Waits for {missing.what}.", Action(label, url, permission), True
    )


Dated = Iterator[tuple[dt.date, Step]]


def _samples(case: PatientCase) -> Dated:
    for due in case.samples:
        if due.state not in (SampleState.DUE, SampleState.OVERDUE):
            continue
        late = due.state is SampleState.OVERDUE
        title = sample_title(due)
        detail = f"Window {span_words(due.window_from, due.window_to)}"
        detail += f", {count(due.days_late, 'day')} overdue." if late else "."
        url = reverse("labs:collect", args=[case.key, case.patient.code, due.code])
        action = Action("Collect the sample", url, Permission.RECORD_SAMPLES)
        yield due.planned_on, Step(f"The {title}", detail, action, late)


def _activities(case: PatientCase) -> Dated:
    for group in together(case.activities):
        first = group[0]
        if first.state not in (ActivityState.DUE, ActivityState.OVERDUE):
            continue
        late = first.state is ActivityState.OVERDUE
        detail = f"Window {span_words(first.window_from, first.window_to)}"
        detail += f", {count(first.days_late, 'day')} overdue." if late else "."
        detail += "" if first.firm else " Its days are expected: they move with what they hang on."
        url = reverse("patients:activity", args=[case.key, case.patient.code, first.which])
        yield first.planned_on, Step(title_together(group), detail, Action("Record it", url, _CLINICAL), late)


def _body_size(case: PatientCase) -> Dated:
    """Height and weight where a dose waits for them, and where they are out of date."""
    size = body_size(case)
    if size is not None and size.caution and case.patient.status in (Status.REGISTERED, Status.ON_TREATMENT):
        action = _act(case, "measure", "Record height and weight")
        yield case.today, Step("Height and weight", size.caution, action)


def _infusions(case: PatientCase) -> Dated:
    for infusion in open_now(case):
        amount, words = amount_now(case, infusion)
        name = case.protocol.agent(infusion.dose.agent).name.lower()
        title = f"{first_upper(infusion.noun)} of {name}, {amount}"
        action = Action(f"Record {infusion.noun}", record_url(case, infusion), _CLINICAL)
        yield infusion.planned_on, Step(title, words, action, infusion.window_to < case.today)


def _review(case: PatientCase) -> Dated:
    due_on = schedule.continuation_review_due(case.patient, case.cycles)
    if due_on is not None and due_on <= case.today:
        review = protocol_on(case.patient, due_on).continuation_review
        months = f"{review.after_months} months of treatment" if review else "Due"
        action = _act(case, "continuation", "Review continuation")
        yield due_on, Step("Continuation review", f"{months} on {day_words(due_on)}.", action)


def _doses(case: PatientCase) -> Dated:
    for cycle in case.cycles:
        last = min(filter(None, [schedule.cycle_end(case.patient, cycle), case.ended_on]))
        if last < case.today and not _all_doses_entered(case, cycle):
            action = _act(case, "doses", f"Enter doses of {cycle_words(cycle.number)}")
            yield last, Step(f"Doses of {cycle_words(cycle.number)}", f"Its last day was {day_words(last)}.", action)


def _all_doses_entered(case: PatientCase, cycle: Cycle) -> bool:
    given = {dose.agent for dose in case.protocol_of_cycle(cycle).counted_doses(cycle.number, cycle.rung)}
    return given <= {taken.agent for taken in cycle.doses_taken.all()}


def _cycle(case: PatientCase) -> Dated:
    planned = case.next_cycle
    if planned is None or planned.earliest_on > case.today:
        return
    protocol = protocol_on(case.patient, planned.due_on)
    if planned.latest_on < case.today:
        limit = protocol.delay.limit_days
        detail = (
            f"Due on {day_words(planned.due_on)}; the protocol allows {limit} days of delay, until"
            f" {day_words(planned.latest_on)}."
        )
        action = _act(case, "discontinue", "End treatment")
        title = f"{cycle_words(planned.number).capitalize()} can no longer start"
        yield planned.due_on, Step(title, detail, action, True)
        return
    late = (case.today - planned.due_on).days > protocol.cycle_start_window(planned.number).after
    detail = (
        f"Due on {weekday_words(planned.due_on)}, {planned.label}. It can start until {day_words(planned.latest_on)}."
    )
    action = _act(case, "start-cycle", f"Start {cycle_words(planned.number)}")
    yield planned.due_on, Step(cycle_title(planned.number), detail, action, late)


def _follow_up(case: PatientCase) -> Dated:
    visit = schedule.next_follow_up(case.patient)
    if visit is not None and visit.window_from <= case.today:
        late = visit.window_to < case.today
        action = _act(case, "follow-up", "Record the visit")
        title = f"Event-monitoring visit {visit.number}"
        yield visit.on, Step(title, f"Window {span_words(visit.window_from, visit.window_to)}.", action, late)


def _replacement(case: PatientCase) -> Iterator[Step]:
    if _can_be_replaced(case):
        action = _act(case, "replace", "Replace the patient", _SCREEN)
        yield Step("A replacement", "The patient is not evaluable; a slot can be added to the cohort.", action)


def _can_be_replaced(case: PatientCase) -> bool:
    standing, slot = case.standing, case.patient.slot
    if standing is None or slot is None or standing.standing != Standing.NOT_EVALUABLE:
        return False
    return slot.cohort.closed_at is None and not standing.replaced


def _waiting(case: PatientCase) -> Step:
    """Nothing to do today: what is next, and when."""
    coming = sorted(_coming(case))
    if not coming:
        return Step("Nothing is planned", "")
    day, what = coming[0]
    return Step(f"{what} on {weekday_words(day)}", "Nothing to do until then.")


def _coming(case: PatientCase) -> Iterator[tuple[dt.date, str]]:
    if case.next_cycle is not None:
        yield case.next_cycle.due_on, cycle_words(case.next_cycle.number).capitalize()
    for due in case.samples:
        if due.state is SampleState.UPCOMING:
            yield due.planned_on, f"The {sample_title(due)}"
    for group in together(case.activities):
        if group[0].state is ActivityState.UPCOMING:
            yield group[0].planned_on, title_together(group)
    visit = schedule.next_follow_up(case.patient)
    if visit is not None:
        yield visit.on, f"Event-monitoring visit {visit.number}"
    review = schedule.continuation_review_due(case.patient, case.cycles)
    if review is not None:
        yield review, "The continuation review"


# --- everything that can be done ---


def _possible(case: PatientCase) -> Iterator[Action]:
    status = case.patient.status
    if status == Status.SCREENING:
        yield from _possible_in_screening(case)
    if not case.registered:
        return
    if status != Status.OFF_STUDY:
        yield _act(case, "event", "Record event")
    if status in (Status.REGISTERED, Status.ON_TREATMENT):
        yield from _possible_in_treatment(case)
    if status == Status.EVENT_MONITORING:
        yield _act(case, "follow-up", "Record a monitoring visit")
        if _can_be_retreated(case):
            yield _act(case, "retreat", "Re-treat at a lower dose")
    if case.protocol.by_body_size and status not in (Status.OFF_STUDY, Status.EVENT_MONITORING):
        yield _act(case, "measure", "Record height and weight")
    if case.protocol.outcome_measures and status != Status.OFF_STUDY:
        yield _act(case, "outcome", "Enter outcome measures")
    if case.cycles:
        yield _act(case, "doses", "Enter doses taken")
        yield _act(case, "window", "DLT window")
    if _can_be_replaced(case):
        yield _act(case, "replace", "Replace the patient", _SCREEN)


def _possible_in_screening(case: PatientCase) -> Iterator[Action]:
    if case.consent is not None and case.eligibility is not None:
        yield _act(case, "eligibility", "Check eligibility again", _SCREEN)
    if case.patient.reserved_slot is None:
        yield _act(case, "reserve", "Reserve a slot", _SCREEN)
    else:
        yield _act(case, "reserve", "Give the slot back", _SCREEN)
    yield _act(case, "screen-failure", "Record screen failure", _SCREEN)


def _possible_in_treatment(case: PatientCase) -> Iterator[Action]:
    if case.next_cycle is not None:
        yield _act(case, "start-cycle", f"Start {cycle_words(case.next_cycle.number)}")
    if case.on_treatment:
        yield from _possible_infusions(case)
        yield from _resumptions(case)
        yield _act(case, "interruption", "Record an interruption")
        # Offered at the maximum too: the page then says why not, and leads to the end of treatment.
        yield _act(case, "reduce", "Reduce the dose")
    yield _act(case, "discontinue", "End treatment")


def _possible_infusions(case: PatientCase) -> Iterator[Action]:
    waiting = open_now(case)
    if waiting:
        yield Action(f"Record {waiting[0].noun}", record_url(case, waiting[0]), _CLINICAL)


def _resumptions(case: PatientCase) -> Iterator[Action]:
    for row in case.patient.interruptions.all():
        if row.to_day is None:
            url = reverse("patients:resume", args=[case.key, case.patient.code, row.pk])
            yield Action(f"Resume {case.protocol.agent(row.agent).name.lower()}", url, _CLINICAL)


def _can_be_retreated(case: PatientCase) -> bool:
    ended = schedule.discontinuation_in_force(case.patient)
    if ended is None:
        return False
    protocol = protocol_on(case.patient, ended.on)
    progressed = any(visit.progressed_on for visit in case.patient.follow_up_visits.all())
    allowed = protocol.retreatment.allowed and protocol.discontinuation_reason(ended.reason_code).allows_retreatment
    return allowed and not progressed and reduction_refusal(case.patient, case.today) is None
