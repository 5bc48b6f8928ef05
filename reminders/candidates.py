"""Which patients may have something due by a day: found from dates and codes alone, before anybody is loaded whole.

It errs on the safe side: a patient named here may turn out to have nothing due, but nobody with something due is left
out. What really is due is worked out afterwards, by `patients.schedule` and `labs.schedule`.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Coalesce, Concat, JSONObject

from labs.models import Collection
from patients import schedule
from patients.dlt_rules import rule_that_fires
from patients.evaluability import Missing, Window, judgement_missing
from patients.models import (
    ActivityRecord,
    AdverseEvent,
    Attribution,
    Cycle,
    Discontinuation,
    DltAssessment,
    FollowUpVisit,
    Interruption,
    OutcomeValue,
    Patient,
    WindowAssessment,
)
from patients.schedule import add_months
from reminders.dose_candidates import DoseDates
from reminders.items import Kind
from reminders.noted import Noted
from trials.models import ProtocolVersion, Study, VersionAtSite
from trials.protocol import AnchorKind, Protocol, Timepoint
from trials.protocol_schedule import OF_EVERY_CYCLE

Status = Patient.Status
WITH_SOMETHING_DUE = (Status.REGISTERED, Status.ON_TREATMENT, Status.EVENT_MONITORING)
ONE_DAY = dt.timedelta(days=1)
Due = tuple[dt.date, Kind]


@dataclass(frozen=True)
class Candidate:
    """A patient, the kinds of item that may be due, the earliest day of one of them, and the judgements missing."""

    patient_id: int
    first: dt.date
    kinds: frozenset[Kind]
    judgements: tuple[Missing, ...] = ()


@dataclass(frozen=True)
class Point:
    """A time point as plain numbers: planned so many days after the start of its cycle, its window open before that.

    cycle: None where it hangs on none (registration, the end of treatment) or comes back with every one. at_end: it is
    planned on the last day of its cycle, whose length is that of the day on which it starts.
    """

    code: str
    anchor: AnchorKind
    cycle: int | None
    after: int
    before: int
    parts: frozenset[str]
    at_end: bool

    @classmethod
    def of(cls, code: str, timepoint: Timepoint, protocol: Protocol) -> "Point":
        anchor, parts = timepoint.anchor, frozenset(timepoint.parts)
        alone = anchor in schedule.WITHOUT_A_CYCLE or timepoint.comes_back
        cycle = None if alone else schedule.anchor_number(timepoint, protocol)
        after = schedule.days_after_start(timepoint, protocol)
        return cls(code, anchor, cycle, after, timepoint.window.before, parts, anchor is AnchorKind.CYCLE_END)


@dataclass(frozen=True)
class Plan:
    """A protocol's time points; worked out once, asked for each patient."""

    protocol: Protocol
    activities: tuple[Point, ...]
    samples: tuple[Point, ...]
    outcomes: tuple[Point, ...]

    @classmethod
    def of(cls, protocol: Protocol) -> "Plan":
        samples = protocol.samples.timepoints if protocol.samples else ()
        measured = [(f"{m.code}:{t.code}", t) for m in protocol.outcome_measures for t in m.timepoints]
        done = [(f"{a.code}:{t.code}", t) for a in protocol.recorded_activities for t in a.timepoints]
        return cls(
            protocol,
            activities=tuple(Point.of(code, timepoint, protocol) for code, timepoint in done),
            samples=tuple(Point.of(sample.code, sample, protocol) for sample in samples),
            outcomes=tuple(Point.of(code, timepoint, protocol) for code, timepoint in measured),
        )


# What a patient follows one after the other, each with its first day.
Followed = list[tuple[dt.date, Plan]]


@dataclass
class Traces:
    """What is known about one patient without loading the patient."""

    pk: int
    part: str
    planned_start: dt.date
    registered_on: dt.date
    version_id: int
    site_id: int
    assessed_until: dt.date | None
    reviewed: bool
    starts: list[dt.date] = field(default_factory=list)
    activities: frozenset[str] = frozenset()
    samples: frozenset[str] = frozenset()
    outcomes: frozenset[str] = frozenset()
    followed_up: list[dt.date] = field(default_factory=list)
    ended_on: dt.date | None = None
    resumed_on: dt.date | None = None
    events: list[Noted] = field(default_factory=list)


def candidates(study: Study, site_ids: list[int], horizon: dt.date) -> list[Candidate]:
    """Patients of these sites who may have something due by `horizon`, the earliest first. Constant queries."""
    plans = _plans(study)
    followed = VersionAtSite.objects.filter(site_id__in=site_ids).order_by("version__number")
    later = [(row.site_id, row.from_day, row.version_id) for row in followed]
    patients = Patient.objects.filter(study=study, site_id__in=site_ids, status__in=WITH_SOMETHING_DUE)
    reckonings = [_Reckoning(t, _followed(t, plans, later)) for t in _all_traces(patients, plans.values())]
    judgements = _judgements(reckonings)
    doses = DoseDates(patients, [plan.protocol for plan in plans.values()], horizon)
    found = []
    for reckoning in reckonings:
        missing = judgements.get(reckoning.traces.pk, [])
        due = [(m.event.onset_on, Kind.JUDGEMENT) for m in missing if m.event is not None]
        also = doses.due(reckoning.traces.pk, reckoning.protocol_on, reckoning.next_number, reckoning.next_start)
        due += [(day, kind) for day, kind in (*reckoning.earliest(), *also) if day <= horizon]
        if due:
            kinds = frozenset(kind for _, kind in due)
            found.append(Candidate(reckoning.traces.pk, min(day for day, _ in due), kinds, tuple(missing)))
    return sorted(found, key=lambda candidate: (candidate.first, candidate.patient_id))


def _plans(study: Study) -> dict[int, Plan]:
    """By the version, in the order of versions."""
    approved = ProtocolVersion.objects.filter(study=study, live_at__isnull=False).order_by("number")
    return {version.pk: Plan.of(version.protocol) for version in approved}


def _followed(traces: "Traces", plans: dict[int, Plan], later: list[tuple[int, dt.date, int]]) -> Followed:
    """As `patients.schedule.versions_of`."""
    order = list(plans)
    own = order.index(traces.version_id)
    rows = [
        (from_day, plans[version])
        for site, from_day, version in later
        if site == traces.site_id and order.index(version) > own
    ]
    return [(dt.date.min, plans[traces.version_id]), *rows]


def _judgements(reckonings: list["_Reckoning"]) -> dict[int, list[Missing]]:
    """The DLT judgements that are missing, by patient; only events in doubt are loaded."""
    doubtful = {pk: reckoning for reckoning in reckonings for pk in reckoning.doubtful_events()}
    events = AdverseEvent.objects.filter(pk__in=doubtful).prefetch_related("attributions", "dlt_assessments")
    found: dict[int, list[Missing]] = {}
    for event in events.order_by("onset_on", "pk"):
        reckoning = doubtful[event.pk]
        relations = {a.agent: a.relation for a in event.attributions.all()}
        rule = rule_that_fires(reckoning.protocol, event.term, event.grade, relations)
        missing = judgement_missing(event, rule, reckoning.window)
        if missing is not None:
            found.setdefault(event.patient_id, []).append(missing)
    return found


# --- dates and codes of everybody, some columns each ---


def _all_traces(patients: QuerySet[Patient], plans: Iterable[Plan]) -> Iterable[Traces]:
    columns = ("pk", "part__kind", "planned_start", "registered_at", "version_id", "site_id", "continuation_review__pk")
    rows = patients.order_by().values_list(*columns, _assessed_until())
    found = {
        pk: Traces(pk, part, start, registered_at.date() - ONE_DAY, version, site, assessed, review is not None)
        for pk, part, start, registered_at, version, site, review, assessed in rows
    }
    among = {"patient__in": patients.order_by().values("pk")}
    for pk, starts in _gathered(Cycle.objects.filter(**among), "started_on", order="number"):
        found[pk].starts = starts
    cycle = Coalesce(Cast("cycle", TextField()), Value(""), output_field=TextField())
    which = Concat("activity", Value(":"), "timepoint", Value(":"), cycle, output_field=TextField())
    for pk, codes in _gathered(ActivityRecord.objects.filter(**among), which):
        found[pk].activities = frozenset(codes)
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
    for pk, event in _events(AdverseEvent.objects.filter(**among), plans):
        found[pk].events.append(event)
    return found.values()


def _assessed_until() -> Subquery:
    """The end of the DLT window whose doses are entered; None where fewer may be possible since."""
    later = {"patient": OuterRef("patient"), "recorded_at__gte": OuterRef("assessed_at")}
    ended = Discontinuation.objects.filter(**later, on__lt=OuterRef("closed_on"))
    interrupted = Interruption.objects.filter(**later, from_day__lte=OuterRef("closed_on"))
    made = WindowAssessment.objects.filter(~Exists(ended), ~Exists(interrupted), patient=OuterRef("pk"))
    return Subquery(made.values("closed_on"))


def _gathered(rows: QuerySet[Any], what: Any, order: str = "pk") -> Iterable[tuple[int, list[Any]]]:
    return rows.order_by().values_list("patient_id").annotate(gathered=ArrayAgg(what, order_by=order))


def _events(events: QuerySet[AdverseEvent], plans: Iterable[Plan]) -> Iterator[tuple[int, Noted]]:
    """Events on which a rule can fire by their grade, and those that were judged; each with its patient."""
    lowest = min((rule.minimum_grade for plan in plans for rule in plan.protocol.dlt.rules), default=6)
    judged = DltAssessment.objects.filter(event=OuterRef("pk")).order_by("-pk")
    kept = ("is_dlt", "confirmed", "rule", "term", "detail", "grade", "relations", "in_window")
    judgement = JSONObject(**{name: name for name in kept})
    relation = Concat("agent", Value(":"), "relation")
    relations = Attribution.objects.filter(event=OuterRef("pk")).values_list(relation)
    rows = events.filter(Q(grade__gte=lowest) | Exists(judged)).annotate(
        relations=ArraySubquery(relations), newest=Subquery(judged.values(judgement=judgement)[:1])
    )
    columns = ("patient_id", "pk", "term", "grade", "onset_on", "detail", "relations", "newest")
    for patient_id, pk, term, grade, onset_on, detail, related, newest in rows.order_by().values_list(*columns):
        by_agent = dict(r.split(":") for r in related)
        yield patient_id, Noted(pk, term, grade, onset_on, by_agent, detail, newest)


# --- the earliest day of each kind ---


class _Reckoning:
    """The arithmetic of one patient: the first day on which each kind of item can be due."""

    def __init__(self, traces: Traces, followed: Followed) -> None:
        self.traces = traces
        self.followed = followed
        self.first = followed[0][1].protocol.first_cycle
        self.next_number = self.first + len(traces.starts)
        self.next_start = self._next_start()
        self.protocol = self._dlt_protocol()
        self.window = self._dlt_window()

    def protocol_on(self, day: dt.date) -> Protocol:
        return next(plan.protocol for from_day, plan in reversed(self.followed) if from_day <= day)

    def doubtful_events(self) -> list[int]:
        return [event.pk for event in self.traces.events if not event.is_settled(self.protocol, self.window)]

    def earliest(self) -> Iterator[Due]:
        traces = self.traces
        if self.next_start is not None:
            window = self.protocol_on(self.next_start).cycle_start_window(self.next_number)
            yield self.next_start - window.before * ONE_DAY, Kind.CYCLE
        for _, plan in self.followed:
            yield from ((day, Kind.ACTIVITY) for day in self._opening(self._activities(plan)))
            yield from ((day, Kind.SAMPLE) for day in self._opening(_left(plan.samples, traces.samples)))
            yield from ((day, Kind.OUTCOME) for day in self._opening(_left(plan.outcomes, traces.outcomes)))
        yield from self._window()
        yield from self._in_the_long_run()

    def _next_start(self) -> dt.date | None:
        traces = self.traces
        if traces.ended_on is not None:
            return None
        if not traces.starts:
            return traces.planned_start
        if traces.resumed_on is not None and traces.resumed_on > traces.starts[-1]:
            return traces.resumed_on
        return self._end_of(self.next_number - 1, traces.starts[-1])

    def _end_of(self, number: int, start: dt.date) -> dt.date:
        """The day after a cycle's last."""
        return start + self.protocol_on(start).cycle_length(number) * ONE_DAY

    def _start_of(self, cycle: int) -> dt.date | None:
        started = self.traces.starts
        if self.first <= cycle < self.next_number:
            return started[cycle - self.first]
        if self.next_start is None or cycle < self.next_number:
            return None
        start = self.next_start
        for number in range(self.next_number, cycle):
            start = self._end_of(number, start)
        return start

    def _activities(self, plan: Plan) -> Iterator[tuple[Point, int | None]]:
        """What nothing is recorded about, with the cycle where it comes back: of those started and of the next one."""
        done = self.traces.activities
        every = range(1, max(1, self.next_number) + 1)
        for point in plan.activities:
            for cycle in every if point.anchor in OF_EVERY_CYCLE else [None]:
                if f"{point.code}:{cycle if cycle is not None else ''}" not in done:
                    yield point, cycle

    def _opening(self, points: Iterable[tuple[Point, int | None]]) -> Iterator[dt.date]:
        """When the windows of the time points of the patient's part open; what treatment ended before is dropped."""
        ended_on = self.traces.ended_on
        for point, cycle in points:
            planned = self._planned(point, cycle) if self.traces.part in point.parts else None
            if planned is not None and (ended_on is None or planned <= ended_on):
                yield planned - point.before * ONE_DAY

    def _planned(self, point: Point, cycle: int | None) -> dt.date | None:
        if point.anchor is AnchorKind.REGISTRATION:
            return self.traces.registered_on
        if point.anchor is AnchorKind.END_OF_TREATMENT:
            return self.traces.ended_on
        number = cycle if point.cycle is None else point.cycle
        start = self._start_of(number) if number is not None else None
        if number is None or start is None:
            return None
        return self._end_of(number, start) - ONE_DAY if point.at_end else start + point.after * ONE_DAY

    def _dlt_protocol(self) -> Protocol:
        """As `patients.schedule.dlt_protocol`."""
        first = self.followed[0][1].protocol
        start = self._start_of(first.dlt.window.cycle)
        return self.protocol_on(start) if start is not None else first

    def _dlt_window(self) -> Window | None:
        window = self.protocol.dlt.window
        if window.cycle >= self.next_number:
            return None
        start = self.traces.starts[window.cycle - self.first]
        return start + dt.timedelta(days=window.from_day - 1), start + dt.timedelta(days=window.to_day - 1)

    def _window(self) -> Iterator[Due]:
        if self.window is None or self.traces.assessed_until == self.window[1]:
            return
        if not any(event.is_dlt(self.window) for event in self.traces.events):
            ended = self.traces.ended_on
            yield (min(ended, self.window[1]) if ended else self.window[1]), Kind.WINDOW

    def _in_the_long_run(self) -> Iterator[Due]:
        traces = self.traces
        for review in [plan.protocol.continuation_review for _, plan in self.followed]:
            if review and traces.starts and not traces.reviewed and traces.ended_on is None:
                yield add_months(traces.starts[0], review.after_months), Kind.CONTINUATION
        if traces.ended_on is not None:
            plan = self.protocol_on(traces.ended_on).event_monitoring
            since = sum(day > traces.ended_on for day in traces.followed_up)
            if since < plan.for_days // plan.every_days:
                opens = (since + 1) * plan.every_days - plan.window.before
                yield traces.ended_on + dt.timedelta(days=opens), Kind.FOLLOW_UP


def _left(points: Iterable[Point], done: frozenset[str]) -> Iterator[tuple[Point, int | None]]:
    """The time points that nothing is recorded about."""
    return ((point, None) for point in points if point.code not in done)
