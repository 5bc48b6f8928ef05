"""Which patients may have something due by a day: found from dates and codes alone, before anybody is loaded whole.

It errs on the safe side: a patient named here may turn out to have nothing due, but nobody with something due is left
out. What really is due is worked out afterwards, by `patients.schedule` and `labs.schedule`.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from labs.models import Collection
from patients.dlt_rules import rule_that_fires
from patients.evaluability import Missing, judgement_missing, newest_judgement
from patients.models import (
    AdverseEvent,
    Cycle,
    Discontinuation,
    DltAssessment,
    FollowUpVisit,
    OutcomeValue,
    Patient,
)
from patients.schedule import add_months
from reminders.items import Kind
from trials.models import ProtocolVersion, Study
from trials.protocol import AnchorKind, Protocol, Timepoint

Status = Patient.Status
WITH_SOMETHING_DUE = (Status.REGISTERED, Status.ON_TREATMENT, Status.EVENT_MONITORING)
Due = tuple[dt.date, Kind]


@dataclass(frozen=True)
class Candidate:
    """A patient, the kinds of item that may be due, the earliest day of one of them, and the judgements missing."""

    patient_id: int
    first: dt.date
    kinds: frozenset[Kind]
    judgements: tuple[Missing, ...] = ()


@dataclass
class Traces:
    """What is known about one patient without loading the patient."""

    pk: int
    part: str
    planned_start: dt.date
    version_id: int
    window_assessed: bool
    reviewed: bool
    starts: list[dt.date] = field(default_factory=list)
    samples: frozenset[str] = frozenset()
    outcomes: frozenset[str] = frozenset()
    followed_up: list[dt.date] = field(default_factory=list)
    ended_on: dt.date | None = None
    resumed_on: dt.date | None = None
    events: list[AdverseEvent] = field(default_factory=list)


def candidates(study: Study, site_ids: list[int], today: dt.date, horizon: dt.date) -> list[Candidate]:
    """Patients of these sites who may have something due by `horizon`, the earliest first. Constant queries.

    today: the earliest day that it is at any of the sites. Visits of earlier days leave nothing to do.
    """
    versions = ProtocolVersion.objects.filter(study=study).exclude(status=ProtocolVersion.Status.DRAFT)
    protocols = {version.pk: version.protocol for version in versions}
    found = []
    patients = Patient.objects.filter(study=study, site_id__in=site_ids, status__in=WITH_SOMETHING_DUE)
    for traces in _all_traces(patients, protocols):
        reckoning = _Reckoning(traces, protocols[traces.version_id], today)
        due = [(day, kind) for day, kind in reckoning.earliest() if day <= horizon]
        if due:
            kinds = frozenset(kind for _, kind in due)
            found.append(Candidate(traces.pk, min(day for day, _ in due), kinds, tuple(reckoning.judgements)))
    return sorted(found, key=lambda candidate: (candidate.first, candidate.patient_id))


# --- dates and codes of everybody, some columns each ---


def _all_traces(patients: QuerySet[Patient], protocols: dict[int, Protocol]) -> Iterable[Traces]:
    columns = ("pk", "part__kind", "planned_start", "version_id", "window_assessment__pk", "continuation_review__pk")
    rows = patients.order_by().values_list(*columns)
    found = {
        pk: Traces(pk, part, start, version, assessed is not None, review is not None)
        for pk, part, start, version, assessed, review in rows
    }
    among = {"patient__in": patients.order_by().values("pk")}
    for pk, starts in _gathered(Cycle.objects.filter(**among), "started_on", order="number"):
        found[pk].starts = starts
    for pk, codes in _gathered(Collection.objects.filter(**among), "timepoint"):
        found[pk].samples = frozenset(codes)
    measured = OutcomeValue.objects.filter(**among)
    for pk, codes in _gathered(measured, Concat("measure", Value(":"), "timepoint")):
        found[pk].outcomes = frozenset(codes)
    for pk, days in _gathered(FollowUpVisit.objects.filter(**among), "done_on"):
        found[pk].followed_up = days
    ends = Discontinuation.objects.filter(**among).order_by("number")
    for pk, ended_on, resumed_on in ends.values_list("patient_id", "on", "retreated_on"):
        found[pk].ended_on, found[pk].resumed_on = (None, resumed_on) if resumed_on else (ended_on, None)
    for event in _events_to_look_at(AdverseEvent.objects.filter(**among), protocols):
        found[event.patient_id].events.append(event)
    return found.values()


def _gathered(rows: QuerySet[Any], what: Any, order: str = "pk") -> Iterable[tuple[int, list[Any]]]:
    return rows.order_by().values_list("patient_id").annotate(gathered=ArrayAgg(what, order_by=order))


def _events_to_look_at(events: QuerySet[AdverseEvent], protocols: dict[int, Protocol]) -> QuerySet[AdverseEvent]:
    """Events on which a rule of the protocol can fire by their grade, and those that were ever judged a DLT."""
    lowest = min((rule.minimum_grade for p in protocols.values() for rule in p.dlt.rules), default=6)
    judged = Exists(DltAssessment.objects.filter(event=OuterRef("pk"), is_dlt=True))
    seen = events.filter(Q(grade__gte=lowest) | judged)
    return seen.order_by("onset_on", "pk").prefetch_related("attributions", "dlt_assessments")


# --- the earliest day of each kind ---


class _Reckoning:
    """The arithmetic of one patient: the first day on which each kind of item can be due."""

    def __init__(self, traces: Traces, protocol: Protocol, today: dt.date) -> None:
        self.traces = traces
        self.protocol = protocol
        self.today = today
        self.length = protocol.cycle.length_days
        self.window = self._dlt_window()
        self.next_start = self._next_start()
        self.judgements = list(self._judgements())

    def earliest(self) -> Iterator[Due]:
        if self.next_start is not None:
            yield self.next_start - dt.timedelta(days=self.protocol.cycle.start_window.before), Kind.CYCLE
        visits = self._points(Kind.VISIT, ((v.code, v) for v in self.protocol.visits), frozenset())
        yield from ((day, kind) for day, kind in visits if day >= self.today)
        samples = self.protocol.samples.timepoints if self.protocol.samples else ()
        yield from self._points(Kind.SAMPLE, ((t.code, t) for t in samples), self.traces.samples)
        measured = ((f"{m.code}:{t.code}", t) for m in self.protocol.outcome_measures for t in m.timepoints)
        yield from self._points(Kind.OUTCOME, measured, self.traces.outcomes)
        yield from self._dlt()
        yield from self._in_the_long_run()

    def _judgements(self) -> Iterator[Missing]:
        for event in self.traces.events:
            relations = {a.agent: a.relation for a in event.attributions.all()}
            rule = rule_that_fires(self.protocol, event.term, event.grade, relations)
            if missing := judgement_missing(event, rule, self.window):
                yield missing

    def _next_start(self) -> dt.date | None:
        traces = self.traces
        if traces.ended_on is not None:
            return None
        if not traces.starts:
            return traces.planned_start
        if traces.resumed_on is not None and traces.resumed_on > traces.starts[-1]:
            return traces.resumed_on
        return traces.starts[-1] + dt.timedelta(days=self.length)

    def _start_of(self, cycle: int) -> dt.date | None:
        started = self.traces.starts
        if cycle <= len(started):
            return started[cycle - 1]
        if self.next_start is None:
            return None
        return self.next_start + dt.timedelta(days=(cycle - len(started) - 1) * self.length)

    def _points(self, kind: Kind, points: Iterable[tuple[str, Timepoint]], done: frozenset[str]) -> Iterator[Due]:
        """When the windows of the time points open that nothing is recorded about; of visits, the planned day."""
        for code, point in points:
            if code in done or self.traces.part not in point.parts:
                continue
            cycle = 1 if point.anchor is AnchorKind.PRE_TREATMENT else point.cycle or len(self.traces.starts) + 1
            start = self._start_of(cycle)
            if start is not None:
                after = self.length - 1 if point.anchor is AnchorKind.CYCLE_END else 0
                before = 0 if kind is Kind.VISIT else point.window.before
                yield start + dt.timedelta(days=after - before), kind

    def _dlt_window(self) -> tuple[dt.date, dt.date] | None:
        window = self.protocol.dlt.window
        if len(self.traces.starts) < window.cycle:
            return None
        start = self.traces.starts[window.cycle - 1]
        return start + dt.timedelta(days=window.from_day - 1), start + dt.timedelta(days=window.to_day - 1)

    def _dlt(self) -> Iterator[Due]:
        for missing in self.judgements:
            assert missing.event is not None
            yield missing.event.onset_on, Kind.JUDGEMENT
        if self.window is None or self.traces.window_assessed or self._has_dlt():
            return
        ended = self.traces.ended_on
        yield (min(ended, self.window[1]) if ended else self.window[1]), Kind.WINDOW

    def _has_dlt(self) -> bool:
        assert self.window is not None
        first, last = self.window
        judged = ((event, newest_judgement(event)) for event in self.traces.events)
        return any(j is not None and j.is_dlt and first <= event.onset_on <= last for event, j in judged)

    def _in_the_long_run(self) -> Iterator[Due]:
        review, traces = self.protocol.continuation_review, self.traces
        if review and traces.starts and not traces.reviewed and traces.ended_on is None:
            yield add_months(traces.starts[0], review.after_months), Kind.CONTINUATION
        if traces.ended_on is not None:
            plan = self.protocol.event_monitoring
            since = sum(day > traces.ended_on for day in traces.followed_up)
            if since < plan.for_days // plan.every_days:
                opens = (since + 1) * plan.every_days - plan.window.before
                yield traces.ended_on + dt.timedelta(days=opens), Kind.FOLLOW_UP
