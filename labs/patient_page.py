"""The patient's page in words: the answer first, then the regimen, what is known, the time line and the measures.

Formatting only: what is true has been worked out by `PatientCase`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse

from labs.patient_actions import WhatNext, what_next
from labs.patient_case import PatientCase
from labs.patient_doses import Doses, doses_of
from labs.patient_regimen import RegimenDose, regimen_doses
from labs.patient_timeline import TimeLine, time_line
from labs.words import first_lower, first_upper, listed, weekday_words
from patients import schedule
from patients.evaluability import MissingKind, Standing
from patients.models import Patient
from patients.outcome_series import OutcomePoint, OutcomeSeries, outcome_series
from patients.place import place_words
from patients.regimen import span_words
from patients.schedule import cycle_title, cycle_words
from trials.days import day_words
from trials.permissions import Permission
from trials.protocol import OutcomeMeasure, Timepoint

Status = Patient.Status


@dataclass(frozen=True)
class Regimen:
    """What is given in one cycle, with its dates."""

    title: str
    when: str
    doses: tuple[RegimenDose, ...]
    note: str = ""


@dataclass(frozen=True)
class MeasureValue:
    """One value, when it was measured, and where to correct it ("" for somebody who may not)."""

    title: str
    day: str
    value: str
    url: str


@dataclass(frozen=True)
class Measure:
    """An outcome measure: the newest value in words, all values, and a small plot ("" for fewer than two)."""

    title: str
    domain: str
    newest: str
    change: str
    values: list[MeasureValue]
    plot: str


@dataclass(frozen=True)
class Fact:
    """One line of what is known. assumed: the protocol does not say, the study file does."""

    label: str
    value: str
    note: str = ""
    assumed: bool = False


@dataclass(frozen=True)
class Assumption:
    """Something on this page that the protocol's text does not say."""

    what: str
    note: str


@dataclass(frozen=True)
class PatientPage:
    headline: str
    sentence: str
    next: WhatNext
    standing: tuple[str, str] | None
    regimens: list[Regimen]
    doses: Doses | None
    facts: list[Fact]
    time_line: TimeLine
    measures: list[Measure]
    unmeasured: list[str]
    measures_note: str
    assumptions: list[Assumption]


def patient_page(case: PatientCase) -> PatientPage:
    series = outcome_series(case.patient, case.today) if case.registered else []
    return PatientPage(
        headline=_headline(case),
        sentence=_sentence(case),
        next=what_next(case),
        standing=_standing_chip(case),
        regimens=list(_regimens(case)),
        doses=doses_of(case),
        facts=list(_facts(case)),
        time_line=time_line(case),
        measures=[_measure(case, one) for one in series if one.points],
        unmeasured=[one.measure.title for one in series if not one.points],
        measures_note=next((m.note for m in case.protocol.outcome_measures if m.assumed and m.note), ""),
        assumptions=list(_assumptions(case)) if case.registered else [],
    )


# --- the answer ---


def _headline(case: PatientCase) -> str:
    """Where the patient stands, in as few words as possible."""
    match case.patient.status:
        case Status.SCREENING:
            return "In screening"
        case Status.SCREEN_FAILED:
            return "Screen failure"
        case Status.REGISTERED:
            return f"Registered at {case.dose_now}, not yet treated"
        case Status.ON_TREATMENT:
            return _headline_on_treatment(case)
        case Status.EVENT_MONITORING:
            return "In event monitoring"
    return "Off study"


def _headline_on_treatment(case: PatientCase) -> str:
    if case.place is None:
        return f"On treatment at {case.dose_now}"
    cycle, day = case.place
    protocol = case.protocol_of_cycle(cycle)
    if day > protocol.cycle_length(cycle.number):
        return f"{cycle_words(cycle.number).capitalize()} is over, at {case.dose_now}"
    return f"{first_upper(place_words(protocol, cycle, day))}, at {case.dose_now}"


def _sentence(case: PatientCase) -> str:
    """Assigned level, part and what the patient counts for."""
    patient = case.patient
    if patient.status == Status.SCREENING:
        held = "A slot is held for the patient." if patient.reserved_slot else "No slot is held for the patient."
        return f"Screened on {day_words(patient.screened_on)}. {held}"
    if patient.assigned_level is None or patient.part is None:
        return f"Screened on {day_words(patient.screened_on)}; did not enter the study."
    part = first_lower(patient.part.get_kind_display())
    words = [f"Assigned {patient.assigned_level.label} (level {patient.assigned_level.ordinal}) in the {part}."]
    if case.ended_on is not None:
        words.append(f"Treatment ended on {day_words(case.ended_on)}{_after_cycles(case)}.")
    if case.standing is not None:
        words.append(case.standing.reason)
    since, version = schedule.versions_of(case.patient)[-1]
    if version != patient.version:
        verb = "Follows" if since <= case.today else "Will follow"
        tense = "since" if since <= case.today else "from"
        words.append(f"{verb} protocol version {version.number} {tense} {day_words(since)}.")
    return " ".join(words)


def _after_cycles(case: PatientCase) -> str:
    return f", in {cycle_words(case.cycles[-1].number)}" if case.cycles else ", before it began"


_STANDING_KINDS = {
    Standing.EVALUABLE_DLT: "out",
    Standing.EVALUABLE_NO_DLT: "up",
    Standing.PENDING: "pending",
    Standing.NOT_EVALUABLE: "neutral",
}


def _standing_chip(case: PatientCase) -> tuple[str, str] | None:
    """Where the patient stands in the tally; nothing before treatment, when there is nothing to say."""
    if case.standing is None or not case.cycles:
        return None
    standing = Standing(case.standing.standing)
    words = standing.label
    if standing == Standing.PENDING:
        running = any(missing.kind == MissingKind.WINDOW for missing in case.standing.missing)
        words = "DLT window running" if running else "DLT assessment pending"
        if any(missing.kind == MissingKind.CYCLE_START for missing in case.standing.missing):
            words = "DLT window to come"
    return words, _STANDING_KINDS[standing]


# --- the regimen ---


def _regimens(case: PatientCase) -> Iterator[Regimen]:
    """The present cycle, where one runs, and the next."""
    if case.place is not None and case.ended_on is None:
        cycle, day = case.place
        if day <= case.protocol_of_cycle(cycle).cycle_length(cycle.number):
            doses = regimen_doses(case, cycle.number, cycle.rung, cycle.started_on)
            last = schedule.cycle_end(case.patient, cycle)
            title = f"{cycle_title(cycle.number)}, now: {cycle.dose_label}"
            yield Regimen(title, span_words(cycle.started_on, last), doses, _reduced_since(case, cycle.rung))
    planned = case.next_cycle
    if planned is not None:
        when = f"when it starts on the planned day, {weekday_words(planned.due_on)}"
        doses = regimen_doses(case, planned.number, planned.rung, planned.due_on)
        yield Regimen(f"{cycle_title(planned.number)}, next: {planned.label}", when, doses)


def _reduced_since(case: PatientCase, rung: int) -> str:
    now = schedule.rung_on(case.patient, case.today)
    if now == rung:
        return ""
    return f"Reduced since to {case.protocol.reductions.ladder[now].label}."


# --- facts ---


def _facts(case: PatientCase) -> Iterator[Fact]:
    patient = case.patient
    yield Fact("Site", patient.site.name)
    if patient.assigned_level is not None and case.standing is not None:
        yield Fact("Assigned level", f"{patient.assigned_level.label} (level {patient.assigned_level.ordinal})")
        yield Fact("Dose now", _dose_now(case))
        yield _window_fact(case)
        yield Fact("Counts", Standing(case.standing.standing).label, case.standing.reason)
        yield _events_fact(case)
        yield _reductions_fact(case)
        yield _cycles_fact(case)
    if case.consent is not None:
        yield Fact("Consent", day_words(case.consent.signed_on), f"version {case.consent.form_version}")
    if case.eligibility is not None:
        yield Fact("Eligible", "yes" if case.eligibility.eligible else "no", day_words(case.eligibility.checked_on))
    if patient.registered_by is not None:
        yield Fact("Registered by", patient.registered_by.full_name)
    if patient.version is not None:
        yield _version_fact(case)


def _version_fact(case: PatientCase) -> Fact:
    """Which version's rules hold today, and those that held before: what was collected then was collected by them."""
    followed = [(day, version) for day, version in schedule.versions_of(case.patient) if day <= case.today]
    since, now = followed[-1]
    if len(followed) == 1:
        return Fact("Protocol version", str(now.number))
    steps = [f"version {followed[0][1].number} from registration"]
    steps += [f"version {version.number} from {day_words(day)}" for day, version in followed[1:-1]]
    return Fact("Protocol version", f"{now.number} since {day_words(since)}", f"before that, {listed(steps)}")


def _cycles_fact(case: PatientCase) -> Fact:
    numbers = [cycle.number for cycle in case.cycles]
    note = "after the lead-in" if 0 in numbers and numbers[-1] > 0 else "the lead-in only" if 0 in numbers else ""
    return Fact("Cycles started", str(sum(number > 0 for number in numbers)), note)


def _dose_now(case: PatientCase) -> str:
    if case.ended_on is not None:
        return "none, treatment ended"
    return case.dose_now if case.cycles else "none yet"


def _events_fact(case: PatientCase) -> Fact:
    grades = [event.grade for event in case.patient.adverse_events.all()]
    return Fact(
        "Adverse events", str(len(grades)) if grades else "none", f"highest grade {max(grades)}" if grades else ""
    )


def _window_fact(case: PatientCase) -> Fact:
    window = schedule.dlt_protocol(case.patient, case.cycles).dlt.window
    dates = case.standing.window if case.standing else None
    days = f"days {window.from_day}–{window.to_day} of cycle {window.cycle}"
    return Fact("DLT window", span_words(*dates) if dates else days, "" if not dates else days, window.assumed)


def _reductions_fact(case: PatientCase) -> Fact:
    made = case.patient.reductions.all()
    ladder = case.protocol.reductions.ladder
    words = f"{len(made)} of {case.protocol.reductions.maximum} used"
    steps = listed([f"to {ladder[row.to_rung].label} on {day_words(row.effective_on)}" for row in made])
    return Fact("Dose reductions", words, steps)


# --- outcome measures ---


def _measure(case: PatientCase, series: OutcomeSeries) -> Measure:
    measure, points = series.measure, series.points
    newest = points[-1]
    return Measure(
        title=measure.title,
        domain=measure.domain,
        newest=f"{_with_unit(newest.value, measure)}, {first_lower(newest.title)}",
        change=_change(measure, points),
        values=[_measure_value(case, measure, point) for point in points],
        plot=_plot(measure, points),
    )


def _measure_value(case: PatientCase, measure: OutcomeMeasure, point: OutcomePoint) -> MeasureValue:
    url = ""
    if case.may(Permission.RECORD_CLINICAL):
        url = reverse("patients:correct-outcome", args=[case.key, case.patient.code, point.record.pk])
    return MeasureValue(point.title, day_words(point.measured_on), _with_unit(point.value, measure), url)


def _with_unit(value: Decimal, measure: OutcomeMeasure) -> str:
    """'8.4 g/L', '5 points', '1 point'."""
    unit = measure.unit.removesuffix("s") if value == 1 else measure.unit
    return f"{_number(value)} {unit}".strip()


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _change(measure: OutcomeMeasure, points: tuple[OutcomePoint, ...]) -> str:
    """'better by 4 points since pre-treatment'; the protocol says which way is better."""
    if len(points) < 2:
        return ""
    difference = points[-1].value - points[0].value
    since = f"since {first_lower(points[0].title)}"
    if difference == 0:
        return f"unchanged {since}"
    better = (difference > 0) == (measure.better == "higher")
    return f"{'better' if better else 'worse'} by {_with_unit(abs(difference), measure)} {since}"


def _plot(measure: OutcomeMeasure, points: tuple[OutcomePoint, ...]) -> str:
    if len(points) < 2:
        return ""
    values = ", ".join(f"{_number(p.value)} on {day_words(p.measured_on)}" for p in points)
    from labs.plots import Point, outcome_plot  # the library takes a second to import; only who draws waits for it

    return outcome_plot(f"{measure.title}: {values}", tuple(Point(p.measured_on, float(p.value)) for p in points))


# --- what the protocol does not say ---


def _assumptions(case: PatientCase) -> Iterator[Assumption]:
    """Every assumption of the study file that this page relies on, once."""
    protocol = case.protocol
    if protocol.dlt.window.assumed:
        yield Assumption("The DLT window", protocol.dlt.window.note)
    if protocol.dlt.minimum_exposure.assumed:
        yield Assumption("The minimum exposure", protocol.dlt.minimum_exposure.note)
    if any(rule.assumed for rule in protocol.dlt.rules):
        yield Assumption("What is a DLT", next((r.note for r in protocol.dlt.rules if r.note), ""))
    if protocol.cycle.start_window.assumed:
        yield Assumption("The window for the start of a cycle", protocol.cycle.start_window.note)
    if protocol.lead_in is not None and protocol.lead_in.start_window.assumed:
        yield Assumption("The window for the start of the lead-in", protocol.lead_in.start_window.note)
    yield from _timepoint_assumptions("Visits", protocol.visits)
    for activity in protocol.activities:
        if activity.assumed:
            yield Assumption(activity.title, activity.note)
    yield from _timepoint_assumptions("Windows of samples", protocol.samples.timepoints if protocol.samples else ())
    lower = [rung for rung in protocol.reductions.ladder if rung.assumed]
    if lower:
        yield Assumption(f"Doses below the lowest level: {listed([rung.label for rung in lower])}", lower[0].note)
    if protocol.event_monitoring.assumed:
        yield Assumption("Event-monitoring visits", protocol.event_monitoring.note)
    measures = [measure for measure in protocol.outcome_measures if measure.assumed]
    if measures:
        yield Assumption("Outcome measures", next((m.note for m in measures if m.note), ""))


def _timepoint_assumptions(what: str, timepoints: tuple[Timepoint, ...]) -> Iterator[Assumption]:
    notes = [t.note or t.window.note for t in timepoints if t.assumed or t.window.assumed]
    if notes:
        yield Assumption(what, next((note for note in notes if note), ""))
