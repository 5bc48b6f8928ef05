"""The list of patients, and the first step of a new one."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from patients import schedule
from patients.forms import PatientFilter, ScreenForm
from patients.models import Patient
from patients.operations import screen_patient
from trials.access import StudyPage, open_study, refuse_into
from trials.days import day_words
from trials.errors import Forbidden, Refused
from trials.models import Site
from trials.permissions import Permission, visible_sites

CHIPS = {
    Patient.Status.SCREENING: "stay",
    Patient.Status.SCREEN_FAILED: "neutral",
    Patient.Status.REGISTERED: "pending",
    Patient.Status.ON_TREATMENT: "up",
    Patient.Status.EVENT_MONITORING: "",
    Patient.Status.OFF_STUDY: "neutral",
}


class PatientList(LoginRequiredMixin, View):
    """The patients of the sites that one may see, by code; a constant number of queries."""

    per_page = 50

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        page = open_study(request, key)
        sites = [s for s in page.study.sites.all() if page.may(Permission.VIEW_PATIENTS, s)]
        asked = PatientFilter(request.GET, sites=sites)
        found = self.asked_for(page, asked)
        shown = Paginator(found, self.per_page).get_page(request.GET.get("page"))
        context = page.context(
            "Patients",
            rows=[self.row(page, patient) for patient in shown],
            page_obj=shown,
            filter=asked,
            several_sites=len(sites) > 1,
            query=self.query(request.GET),
            filtered=bool(request.GET.get("site") or request.GET.get("status")),
            may_screen=any(page.may(Permission.SCREEN_PATIENTS, site) for site in sites),
        )
        return render(request, "patients/list.html", context)

    def asked_for(self, page: StudyPage, asked: PatientFilter) -> QuerySet[Patient]:
        asked.is_valid()
        patients = Patient.objects.with_plan().filter(visible_sites(page.user, page.study), study=page.study)
        if asked.cleaned_data.get("site"):
            patients = patients.filter(site__code=asked.cleaned_data["site"])
        if asked.cleaned_data.get("status"):
            patients = patients.filter(status=asked.cleaned_data["status"])
        return patients.order_by("code")

    def query(self, given: QueryDict) -> str:
        rest = given.copy()
        rest.pop("page", None)
        return f"&{rest.urlencode()}" if rest else ""

    def row(self, page: StudyPage, patient: Patient) -> dict[str, Any]:
        """What the list says of a patient."""
        return {
            "patient": patient,
            "url": reverse("labs:patient", args=[page.study.key, patient.code]),
            "chip": CHIPS[Patient.Status(patient.status)],
            "cycles": cycles_started(patient),
            "next": next_words(patient),
        }


def cycles_started(patient: Patient) -> str:
    """How many; 'lead-in' of a patient who is in it, since the lead-in is none of them."""
    numbers = [cycle.number for cycle in patient.cycles.all()]
    return schedule.cycle_title(0).lower() if numbers == [0] else str(sum(number > 0 for number in numbers))


def next_words(patient: Patient) -> str:
    """What comes next for the patient, with its day."""
    cycles = list(patient.cycles.all())
    if patient.status == Patient.Status.SCREENING:
        return _next_in_screening(patient)
    if patient.status in (Patient.Status.REGISTERED, Patient.Status.ON_TREATMENT):
        planned = schedule.next_cycle(patient, cycles)
        if planned is not None:
            return f"{schedule.cycle_title(planned.number).lower()} due {day_words(planned.due_on)}"
        due = schedule.continuation_review_due(patient, cycles)
        return f"continuation review due {day_words(due)}" if due else ""
    visit = schedule.next_follow_up(patient) if patient.status == Patient.Status.EVENT_MONITORING else None
    return f"event monitoring {visit.number} due {day_words(visit.on)}" if visit else ""


def _next_in_screening(patient: Patient) -> str:
    if getattr(patient, "consent", None) is None:
        return "consent"
    check = getattr(patient, "eligibility", None)
    if check is None:
        return "eligibility"
    return "registration" if check.eligible else "not eligible"


class Screen(LoginRequiredMixin, View):
    """Take a new patient into screening."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        page = open_study(request, key)
        return self.answer(page, self.form(page, initial={"screened_on": page.today}))

    def post(self, request: HttpRequest, key: str) -> HttpResponseBase:
        page = open_study(request, key)
        form = self.form(page, request.POST)
        if not form.is_valid():
            return self.answer(page, form, status=422)
        try:
            patient = screen_patient(
                study=page.study,
                site=form.chosen_site(),
                screened_on=form.cleaned_data["screened_on"],
                by=page.user,
                at=page.now,
            )
        except Refused as refused:
            refuse_into(form, refused)
            return self.answer(page, form, status=409)
        messages.success(request, f"{patient.code} is in screening. Next: the consent.")
        return redirect("labs:patient", key, patient.code)

    def form(self, page: StudyPage, *typed: Any, **options: Any) -> ScreenForm:
        return ScreenForm(*typed, sites=self.sites(page), **options)

    def sites(self, page: StudyPage) -> Sequence[Site]:
        sites = [s for s in page.study.sites.all() if page.may(Permission.SCREEN_PATIENTS, s)]
        if not sites:
            raise Forbidden("Your roles do not allow you to screen patients at any site of this study.")
        return sites

    def answer(self, page: StudyPage, form: Form, status: int = 200) -> HttpResponse:
        context = page.context(
            "Patients",
            form=form,
            heading="Screen a patient",
            submit="Start screening",
            lead="The patient gets a code; no name is asked for or kept.",
            place=page.membership_label,
            keep="screen",
            back_url=reverse("patients:list", args=[page.study.key]),
        )
        return render(page.request, "patients/action.html", context, status=status)
