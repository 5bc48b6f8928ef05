"""What is due for one patient, from the schedules of patients and labs. Pure over rows that are loaded."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import QuerySet

from labs.schedule import DueCollection, due_collections
from patients import schedule
from patients.activities import due_activities, title_together, together
from patients.evaluability import Missing, MissingKind, assessment_of, fell_short
from patients.models import Cycle, Patient
from patients.regimen import short_day, span_words
from patients.schedule import PlannedCycle, PlannedDay, cycle_title, protocol_of
from reminders.candidates import Candidate
from reminders.items import Item, Kind

# The window is assessed when its last day is over; three days later the cohort has waited long enough.
ASSESS_WITHIN = dt.timedelta(days=3)
JUDGE_WITHIN = dt.timedelta(days=1)
REVIEW_WITHIN = dt.timedelta(days=7)


def with_schedule(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """Patients with all that is read here, in a fixed number of queries; those of one version share its protocol."""
    return patients.select_related(
        "site", "part", "assigned_level", "continuation_review", "window_assessment"
    ).prefetch_related(
        "version",
        "cycles",
        "reductions",
        "discontinuations",
        "interruptions",
        "follow_up_visits",
        "collections",
        "activities",
        "outcomes",
    )


def items_of_patient(patient: Patient, candidate: Candidate, today: dt.date, horizon: dt.date) -> Iterator[Item]:
    """The patient's open items whose window opens by `horizon`, of the kinds that the candidate may have."""
    due = _Due(patient, today, horizon)
    yield from (due.judgement(missing) for missing in candidate.judgements)
    for kind, find in (
        (Kind.WINDOW, due.window),
        (Kind.CYCLE, due.cycle),
        (Kind.ACTIVITY, due.activities),
        (Kind.SAMPLE, due.samples),
        (Kind.OUTCOME, due.outcomes),
        (Kind.CONTINUATION, due.continuation),
        (Kind.FOLLOW_UP, due.follow_up),
    ):
        if kind in candidate.kinds:
            yield from find()


class _Due:
    """One patient on one day at the patient's site."""

    def __init__(self, patient: Patient, today: dt.date, horizon: dt.date) -> None:
        self.patient = patient
        self.today = today
        self.horizon = horizon
        self.cycles: list[Cycle] = list(patient.cycles.all())
        self.protocol = protocol_of(patient)
        self.ended_on = schedule.treatment_ended_on(patient)

    def judgement(self, missing: Missing) -> Item:
        event = missing.event
        assert event is not None
        confirm = missing.kind == MissingKind.CONFIRMATION
        return self._item(
            Kind.CONFIRMATION if confirm else Kind.JUDGEMENT,
            str(event.pk),
            title="waits for an investigator: is this a DLT?" if confirm else "needs a DLT judgement",
            detail=f"{event.term} grade {event.grade} since {short_day(event.onset_on)}",
            on=event.onset_on,
            closes=event.onset_on + JUDGE_WITHIN,
            where=(event.pk,),
        )

    def window(self) -> Iterator[Item]:
        window = schedule.dlt_window(self.patient, self.cycles)
        if window is None or assessment_of(self.patient, window) is not None:
            return
        first, last = window
        short = self.ended_on is not None and fell_short(self.patient, window)
        on = self.ended_on if short and self.ended_on else last
        closed = short or self.today > last
        length = (last - first).days + 1
        passed = (min(self.today, last) - first).days + 1
        if on <= self.horizon:
            yield self._item(
                Kind.WINDOW,
                "",
                title="DLT window has closed" if closed else "DLT window closes",
                detail="enter the doses taken in it" if closed else f"day {passed} of {length} at {self._level()}",
                on=on,
                opens=on if short else last + dt.timedelta(days=1),
                closes=on + ASSESS_WITHIN,
            )

    def cycle(self) -> Iterator[Item]:
        planned = schedule.next_cycle(self.patient, self.cycles)
        if planned is None or planned.earliest_on > self.horizon:
            return
        yield self._item(
            Kind.CYCLE,
            str(planned.number),
            title=f"{cycle_title(planned.number).lower()} starts",
            detail=self._cycle_words(planned),
            on=planned.due_on,
            opens=planned.earliest_on,
            closes=planned.due_on + dt.timedelta(days=self.protocol.cycle_start_window(planned.number).after),
        )

    def activities(self) -> Iterator[Item]:
        """Visits and activities on days of their own; what is due together is one item."""
        done = self.patient.activities.all()
        due = due_activities(self.patient, self.cycles, done, self.today)
        for group in together(one for one in due if one.state.is_open and one.window_from <= self.horizon):
            first, title = group[0], title_together(group)
            yield self._item(
                Kind.ACTIVITY,
                str(first.which),
                title=title[0].lower() + title[1:],
                detail=self._window_words(first.window_to) + ("" if first.firm else " · expected, may still move"),
                on=first.planned_on,
                opens=first.window_from,
                closes=first.window_to,
                where=(str(first.which),),
            )

    def samples(self) -> Iterator[Item]:
        done = self.patient.collections.all()
        for due in due_collections(self.patient, self.cycles, self.ended_on, done, self.today):
            if due.state.is_open and due.window_from <= self.horizon:
                yield self._item(
                    Kind.SAMPLE,
                    due.code,
                    title=_sample_words(due),
                    detail=f"{self._window_words(due.window_to)} · {_tubes(due)}",
                    on=due.planned_on,
                    opens=due.window_from,
                    closes=due.window_to,
                    where=(due.code,),
                )

    def outcomes(self) -> Iterator[Item]:
        """One item a time point, however many measures are missing there."""
        done = {(value.measure, value.timepoint) for value in self.patient.outcomes.all()}
        missing: dict[str, list[str]] = {}
        days: dict[str, tuple[str, PlannedDay]] = {}
        for measure in self.protocol.outcome_measures:
            for point in measure.timepoints:
                if (measure.code, point.code) in done or point.comes_back:
                    continue
                day = schedule.timepoint_day(point, self.patient, self.cycles)
                if day is not None and day.window_from <= self.horizon:
                    missing.setdefault(point.code, []).append(measure.domain)
                    days[point.code] = point.title, day
        for code, (title, day) in days.items():
            detail = f"{self._window_words(day.window_to)} · {', '.join(missing[code])}"
            yield self._planned(Kind.OUTCOME, code, f"outcome measures, {title.lower()}", day, detail)

    def continuation(self) -> Iterator[Item]:
        on = schedule.continuation_review_due(self.patient, self.cycles)
        if on is not None and on <= self.horizon:
            review = self.protocol.continuation_review
            months = f"{review.after_months} months of treatment" if review else ""
            yield self._item(
                Kind.CONTINUATION, "", title="continuation review", detail=months, on=on, closes=on + REVIEW_WITHIN
            )

    def follow_up(self) -> Iterator[Item]:
        visit = schedule.next_follow_up(self.patient)
        if visit is not None and visit.window_from <= self.horizon:
            yield self._item(
                Kind.FOLLOW_UP,
                str(visit.number),
                title=f"event-monitoring visit {visit.number}",
                detail=f"{self._window_words(visit.window_to)} · progression and survival",
                on=visit.on,
                opens=visit.window_from,
                closes=visit.window_to,
            )

    def _planned(self, kind: Kind, code: str, title: str, day: PlannedDay, detail: str = "") -> Item:
        words = detail or self._window_words(day.window_to)
        return self._item(kind, code, title=title, detail=words, on=day.on, opens=day.window_from, closes=day.window_to)

    def _item(
        self,
        kind: Kind,
        code: str,
        *,
        title: str,
        detail: str,
        on: dt.date,
        closes: dt.date,
        opens: dt.date | None = None,
        where: tuple[object, ...] = (),
    ) -> Item:
        return Item(
            kind=kind,
            key=":".join(part for part in (kind.value, str(self.patient.pk), code) if part),
            title=title,
            detail=detail,
            on=on,
            opens=opens or on,
            closes=closes,
            today=self.today,
            patient=self.patient.code,
            site=self.patient.site,
            where=(self.patient.code, *where),
        )

    def _window_words(self, last: dt.date) -> str:
        days = (self.today - last).days
        if days == 1:
            return "window ended yesterday"
        if days > 1:
            return f"window ended {days} days ago"
        return "window ends today" if days == 0 else f"window until {last:%a} {short_day(last)}"

    def _cycle_words(self, planned: PlannedCycle) -> str:
        dose = planned.doses[0]
        span = span_words(dose.on[0], dose.on[-1])
        late = f" · at the latest {short_day(planned.latest_on)}" if planned.due_on < self.today else ""
        return f"{planned.label}, {dose.days} · {span}{late}"

    def _level(self) -> str:
        return self.patient.assigned_level.label if self.patient.assigned_level else ""


def _sample_words(due: DueCollection) -> str:
    title = due.title[0].lower() + due.title[1:]
    return f"sample {title}" if title.startswith(("after", "before", "at")) else f"{title} sample"


def _tubes(due: DueCollection) -> str:
    return ", ".join(f"{tube.colour} {tube.volume_ml.normalize():f} ml" for tube in due.tubes)
