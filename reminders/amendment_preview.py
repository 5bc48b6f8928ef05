"""What an amendment would change for whom, worked out before it is approved: patients' plans, places, the design."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dosing.engine import BoundaryRow
from dosing.models import Decision
from dosing.queries.inputs import boundary_rows
from labs.samples_page import sample_title
from labs.schedule import due_collections
from patients import schedule
from patients.activities import due_activities
from patients.models import Patient
from patients.outcome_series import outcome_plan
from patients.regimen import span_words
from patients.schedule import cycle_title
from reminders.patient_items import with_schedule
from trials.days import day_words
from trials.models import ProtocolVersion, Study, VersionAtSite
from trials.protocol import Protocol

Status = Patient.Status
CONCERNED = (Status.REGISTERED, Status.ON_TREATMENT, Status.EVENT_MONITORING)


@dataclass(frozen=True)
class Moved:
    """One thing of a patient's plan, as it is and as it would be; "" where it is not planned."""

    what: str
    before: str
    after: str

    @property
    def chip(self) -> tuple[str, str]:
        if not self.before:
            return "added", "up"
        return ("dropped", "down") if not self.after else ("", "")


@dataclass(frozen=True)
class PatientChanges:
    """A patient with what would move. from_day: from which the patient's site would follow the amendment."""

    patient: Patient
    from_day: dt.date
    moves: tuple[Moved, ...]


@dataclass(frozen=True)
class TableRow:
    """One row of the decision table that differs, as in 'escalate at 0, de-escalate at 2, eliminate at 3'."""

    n: int
    before: str
    after: str


@dataclass(frozen=True)
class Preview:
    """patients: those for whom something moves, by code. unmoved: how many others are concerned and see no change.

    study: what holds for the study as a whole from the approval on, in sentences.
    """

    patients: tuple[PatientChanges, ...]
    unmoved: int
    study: tuple[str, ...]
    table: tuple[TableRow, ...]


def preview(study: Study, amendment: Protocol, draft: ProtocolVersion, from_days: Mapping[int, dt.date]) -> Preview:
    """What approving the draft would change, if each site followed it from its day (by the site's primary key).

    amendment: what the draft says. Sites without a day follow it later: nothing moves there.
    """
    supposed = ProtocolVersion(
        pk=draft.pk, study=study, number=draft.number, status=ProtocolVersion.Status.LIVE,
        definition=draft.definition, sha256=draft.sha256,
    )  # fmt: skip
    people = with_schedule(study.patients.filter(status__in=CONCERNED, site__in=list(from_days)))
    found, unmoved = [], 0
    for patient in people.order_by("code"):
        from_day = from_days[patient.site_id]
        moves = tuple(_moves(patient, supposed, from_day))
        if moves:
            found.append(PatientChanges(patient, from_day, moves))
        else:
            unmoved += 1
    live = study.protocol
    return Preview(tuple(found), unmoved, tuple(_of_the_study(study, live, amendment)), tuple(_table(live, amendment)))


def _moves(patient: Patient, version: ProtocolVersion, from_day: dt.date) -> Iterator[Moved]:
    then = copy.copy(patient)
    then.__dict__.pop("followed_at_site", None)
    then.supposed_at_site = [VersionAtSite(study=patient.study, site=patient.site, version=version, from_day=from_day)]
    before, after = plan_of(patient, from_day), plan_of(then, from_day)
    for key in dict.fromkeys([*before, *after]):
        was, will = before.get(key, ("", "")), after.get(key, ("", ""))
        if was[1] != will[1]:
            yield Moved(was[0] or will[0], was[1], will[1])


def plan_of(patient: Patient, today: dt.date) -> dict[str, tuple[str, str]]:
    """What is still to come for a patient: by a name that stays, its title and its day with the days allowed."""
    cycles = list(patient.cycles.all())
    ended_on = schedule.treatment_ended_on(patient)
    plan: dict[str, tuple[str, str]] = {}
    for cycle in schedule.planned_cycles(patient, cycles, today)[:2]:
        doses = "; ".join(f"{dose.name} {dose.amount}, {dose.days}" for dose in cycle.doses)
        title = f"{cycle_title(cycle.number)} starts"
        plan[f"cycle {cycle.number}"] = title, f"{_window(cycle.due_on, cycle.earliest_on, cycle.latest_on)}: {doses}"
    for sample in due_collections(patient, cycles, ended_on, patient.collections.all(), today):
        if sample.state.is_open:
            tubes = ", ".join(tube.code for tube in sample.tubes)
            window = _window(sample.planned_on, sample.window_from, sample.window_to)
            plan[f"sample {sample.code}"] = _upper(sample_title(sample)), f"{window}: {tubes}"
    for due in due_activities(patient, cycles, patient.activities.all(), today):
        if due.state.is_open:
            plan[f"activity {due.which}"] = due.title, _window(due.planned_on, due.window_from, due.window_to)
    done = {(value.measure, value.timepoint) for value in patient.outcomes.all()}
    for codes, ((measure, point), day) in outcome_plan(patient, cycles).items():
        if codes not in done:
            title = f"{measure.title}, {point.title[:1].lower()}{point.title[1:]}"
            plan[f"outcome {codes}"] = title, _window(day.on, day.window_from, day.window_to)
    review = schedule.continuation_review_due(patient, cycles)
    if review is not None:
        plan["review"] = "Continuation review", day_words(review)
    visit = schedule.next_follow_up(patient)
    if visit is not None:
        plan["visit"] = f"Event-monitoring visit {visit.number}", _window(visit.on, visit.window_from, visit.window_to)
    return plan


def _upper(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _window(on: dt.date, first: dt.date, last: dt.date) -> str:
    return day_words(on) if first == last else f"{day_words(on)}, possible {span_words(first, last)}"


def _of_the_study(study: Study, live: Protocol, new: Protocol) -> Iterator[str]:
    was, will = live.escalation, new.escalation
    if was.cohort_size != will.cohort_size:
        yield f"The next cohort has {_places(will.cohort_size)}, not {was.cohort_size}. {_open_cohort(study)}"
    if was.maximum_patients != will.maximum_patients:
        yield f"The escalation takes at most {will.maximum_patients} patients, not {was.maximum_patients}."
    before = live.expansion.patients if live.expansion else 0
    after = new.expansion.patients if new.expansion else 0
    if before != after:
        yield f"The expansion takes {after} patients, not {before}."
    if live.signatures != new.signatures:
        yield "Who signs changes, from the next signature on."
    if live.design.parameters != new.design.parameters:
        yield "The design's parameters change: the next dose is recommended by the new ones."
    yield from _recommendation(study)


def _places(size: int) -> str:
    return "1 place" if size == 1 else f"{size} places"


def _open_cohort(study: Study) -> str:
    cohort = study.cohorts.filter(closed_at__isnull=True).first()
    return f"Cohort {cohort.number}, which is open, keeps {_places(cohort.size)}." if cohort else ""


def _recommendation(study: Study) -> Iterator[str]:
    """Whether a recommendation waits, which names the version that is live now."""
    newest = study.recommendations.order_by("-number").first()
    if newest is None or newest.decisions.filter(status=Decision.Status.SIGNED).exists():
        return
    yield (
        f"Recommendation {newest.number}, on which nobody has decided for good, is no longer signed: a new one is made "
        "under the amended protocol where the data allow it."
    )


def _table(live: Protocol, new: Protocol) -> Iterator[TableRow]:
    before, after = ({row.n: row for row in boundary_rows(protocol)} for protocol in (live, new))
    for n in sorted({*before, *after}):
        was, will = _row_words(before.get(n)), _row_words(after.get(n))
        if was != will:
            yield TableRow(n, was, will)


def _row_words(row: BoundaryRow | None) -> str:
    if row is None:
        return "not in the table"
    limits = (
        ("escalate at", row.escalate_if_at_most, " or fewer"),
        ("de-escalate at", row.de_escalate_if_at_least, " or more"),
        ("eliminate at", row.eliminate_if_at_least, " or more"),
    )
    return ", ".join(f"{what} {limit}{side}" for what, limit, side in limits if limit is not None) or "stay"
