"""Who counts: whether a registered patient is evaluable for DLT. Derived whenever it is asked, never stored.

Pure over rows that are loaded (`patients.queries.patients_with_dlt_data` loads all that is needed).
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db import models

from patients.dlt_rules import rule_that_fires
from patients.models import AdverseEvent, DltAssessment, Patient, WindowAssessment
from patients.place import place_words
from patients.schedule import (
    cycle_words,
    dlt_protocol,
    dlt_window,
    place_in_cycle,
    planned_dose_days,
    protocol_on,
    treatment_ended_on,
)
from trials.days import day_words
from trials.protocol import DltRule, Protocol

Window = tuple[dt.date, dt.date]
ONE_DAY = dt.timedelta(days=1)


class Standing(models.TextChoices):
    """A patient's place in the tally."""

    EVALUABLE_DLT = "evaluable_dlt", "DLT"
    EVALUABLE_NO_DLT = "evaluable_no_dlt", "evaluable, no DLT"
    PENDING = "pending", "pending"
    NOT_EVALUABLE = "not_evaluable", "not evaluable"


class MissingKind(models.TextChoices):
    """What has to come before a pending patient counts."""

    CYCLE_START = "cycle_start", "start of treatment"
    WINDOW = "window", "end of the DLT window"
    JUDGEMENT = "judgement", "DLT judgement"
    CONFIRMATION = "confirmation", "confirmation by an investigator"
    WINDOW_ASSESSMENT = "window_assessment", "doses taken in the DLT window"


@dataclass(frozen=True)
class Missing:
    """One thing that is still to come. `event` where it is about an adverse event."""

    kind: MissingKind
    what: str
    event: AdverseEvent | None = None

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True)
class PatientStanding:
    """A patient's standing with its reason in one sentence.

    window: first and last day, None before treatment. fraction: how much of the window has passed, 0 to 1;
    it is 1 only when the last day is over. missing: what a pending patient waits for, empty otherwise.
    """

    patient: Patient
    standing: Standing
    reason: str
    window: Window | None
    fraction: float
    missing: tuple[Missing, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether the patient is one of n, the evaluable patients."""
        return self.standing in (Standing.EVALUABLE_DLT, Standing.EVALUABLE_NO_DLT)

    @property
    def has_dlt(self) -> bool:
        """Whether the patient is one of y, the patients with a DLT."""
        return self.standing == Standing.EVALUABLE_DLT

    @property
    def replaced(self) -> bool:
        """Whether a place for somebody else was added because this patient does not count."""
        slot = self.patient.slot
        return slot is not None and hasattr(slot, "replaced_by")


def standing_of(patient: Patient, today: dt.date) -> PatientStanding:
    """A registered patient's standing on the given day (of the patient's site).

    Raises ValueError for a patient who is not registered: there is no dose level to count at.
    """
    if patient.version is None:
        raise ValueError(f"patient: {patient.code} is not registered; only registered patients have a standing")
    window = dlt_window(patient, list(patient.cycles.all()))
    fraction = fraction_passed(window, today)
    dlt = _first_dlt(patient, window)
    if dlt is not None:
        return PatientStanding(patient, Standing.EVALUABLE_DLT, f"DLT: {named(dlt)}.", window, fraction)
    missing = tuple(_missing(patient, window, today))
    if missing:
        reason = _waits(patient, missing, window, today)
        return PatientStanding(patient, Standing.PENDING, reason, window, fraction, missing)
    if window is None:
        reason = _never_reached(patient)
        return PatientStanding(patient, Standing.NOT_EVALUABLE, reason, window, fraction)
    assessment = assessment_of(patient, window)
    assert assessment is not None  # or it would be missing
    standing = Standing.EVALUABLE_NO_DLT if enough_exposure(patient, assessment) else Standing.NOT_EVALUABLE
    reason = f"{_percent(assessment.taken, assessment.planned)} of the doses, no DLT."
    return PatientStanding(patient, standing, reason, window, fraction)


def fraction_passed(window: Window | None, today: dt.date) -> float:
    """How much of the window has passed when `today` begins: 0 to 1, and 1 only when its last day is over."""
    if window is None:
        return 0.0
    first, last = window
    return min(1.0, max(0.0, (today - first).days / ((last - first).days + 1)))


def dlt_rules(patient: Patient) -> Protocol:
    """The protocol by which it is judged whether the patient had a DLT, and counts."""
    return dlt_protocol(patient, list(patient.cycles.all()))


def assessment_of(patient: Patient, window: Window) -> WindowAssessment | None:
    """The assessment of this very window; None where there is none, or where it cannot be right any more.

    That is so when the window has moved since, and when an end of treatment or an interruption recorded later leaves
    fewer doses possible than were entered.
    """
    made: WindowAssessment | None = getattr(patient, "window_assessment", None)
    if made is None or made.closed_on != window[1]:
        return None
    possible = made.planned - len(lost_in_window(patient, window))
    rules = dlt_rules(patient)
    singly = rules.given_singly(rules.dlt.minimum_exposure.agent)
    return made if made.taken == possible or (made.taken < possible and not singly) else None


def enough_exposure(patient: Patient, assessment: WindowAssessment) -> bool:
    """Whether the doses taken in the window reach the protocol's minimum, compared without rounding."""
    return _reaches_minimum(patient, assessment.taken, assessment.planned)


def planned_in_window(patient: Patient, window: Window) -> list[dt.date]:
    """The days of the window on which the protocol's exposure agent is planned."""
    agent = dlt_rules(patient).dlt.minimum_exposure.agent
    cycles = (cycle for cycle in patient.cycles.all() if cycle.number > 0)  # never a dose of the lead-in
    planned = (planned_dose_days(patient, cycle, agent) for cycle in cycles)
    return [day for days in planned for day in days if within(window, day)]


def lost_in_window(patient: Patient, window: Window) -> list[dt.date]:
    """The planned days of the window on which the exposure agent was not given: after the end of treatment (until
    re-treatment), in an interruption, or where its infusion is recorded as not given.
    """
    agent = dlt_rules(patient).dlt.minimum_exposure.agent
    ends = [(d.on + ONE_DAY, (d.retreated_on or dt.date.max) - ONE_DAY) for d in patient.discontinuations.all()]
    interruptions = [(i.from_day, i.to_day or dt.date.max) for i in patient.interruptions.all() if i.agent == agent]
    missed = [(day, day) for day in _not_given(patient, agent)]
    gaps = [gap for gap in ends + interruptions + missed if gap[0] <= window[1] and gap[1] >= window[0]]
    if not gaps:
        return []
    return [day for day in planned_in_window(patient, window) if any(within(gap, day) for gap in gaps)]


def _not_given(patient: Patient, agent: str) -> list[dt.date]:
    """The planned days of an agent's infusions that are recorded as not given."""
    if not dlt_rules(patient).given_singly(agent):
        return []
    starts = {cycle.pk: cycle.started_on for cycle in patient.cycles.all()}
    missed = (row for row in patient.administrations.all() if row.agent == agent and row.given_on is None)
    return [starts[row.cycle_id] + (row.day - 1) * ONE_DAY for row in missed]


def fell_short(patient: Patient, window: Window) -> bool:
    """Whether treatment ended in the window, too early for the minimum exposure to be reached."""
    stopped_on = min((d.on for d in patient.discontinuations.all()), default=None)
    if stopped_on is None or stopped_on > window[1]:
        return False
    assessment = assessment_of(patient, window)
    if assessment is not None:
        return not enough_exposure(patient, assessment)
    planned = len(planned_in_window(patient, window))
    return not _reaches_minimum(patient, planned - len(lost_in_window(patient, window)), planned)


def fired_rule(patient: Patient, event: AdverseEvent) -> DltRule | None:
    """The rule that fires for the event as it is recorded now, by the protocol of the patient's DLT window."""
    relations = {a.agent: a.relation for a in event.attributions.all()}
    return rule_that_fires(dlt_rules(patient), event.term, event.grade, relations)


def newest_judgement(event: AdverseEvent) -> DltAssessment | None:
    """The judgement that stands."""
    return max(event.dlt_assessments.all(), key=lambda a: a.pk, default=None)


def is_about(judged: DltAssessment, event: AdverseEvent, rule: DltRule | None, *, inside: bool) -> bool:
    """Whether a judgement was about the event as it is recorded now. inside: its onset lies in the DLT window now.

    The day of the onset may change within the window: that makes the event no other toxicity.
    """
    relations = {a.agent: a.relation for a in event.attributions.all()}
    then = (judged.term, judged.detail, judged.grade, judged.relations, judged.rule, judged.in_window)
    return then == (event.term, event.detail, event.grade, relations, rule.code if rule else "", inside)


def judgement_missing(event: AdverseEvent, rule: DltRule | None, window: Window | None) -> Missing | None:
    """What an event's DLT judgement still needs before it counts; None when nothing.

    'DLT' counts at once. 'Not a DLT' against a rule that fires counts when an investigator made or confirmed
    it, and only while the event is what was judged. A 'DLT' whose onset is no longer in the window (a corrected
    date) has to be judged again.
    """
    judged = newest_judgement(event)
    inside = within(window, event.onset_on)
    if judged is not None and judged.is_dlt:
        if inside:
            return None
        return Missing(MissingKind.JUDGEMENT, f"a new judgement: {named(event)} is not in the DLT window", event)
    if rule is None or not inside:
        return None
    if judged is None or not is_about(judged, event, rule, inside=inside):
        which = "the" if judged is None else "a new"
        what = f"{which} judgement whether {named(event)} is a DLT (rule {rule.code})"
        return Missing(MissingKind.JUDGEMENT, what, event)
    if not judged.confirmed:
        what = f"an investigator's confirmation that {named(event)} is not a DLT"
        return Missing(MissingKind.CONFIRMATION, what, event)
    return None


def named(event: AdverseEvent) -> str:
    """'Diarrhea grade 3 of 16 Nov 2026'."""
    return f"{event.term} grade {event.grade} of {day_words(event.onset_on)}"


def _reaches_minimum(patient: Patient, taken: int, planned: int) -> bool:
    return Decimal(taken) >= dlt_rules(patient).dlt.minimum_exposure.fraction * planned


def _first_dlt(patient: Patient, window: Window | None) -> AdverseEvent | None:
    judged = ((event, newest_judgement(event)) for event in patient.adverse_events.all())
    dlts = (e for e, j in judged if j is not None and j.is_dlt and within(window, e.onset_on))
    return min(dlts, key=lambda e: (e.onset_on, e.pk), default=None)


def _missing(patient: Patient, window: Window | None, today: dt.date) -> Iterator[Missing]:
    for event in patient.adverse_events.all():
        needed = judgement_missing(event, fired_rule(patient, event), window)
        if needed is not None:
            yield needed
    if window is None:
        if treatment_ended_on(patient) is None:
            yield Missing(MissingKind.CYCLE_START, _start_of_the_window(patient))
        return
    _, last = window
    if today <= last and not fell_short(patient, window):
        yield Missing(MissingKind.WINDOW, f"the end of the DLT window on {day_words(last)}")
    elif assessment_of(patient, window) is None:
        entered = getattr(patient, "window_assessment", None) is not None
        what = "a correction of the doses taken in the DLT window" if entered else "the doses taken in the DLT window"
        yield Missing(MissingKind.WINDOW_ASSESSMENT, what)


def _waits(patient: Patient, missing: tuple[Missing, ...], window: Window | None, today: dt.date) -> str:
    kind = missing[0].kind
    if kind == MissingKind.CYCLE_START:
        return _before_the_window(patient, today)
    if kind == MissingKind.WINDOW and window is not None:
        length = (window[1] - window[0]).days + 1
        return f"Day {max(0, (today - window[0]).days + 1)} of {length} of the DLT window, no DLT so far."
    if kind == MissingKind.WINDOW_ASSESSMENT:
        if getattr(patient, "window_assessment", None) is not None:
            return "The doses entered for the DLT window do not fit it any more: correct them."
        return "The doses taken in the DLT window are still to be entered."
    return f"Waits for {missing[0]}."


def _start_of_the_window(patient: Patient) -> str:
    """'the start of treatment'; in the lead-in, or a cycle before that of the window: 'the start of cycle 1'."""
    if not _treated(patient):
        return "the start of treatment"
    return f"the start of cycle {dlt_rules(patient).dlt.window.cycle}"


def _before_the_window(patient: Patient, today: dt.date) -> str:
    place = place_in_cycle(list(patient.cycles.all()), today)
    if place is None:
        return "Treatment has not started."
    here = place_words(protocol_on(patient, place[0].started_on), *place)
    return f"{here[:1].upper()}{here[1:]}: the DLT window begins with cycle {dlt_rules(patient).dlt.window.cycle}."


def _never_reached(patient: Patient) -> str:
    """Why a patient whose treatment ended before the cycle of the DLT window does not count."""
    if not _treated(patient):
        return "Treatment ended before it began."
    last, window = list(patient.cycles.all())[-1], dlt_rules(patient).dlt.window
    return f"Treatment ended in {cycle_words(last.number)}: cycle {window.cycle}, the DLT window, was never reached."


def _treated(patient: Patient) -> bool:
    return bool(patient.cycles.all())


def within(window: Window | None, day: dt.date) -> bool:
    """Whether a day lies in the window; before treatment there is none."""
    return window is not None and window[0] <= day <= window[1]


def _percent(taken: int, planned: int) -> str:
    return f"{100 * taken // planned} %" if planned else "None"
