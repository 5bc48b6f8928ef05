"""What every page of one patient does: fetch or 404, ask the form, call one operation, answer."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from patients.models import Cycle, Patient
from patients.place import place_words
from patients.schedule import place_in_cycle, protocol_on
from trials.access import StudyPage, open_study, refuse_into
from trials.errors import Refused
from trials.permissions import Permission, visible_sites


class PatientPage(LoginRequiredMixin, View):
    """A page about one patient of a study. Sets `page`, `patient`, `cycles` and `today` (at the patient's site)."""

    permission = Permission.RECORD_CLINICAL
    page: StudyPage
    patient: Patient
    cycles: list[Cycle]
    today: dt.date

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if request.user.is_authenticated:
            self.open(request, kwargs["key"], kwargs["code"])

    def open(self, request: HttpRequest, key: str, code: str) -> None:
        """404 for a study without a role and for a patient of another site; 403 without the permission."""
        self.page = open_study(request, key)
        seen = Patient.objects.with_plan().filter(visible_sites(self.page.user, self.page.study))
        self.patient = get_object_or_404(seen, study=self.page.study, code=code)
        self.page.require(self.permission, self.patient.site)
        self.cycles = list(self.patient.cycles.all())
        self.today = self.page.today_at(self.patient.site)

    def url(self, name: str, *more: object) -> str:
        """The address of another page of this patient."""
        return reverse(name, args=[self.page.study.key, self.patient.code, *more])

    @property
    def place(self) -> str:
        """'A-003 · 15 mg · cycle 2, day 5 of 28', as far as it has come."""
        words = [self.patient.code]
        if self.patient.assigned_level is not None:
            words.append(self.patient.assigned_level.label)
        here = place_in_cycle(self.cycles, self.today)
        if here and self.patient.status == Patient.Status.ON_TREATMENT:
            cycle, day = here
            words.append(place_words(protocol_on(self.patient, cycle.started_on), cycle, day))
        else:
            words.append(self.patient.get_status_display())
        return " · ".join(words)

    def context(self, **more: Any) -> dict[str, Any]:
        return self.page.context(
            "Patients", patient=self.patient, place=self.place, back_url=self.url("labs:patient"), **more
        )


class ActionPage(PatientPage):
    """A form about a patient whose POST is one operation.

    heading, submit: what the page says. lead: a sentence below the heading.
    """

    heading = ""
    submit = "Save"
    lead = ""
    template = "patients/action.html"
    form_class = ""
    keep = ""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            self.look()
        except Refused as refused:
            return self.obstacle(refused)
        return self.answer(self.form())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        form = self.form(request.POST)
        if not form.is_valid():
            return self.answer(form, status=422)
        try:
            moves = self.preview(form)
            if moves is not None and not self.confirmed():
                return self.answer(form, moves=moves, shown=request.POST.get("started_on", ""))
            said = self.act(form)
        except Refused as refused:
            refuse_into(form, refused)
            return self.answer(form, status=409, refused=refused)
        messages.success(request, said)
        return redirect(self.done_url())

    def look(self) -> None:
        """Raise Refused where the action is not possible now, whatever is typed."""

    def form(self, typed: Any = None) -> Form:
        raise NotImplementedError

    def preview(self, form: Form) -> list[dict[str, str]] | None:
        """What will move, to be confirmed first; None where there is nothing to confirm."""
        return None

    def confirmed(self) -> bool:
        """Whether what moves was seen for this very day: another day typed after that is shown anew."""
        sent = self.request.POST
        return sent.get("confirm") == "yes" and sent.get("shown", sent.get("started_on")) == sent.get("started_on")

    def act(self, form: Form) -> str:
        """Call the operation; returns what was done, in a sentence."""
        raise NotImplementedError

    def done_url(self) -> str:
        return self.url("labs:patient")

    def facts(self) -> list[dict[str, Any]]:
        """What one needs to know beside the form."""
        return []

    def ways(self, refused: Refused | None) -> list[tuple[str, str]]:
        """Other ways on, (label, url); first of all when the action was refused."""
        return []

    def answer(self, form: Form, *, status: int = 200, **more: Any) -> HttpResponse:
        context = self.context(
            form=form,
            form_class=self.form_class,
            keep=self.keep or type(self).__name__,
            heading=self.heading,
            submit=self.submit,
            lead=self.lead,
            facts=self.facts(),
            ways=self.ways(more.get("refused")),
            **more,
        )
        return render(self.request, self.template, context, status=status)

    def obstacle(self, refused: Refused) -> HttpResponse:
        """The page of an action that is not possible now: the reason, and the way on."""
        context = self.context(heading=self.heading, refused=refused, ways=self.ways(refused), facts=[])
        return render(self.request, "patients/refused.html", context)
