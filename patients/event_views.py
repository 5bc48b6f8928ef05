"""Pages about adverse events and DLTs: record, judge, resolve, correct; the DLT window; replacing a patient."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from patients import ctcae
from patients.dlt_look import DltLook, look_at
from patients.evaluability import (
    dlt_rules,
    judgement_missing,
    newest_judgement,
    planned_in_window,
    standing_of,
)
from patients.event_forms import (
    CorrectEventForm,
    EventForm,
    JudgeForm,
    RecordEventForm,
    ResolveForm,
    WindowForm,
    initial_of,
    typed_so_far,
)
from patients.event_words import changes_of, facts_of, judgement_words, said_of
from patients.models import AdverseEvent
from patients.operations import (
    assess_dlt,
    assess_window,
    correct_adverse_event,
    correct_window_assessment,
    record_adverse_event,
    replace_patient,
    resolve_adverse_event,
)
from patients.operations.assessments import loaded_event, loaded_patient
from patients.operations.events import EventFacts
from patients.schedule import dlt_window, protocol_on
from patients.views.base import ActionPage, PatientPage
from trials.access import open_study, refuse_into
from trials.days import day_words
from trials.errors import Refused
from trials.models import DoseLevel
from trials.permissions import Permission

JUDGEMENT_ASKED = "Say whether it is a DLT: a rule of the protocol fires."


@login_required
@require_safe
def terms(request: HttpRequest, key: str) -> JsonResponse:
    """CTCAE terms for what is typed: {"results": [{"value", "detail"}]}, the best first."""
    open_study(request, key)
    found = ctcae.search(request.GET.get("q", ""))
    return JsonResponse({"results": [{"value": term.name, "detail": term.soc} for term in found]})


class EventFormPage(PatientPage):
    """A form with an event's facts, its grades with their meaning, and what the DLT rules say about it."""

    template = "patients/event_record.html"
    form_class: type[EventForm] = EventForm
    event: AdverseEvent | None = None

    def form(self, typed: Any = None, initial: Any = None) -> EventForm:
        terms_url = reverse("patients:terms", args=[self.page.study.key])
        protocol = protocol_on(self.patient, self.event.onset_on if self.event else self.today)
        return self.form_class(typed, initial=initial, protocol=protocol, terms_url=terms_url)

    def look(self, form: EventForm) -> DltLook | None:
        draft = form.draft()
        return look_at(self.patient, **draft, at=self.page.now) if draft else None

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if request.headers.get("HX-Request"):  # typing goes on: show grades and rules for what stands there now
            return self.answer(self.form(initial=typed_so_far(request.POST)))
        return self.record(request)

    def record(self, request: HttpRequest) -> HttpResponseBase:
        raise NotImplementedError

    def answer(self, form: EventForm, *, status: int = 200, **more: Any) -> HttpResponse:
        context = self.context(form=form, look=self.look(form), today=self.today, event=self.event, **more)
        return render(self.request, self.template, context, status=status)


class RecordEventPage(EventFormPage):
    """Record an event: one page with script; without, the meaning of the grades and the judgement are a second step."""

    form_class = RecordEventForm

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if self.patient.version is None:
            refused = Refused("not-registered", f"{self.patient.code} is not registered. Register the patient first.")
            context = self.context(heading="Record an adverse event", refused=refused)
            return render(request, "patients/refused.html", context)
        return self.answer(self.form(initial={"onset_on": self.today, **typed_so_far(request.GET)}))

    def record(self, request: HttpRequest) -> HttpResponseBase:
        form = self.form(request.POST)
        assert isinstance(form, RecordEventForm)
        if not form.is_valid() or self.asks_more(form):
            return self.answer(form, status=422)
        try:
            event = record_adverse_event(
                patient=self.patient, **form.facts(), **self.judgement(form), by=self.page.user, at=self.page.now
            )
        except Refused as refused:
            refuse_into(form, refused)
            return self.answer(form, status=409)
        return self.done(event)

    def asks_more(self, form: RecordEventForm) -> bool:
        """Whether the page has to be shown again: with the meaning of the grade, or to ask for the judgement."""
        if form.meaning_unseen:
            form.add_error("grade", "Read what the grade means for this term, then save.")
        if self.may_be_dlt(form) and form.judgement is None:
            form.add_error("is_dlt", JUDGEMENT_ASKED)
        return bool(form.errors)

    def judgement(self, form: RecordEventForm) -> dict[str, Any]:
        """What was judged, where a judgement was asked for."""
        if not self.may_be_dlt(form):
            return {}
        return {"is_dlt": form.judgement, "rationale": form.cleaned_data["rationale"]}

    def may_be_dlt(self, form: RecordEventForm) -> bool:
        look = self.look(form)
        return look is not None and look.inside

    def done(self, event: AdverseEvent) -> HttpResponseBase:
        messages.success(self.request, said_of(event))
        warn_of_stop(self)
        return redirect(self.url("patients:event-detail", event.pk))


class EventPage(PatientPage):
    """One event: its facts, the judgements on it, and what can be done."""

    permission = Permission.VIEW_PATIENTS
    event: AdverseEvent

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.event = event_of(self)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return self.answer()

    def answer(self, *, status: int = 200, **forms: Form) -> HttpResponse:
        patient, event = self.event.patient, self.event
        look = look_at(
            patient,
            term=event.term,
            grade=event.grade,
            onset_on=event.onset_on,
            relations={a.agent: a.relation for a in event.attributions.all()},
            at=self.page.now,
        )
        window = dlt_window(patient, list(patient.cycles.all())) if patient.version else None
        missing = judgement_missing(event, look.rule if look else None, window)
        may_judge = self.may(Permission.ASSESS_DLT) or self.may(Permission.CONFIRM_DLT)
        may = {
            "judge": may_judge and (look is None or look.inside or newest_judgement(event) is not None),
            "confirm": self.may(Permission.CONFIRM_DLT),
            "record": self.may(Permission.RECORD_CLINICAL),
        }
        context = self.context(
            event=event,
            look=look,
            missing=missing,
            may=may,
            facts=facts_of(event, protocol_on(patient, self.today)),
            judgement=judgement_words(event, missing),
            judgements=list(reversed(event.dlt_assessments.all())),
            changes=changes_of(event),
            judge_form=forms.get("judge_form") or JudgeForm(),
            resolve_form=forms.get("resolve_form") or ResolveForm(initial={"resolved_on": self.today}),
            form=forms.get("judge_form") or forms.get("resolve_form"),
        )
        return render(self.request, "patients/event_detail.html", context, status=status)

    def may(self, permission: Permission) -> bool:
        return self.page.may(permission, self.patient.site)

    def here(self) -> str:
        return self.url("patients:event-detail", self.event.pk)


class JudgePage(EventPage):
    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        form = JudgeForm(request.POST)
        if not form.is_valid():
            return self.answer(judge_form=form, status=422)
        try:
            assess_dlt(
                event=self.event,
                is_dlt=form.judgement,
                rationale=form.cleaned_data["rationale"],
                by=self.page.user,
                at=self.page.now,
            )
        except Refused as refused:
            refuse_into(form, refused)
            return self.answer(judge_form=form, status=409)
        messages.success(request, f"Judged {'a DLT' if form.judgement else 'not a DLT'}.")
        warn_of_stop(self)
        return redirect(self.here())


class ResolvePage(EventPage):
    permission = Permission.RECORD_CLINICAL

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        form = ResolveForm(request.POST)
        if not form.is_valid():
            return self.answer(resolve_form=form, status=422)
        try:
            resolve_adverse_event(event=self.event, by=self.page.user, at=self.page.now, **form.cleaned_data)
        except Refused as refused:
            refuse_into(form, refused)
            return self.answer(resolve_form=form, status=409)
        messages.success(request, f"{self.event.term} is resolved.")
        return redirect(self.here())


class CorrectEventPage(EventFormPage):
    """The same form as for recording, filled with what is recorded, and a reason."""

    form_class = CorrectEventForm

    event: AdverseEvent

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.event = event_of(self)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        recorded = {**initial_of(self.event), "shown": EventFacts.of(self.event).digest}
        return self.answer(self.form(initial={**recorded, **typed_so_far(request.GET)}))

    def record(self, request: HttpRequest) -> HttpResponseBase:
        form = self.form(request.POST)
        assert isinstance(form, CorrectEventForm)
        if not form.is_valid():
            return self.answer(form, status=422)
        try:
            correct_adverse_event(
                event=self.event,
                changes=form.changes_from(initial_of(self.event)),
                shown=form.cleaned_data["shown"],
                reason=form.cleaned_data["reason"],
                by=self.page.user,
                at=self.page.now,
            )
        except Refused as refused:
            refuse_into(form, refused)
            return self.answer(form, status=409)
        messages.success(request, "Corrected. The old values stay in the history.")
        warn_of_stop(self)
        return redirect(self.url("patients:event-detail", self.event.pk))


class WindowPage(ActionPage):
    """How many of the planned doses were taken in the DLT window."""

    heading = "Doses taken in the DLT window"

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.patient = loaded_patient(self.patient)
        self.made = getattr(self.patient, "window_assessment", None)
        if self.made is not None:
            self.heading, self.submit = "Correct the doses taken in the DLT window", "Save the correction"

    @property
    def planned(self) -> int:
        window = dlt_window(self.patient, list(self.patient.cycles.all())) if self.patient.version else None
        return len(planned_in_window(self.patient, window)) if window else 0

    def look(self) -> None:
        if not self.planned:
            raise Refused("not-started", f"{self.patient.code} has not started treatment: there is no DLT window yet.")
        standing = standing_of(self.patient, self.today)
        stopped = self.patient.discontinuations.all()
        if self.made is None and not stopped and standing.window and self.today <= standing.window[1]:
            until = day_words(standing.window[1])
            raise Refused("window-open", f"The DLT window goes on until {until}. Enter the doses from the day after.")

    def form(self, typed: Any = None) -> WindowForm:
        protocol = dlt_rules(self.patient)
        return WindowForm(
            typed,
            initial={"taken": self.made.taken if self.made else None},
            planned=self.planned,
            agent=protocol.agent(protocol.dlt.minimum_exposure.agent).name,
            changes=self.made is not None,
        )

    def facts(self) -> list[dict[str, Any]]:
        standing = standing_of(self.patient, self.today)
        if standing.window is None:
            return []
        exposure = dlt_rules(self.patient).dlt.minimum_exposure
        first, last = standing.window
        return [
            {"label": "DLT window", "value": f"{day_words(first)} – {day_words(last)}"},
            {"label": "Now", "value": f"{standing.standing.label}. {standing.reason}"},
            {
                "label": "Evaluable without a DLT",
                "value": f"with at least {exposure.fraction * 100:.0f} % of the planned doses",
                "note": "assumed: the protocol does not say" if exposure.assumed else "",
            },
        ]

    def act(self, form: Form) -> str:
        by, at, taken = self.page.user, self.page.now, form.cleaned_data["taken"]
        if self.made is None:
            assess_window(patient=self.patient, taken=taken, by=by, at=at)
        else:
            reason = form.cleaned_data["reason"]
            correct_window_assessment(assessment=self.made, taken=taken, reason=reason, by=by, at=at)
        warn_of_stop(self)
        standing = standing_of(loaded_patient(self.patient), self.today)
        return f"{self.patient.code} is {standing.standing.label}. {standing.reason}"


class ReplacePage(ActionPage):
    """Add a place for somebody instead of a patient who does not count."""

    permission = Permission.SCREEN_PATIENTS
    heading = "Replace the patient"
    submit = "Add a place"

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.heading = f"Replace {self.patient.code}"

    def form(self, typed: Any = None) -> Form:
        return Form(typed)

    def facts(self) -> list[dict[str, Any]]:
        if self.patient.version is None:
            return []
        standing = standing_of(loaded_patient(self.patient), self.today)
        place = f"one more at {self.patient.assigned_level}, in the same cohort"
        return [
            {"label": "Now", "value": f"{standing.standing.label}. {standing.reason}"},
            {"label": "Place", "value": place},
        ]

    def act(self, form: Form) -> str:
        slot = replace_patient(patient=self.patient, by=self.page.user, at=self.page.now)
        return f"Place {slot.number} of cohort {slot.cohort.number} is open instead of {self.patient.code}."


def event_of(page: PatientPage) -> AdverseEvent:
    """The patient's event that the address names, with all that the DLT rules read; 404 where there is none."""
    found = get_object_or_404(AdverseEvent, pk=page.kwargs["pk"], patient=page.patient)
    found.patient = page.patient
    return loaded_event(found)


def warn_of_stop(page: PatientPage) -> None:
    """Say so where the safety stop has just closed the patient's level."""
    level = DoseLevel.objects.filter(patients=page.patient, closed_at=page.page.now).first()
    if level is not None:
        words = f"{level.label} and every dose above are closed for registration"
        messages.warning(page.request, f"Safety stop: {words}. {level.closed_reason}.")
