"""What is due for one patient, from the schedules of patients and labs. Pure over rows that are loaded."""

import datetime as dt
from collections.abc import Iterator
from urllib.parse import urlencode

from django.db.models import QuerySet

from labs.schedule import DueCollection, due_collections
from patients import schedule
from patients.activities import due_activities, title_together, together
from patients.evaluability import Missing, MissingKind, assessment_of, fell_short
from patients.infusions import PlannedInfusion, planned_infusions, to_give
from patients.measurements_needed import Needed, measurement_needed
from patients.models import Cycle, Patient, versions_at_sites
from patients.outcome_series import outcome_plan
from patients.regimen import short_day, span_words
from patients.schedule import PlannedCycle, PlannedDay, cycle_title, cycle_words, protocol_on
from reminders.candidates import Candidate
from reminders.items import Item, Kind

# The window is assessed when its last day is over; three days later the cohort has waited long enough.
ASSESS_WITHIN = dt.timedelta(days=3)
JUDGE_WITHIN = dt.timedelta(days=1)
REVIEW_WITHIN = dt.timedelta(days=7)
# Height and weight are asked for so long before the dose, however far the calendar looks ahead.
MEASURE_AHEAD = dt.timedelta(days=7)


def with_schedule(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    """Patients with all that is read here, in a fixed number of queries; those of one version share its protocol."""
    return patients.select_related(
        "site", "part", "assigned_level", "continuation_review", "window_assessment"
    ).prefetch_related(
        "version",
        versions_at_sites(),
        "cycles",
        "reductions",
        "discontinuations",
        "interruptions",
        "administrations",
        "measurements",
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
        (Kind.MEASUREMENT, due.measurement),
        (Kind.INFUSION, due.infusions),
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
        window = protocol_on(self.patient, planned.due_on).cycle_start_window(planned.number)
        yield self._item(
            Kind.CYCLE,
            str(planned.number),
            title=f"{cycle_title(planned.number).lower()} starts",
            detail=self._cycle_words(planned),
            on=planned.due_on,
            opens=planned.earliest_on,
            closes=planned.due_on + dt.timedelta(days=window.after),
        )

    def measurement(self) -> Iterator[Item]:
        """Height and weight for the next dose that follows from them."""
        needed = measurement_needed(
            self.patient, self.cycles, self.today, min(self.horizon, self.today + MEASURE_AHEAD)
        )
        if needed is not None:
            ahead = MEASURE_AHEAD if needed.within is None else min(MEASURE_AHEAD, dt.timedelta(days=needed.within))
            yield self._item(
                Kind.MEASUREMENT,
                "",
                title="height and weight are needed",
                detail=_why_needed(needed),
                on=needed.dose.on,
                opens=needed.dose.on - ahead,
                closes=needed.dose.closes,
            )

    def infusions(self) -> Iterator[Item]:
        """Each on its planned day; the dose to give where it does not depend on an earlier one still to be recorded."""
        earlier: set[str] = set()
        for infusion in planned_infusions(self.patient, self.cycles):
            if not infusion.open or infusion.window_from > self.horizon:
                continue
            agent, protocol = infusion.dose.agent, protocol_on(self.patient, infusion.cycle.started_on)
            place = f"{cycle_words(infusion.cycle.number)} {infusion.day_words(protocol)}"
            amount = "" if agent in earlier else self._amount(infusion)
            earlier.add(agent)
            yield self._item(
                Kind.INFUSION,
                f"{infusion.cycle.number}-{agent}-{infusion.day}",
                title=f"{protocol.agent(agent).name.lower()} {infusion.noun}, {place}",
                detail=" · ".join(part for part in (self._window_words(infusion.window_to), amount) if part),
                on=infusion.planned_on,
                opens=infusion.window_from,
                closes=infusion.window_to,
                query=urlencode({"agent": agent, "on": infusion.planned_on.isoformat()}),
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
        for codes, ((measure, point), day) in outcome_plan(self.patient, self.cycles).items():
            if codes not in done and day.window_from <= self.horizon:
                missing.setdefault(point.code, []).append(measure.domain)
                days[point.code] = point.title, day
        for code, (title, day) in days.items():
            detail = f"{self._window_words(day.window_to)} · {', '.join(missing[code])}"
            yield self._planned(Kind.OUTCOME, code, f"outcome measures, {title.lower()}", day, detail)

    def continuation(self) -> Iterator[Item]:
        on = schedule.continuation_review_due(self.patient, self.cycles)
        if on is not None and on <= self.horizon:
            review = protocol_on(self.patient, on).continuation_review
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
        query: str = "",
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
            query=query,
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

    def _amount(self, infusion: PlannedInfusion) -> str:
        """'465 mg', today where the window is open; nothing where it cannot be told yet."""
        inside = infusion.window_from <= self.today <= infusion.window_to
        dose = to_give(self.patient, infusion, self.today if inside else infusion.planned_on)
        return dose.amount_words if dose.amount is not None else ""

    def _level(self) -> str:
        return self.patient.assigned_level.label if self.patient.assigned_level else ""


def _why_needed(needed: Needed) -> str:
    dose = needed.dose
    why = "none are recorded"
    if needed.measured_on is not None:
        why = f"the last of {short_day(needed.measured_on)}, more than {needed.within} days before"
    return f"for {dose.protocol.agent(dose.agent).name.lower()} on {dose.on:%a} {short_day(dose.on)} · {why}"


def _sample_words(due: DueCollection) -> str:
    title = due.title[0].lower() + due.title[1:]
    return f"sample {title}" if title.startswith(("after", "before", "at")) else f"{title} sample"


def _tubes(due: DueCollection) -> str:
    return ", ".join(f"{tube.colour} {tube.volume_ml.normalize():f} ml" for tube in due.tubes)
