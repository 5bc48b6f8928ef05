"""Pages of treatment: cycles, doses, interruptions, reductions."""

import datetime as dt
from typing import Any

from django.forms import Form
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from patients import schedule
from patients.forms import (
    CorrectCycleForm,
    DosesForm,
    InterruptionForm,
    ReduceForm,
    ResumeForm,
    RetreatForm,
    StartCycleForm,
    cycle_of_day,
)
from patients.models import Cycle, DoseReduction, DosesTaken, Interruption
from patients.moves import Move, preview_cycle_start
from patients.operations import (
    correct_cycle_start,
    interrupt_dosing,
    record_cycle_doses,
    reduce_dose,
    resume_dosing,
    retreat,
    start_cycle,
)
from patients.operations.cycles import check_correction, check_start, cycle_that_can_start
from patients.operations.reductions import check_retreatment, reduction_refusal
from patients.regimen import doses_of_cycle
from patients.schedule import cycle_words, protocol_on
from patients.views.base import ActionPage
from trials.days import day_words
from trials.errors import Refused
from trials.protocol import Dose

ENDS_TREATMENT = {"delay-limit", "reduction-maximum", "lowest-rung", "continuation-declined"}


def move_words(moves: list[Move]) -> list[dict[str, str]]:
    """The moves as the confirmation shows them."""
    return [
        {
            "what": move.what,
            "before": day_words(move.from_day) if move.from_day else "",
            "after": day_words(move.to_day) if move.to_day else "",
            "note": _later(move.days),
        }
        for move in moves
    ]


def _later(days: int) -> str:
    if not days:
        return ""
    unit = "day" if abs(days) == 1 else "days"
    return f"{abs(days)} {unit} {'later' if days > 0 else 'earlier'}"


class TreatmentPage(ActionPage):
    """A refusal that ends treatment offers discontinuation; others their own way on."""

    @property
    def first(self) -> str:
        """'cycle 1' or 'the lead-in': with what treatment starts."""
        return cycle_words(schedule.first_cycle(self.patient))

    def ways(self, refused: Refused | None) -> list[tuple[str, str]]:
        if refused is None:
            return []
        if refused.code in ENDS_TREATMENT:
            return [("Discontinue treatment", self.url("patients:discontinue"))]
        if refused.code == "treatment-ended":
            return [("Record an event-monitoring visit", self.url("patients:follow-up"))]
        if refused.code == "continuation-review-due":
            return [("Record the continuation review", self.url("patients:continuation"))]
        if refused.code == "previous-cycle-open":
            opened = next((i for i in self.patient.interruptions.all() if i.to_day is None), None)
            return [("Record when dosing resumed", self.url("patients:resume", opened.pk))] if opened else []
        return []


class StartCyclePage(TreatmentPage):
    """Start the next cycle. Another day than the planned one shows what moves before it is saved."""

    heading = "Start a cycle"

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.planned = schedule.next_cycle(self.patient, self.cycles)
        self.typed_start: dt.date | None = None
        if self.planned:
            self.heading = self.submit = f"Start {cycle_words(self.planned.number)}"
            self.lead = f"Due on {day_words(self.planned.due_on)}; possible until {day_words(self.planned.latest_on)}."

    def look(self) -> None:
        cycle_that_can_start(self.patient)

    def form(self, typed: Any = None) -> StartCycleForm:
        due_on = self.planned.due_on if self.planned else self.today
        return StartCycleForm(typed, initial={"started_on": min(due_on, self.today)})

    def facts(self) -> list[dict[str, Any]]:
        if self.planned is None:
            return []
        first = self.typed_start or self.planned.due_on
        rung = schedule.rung_on(self.patient, first)
        doses = doses_of_cycle(protocol_on(self.patient, first), self.planned.number, rung, first)
        return [{"label": d.name, "value": f"{d.amount}, {d.days}", "note": d.dates} for d in doses]

    def preview(self, form: Form) -> list[dict[str, str]] | None:
        started_on = form.cleaned_data["started_on"]
        planned = check_start(self.patient, started_on, self.page.now)
        self.typed_start = started_on
        return move_words(preview_cycle_start(self.patient, self.cycles, planned.number, started_on)) or None

    def act(self, form: Form) -> str:
        cycle = start_cycle(
            patient=self.patient, started_on=form.cleaned_data["started_on"], by=self.page.user, at=self.page.now
        )
        started = f"{cycle_words(cycle.number)} started on {day_words(cycle.started_on)} at {cycle.dose_label}"
        return f"{self.patient.code}: {started}."


class CorrectCyclePage(TreatmentPage):
    """Correct a cycle's start, with what moves."""

    submit = "Save the correction"

    def open(self, request: HttpRequest, key: str, code: str) -> None:
        super().open(request, key, code)
        self.cycle = get_object_or_404(Cycle, patient=self.patient, number=self.kwargs["number"])
        self.heading = f"Correct the start of {cycle_words(self.cycle.number)}"
        self.lead = f"Recorded: {day_words(self.cycle.started_on)}. It was due on {day_words(self.cycle.due_on)}."

    def form(self, typed: Any = None) -> CorrectCycleForm:
        return CorrectCycleForm(typed, initial={"started_on": self.cycle.started_on})

    def preview(self, form: Form) -> list[dict[str, str]] | None:
        started_on = form.cleaned_data["started_on"]
        check_correction(self.patient, self.cycle, started_on, self.page.now)
        return move_words(preview_cycle_start(self.patient, self.cycles, self.cycle.number, started_on)) or None

    def act(self, form: Form) -> str:
        cycle = correct_cycle_start(cycle=self.cycle, by=self.page.user, at=self.page.now, **form.cleaned_data)
        return f"{self.patient.code}: {cycle_words(cycle.number)} started on {day_words(cycle.started_on)}."


class DosesPage(TreatmentPage):
    """The doses taken in a cycle, by agent: that of ?cycle=, else the first with doses missing, else the last."""

    submit = "Save doses"
    lead = "Count what was taken by the end of the cycle, or of treatment. Leave empty what is not known yet."

    def open(self, *args: Any) -> None:
        super().open(*args)
        recorded = list(DosesTaken.objects.filter(patient=self.patient))
        self.cycle = self.chosen(recorded)
        self.heading = f"Doses taken in {cycle_words(self.cycle.number)}" if self.cycle else "Doses taken"
        self.known = {d.agent: d.taken for d in recorded if self.cycle and d.cycle_id == self.cycle.pk}

    def chosen(self, recorded: list[DosesTaken]) -> Cycle | None:
        wanted = self.request.GET.get("cycle", "")
        asked = [c for c in self.cycles if str(c.number) == wanted]
        done = {(d.cycle_id, d.agent) for d in recorded}
        missing = [c for c in self.cycles if any((c.pk, dose.agent) not in done for dose in self.counted(c))]
        return next(iter([*asked, *missing, *self.cycles[-1:]]), None)

    def counted(self, cycle: Cycle) -> tuple[Dose, ...]:
        return protocol_on(self.patient, cycle.started_on).counted_doses(cycle.number, cycle.rung)

    def ways(self, refused: Refused | None) -> list[tuple[str, str]]:
        if self.cycle is None:
            return [(f"Start {self.first}", self.url("patients:start-cycle"))] if refused else []
        number = self.cycle.number
        return [(f"Correct the start of {cycle_words(number)}", self.url("patients:correct-cycle", number))]

    def look(self) -> None:
        if self.cycle is None:
            raise Refused("no-cycle", f"{self.patient.code} has not started treatment. Start {self.first} first.")

    def form(self, typed: Any = None) -> DosesForm:
        protocol = protocol_on(self.patient, self.cycle.started_on if self.cycle else self.today)
        doses = self.counted(self.cycle) if self.cycle else ()
        planned = [(protocol.agent(dose.agent), len(dose.days)) for dose in doses]
        return DosesForm(typed, initial=self.known, planned=planned, changes=bool(self.known))

    def facts(self) -> list[dict[str, Any]]:
        if self.cycle is None:
            return []
        protocol = protocol_on(self.patient, self.cycle.started_on)
        doses = doses_of_cycle(protocol, self.cycle.number, self.cycle.rung, self.cycle.started_on)
        return [{"label": d.name, "value": f"{d.amount}, {d.days}", "note": d.dates} for d in doses]

    def act(self, form: Form) -> str:
        assert isinstance(form, DosesForm)
        if self.cycle is None:
            raise Refused("no-cycle", f"{self.patient.code} has not started treatment. Start {self.first} first.")
        record_cycle_doses(
            cycle=self.cycle,
            taken=form.taken(),
            reason=form.cleaned_data.get("reason", ""),
            by=self.page.user,
            at=self.page.now,
        )
        return f"{self.patient.code}: doses of {cycle_words(self.cycle.number)} recorded."


class InterruptionPage(TreatmentPage):
    heading = "Record an interruption"
    submit = "Save interruption"
    lead = "Days on which an agent was planned and not given."

    def look(self) -> None:
        if not self.cycles:
            raise Refused("no-cycle", f"{self.patient.code} has not started treatment; nothing can be interrupted.")

    def form(self, typed: Any = None) -> InterruptionForm:
        agents = [(agent.code, agent.name) for agent in protocol_on(self.patient, self.today).agents]
        return InterruptionForm(typed, agents=agents, initial={"agent": agents[0][0], "from_day": self.today})

    def ways(self, refused: Refused | None) -> list[tuple[str, str]]:
        name = {agent.code: agent.name for agent in protocol_on(self.patient, self.today).agents}
        still = [i for i in self.patient.interruptions.all() if i.to_day is None]
        return [(f"Record when {name[i.agent]} was resumed", self.url("patients:resume", i.pk)) for i in still]

    def act(self, form: Form) -> str:
        self.look()
        cycle = cycle_of_day(self.cycles, form.cleaned_data["from_day"])
        interrupt_dosing(cycle=cycle, by=self.page.user, at=self.page.now, **form.cleaned_data)
        return f"{self.patient.code}: interruption recorded."


class ResumePage(TreatmentPage):
    """End an interruption."""

    submit = "Save"

    def open(self, request: HttpRequest, key: str, code: str) -> None:
        super().open(request, key, code)
        self.interruption = get_object_or_404(Interruption, patient=self.patient, pk=self.kwargs["pk"])
        name = protocol_on(self.patient, self.today).agent(self.interruption.agent).name
        self.heading = f"{name} was resumed"
        self.lead = f"Not given since {day_words(self.interruption.from_day)}: {self.interruption.reason}"

    def form(self, typed: Any = None) -> ResumeForm:
        return ResumeForm(typed, initial={"to_day": self.today - dt.timedelta(days=1)})

    def act(self, form: Form) -> str:
        resume_dosing(
            interruption=self.interruption, to_day=form.cleaned_data["to_day"], by=self.page.user, at=self.page.now
        )
        return f"{self.patient.code}: dosing resumed."


class ReducePage(TreatmentPage):
    """One rung down the protocol's ladder; at the maximum the page offers discontinuation."""

    heading = "Reduce the dose"
    submit = "Reduce the dose"

    def open(self, *args: Any) -> None:
        super().open(*args)
        if self.patient.registered_at is None or reduction_refusal(self.patient, self.today):
            return
        rung = schedule.lowest_rung_so_far(self.patient)
        ladder = protocol_on(self.patient, self.today).reductions.ladder
        self.heading = f"Reduce the dose from {ladder[rung].label} to {ladder[rung + 1].label}"
        self.lead = f"The patient goes on counting at {self.patient.assigned_level}, the dose level assigned."

    def look(self) -> None:
        if self.patient.status != "on_treatment":
            raise Refused("not-on-treatment", f"{self.patient.code} is not on treatment; no dose can be reduced.")
        refusal = reduction_refusal(self.patient, self.today)
        if refusal is not None:
            raise refusal

    def form(self, typed: Any = None) -> ReduceForm:
        initial = {"effective_on": self.today, "cause": DoseReduction.Cause.ADVERSE_EVENT}
        return ReduceForm(typed, patient=self.patient, initial=initial)

    def facts(self) -> list[dict[str, Any]]:
        plan = protocol_on(self.patient, self.today).reductions
        made = len(self.patient.reductions.all())
        return [
            {"label": "Reductions so far", "value": f"{made} of at most {plan.maximum}"},
            {"label": "Ladder", "value": " → ".join(rung.label for rung in plan.ladder)},
        ]

    def act(self, form: Form) -> str:
        made = reduce_dose(patient=self.patient, by=self.page.user, at=self.page.now, **form.cleaned_data)
        label = protocol_on(self.patient, made.effective_on).reductions.ladder[made.to_rung].label
        return f"{self.patient.code} gets {label} from {day_words(made.effective_on)}."


class RetreatPage(TreatmentPage):
    heading = "Resume treatment at a lower dose"
    submit = "Resume treatment"
    lead = "After unacceptable toxicity without progression. It counts as a dose reduction."

    def look(self) -> None:
        check_retreatment(self.patient)
        refusal = reduction_refusal(self.patient, self.today)
        if refusal is not None:
            raise refusal

    def form(self, typed: Any = None) -> RetreatForm:
        return RetreatForm(typed, initial={"starts_on": self.today})

    def ways(self, refused: Refused | None) -> list[tuple[str, str]]:
        return [("Record an event-monitoring visit", self.url("patients:follow-up"))] if refused else []

    def act(self, form: Form) -> str:
        retreat(patient=self.patient, by=self.page.user, at=self.page.now, **form.cleaned_data)
        return f"{self.patient.code}: treatment resumes on {day_words(form.cleaned_data['starts_on'])}."
