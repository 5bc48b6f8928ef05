"""Pages about samples: what is due, collect, miss, correct, labels. Parse, one operation, answer."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from labs.forms import CollectForm, CorrectForm, MissForm
from labs.labels import labels_of
from labs.models import Collection
from labs.operations import collect_sample, correct_collection, miss_sample
from labs.queries import patients_seen_by, samples_at_sites, samples_of, with_samples
from labs.samples_page import sample_title, samples_page, tubes_words, when_words
from labs.schedule import DueCollection, SampleState
from patients.models import Patient
from trials.access import StudyPage, open_study, refuse_into
from trials.errors import Refused
from trials.models import Site
from trials.permissions import Permission

form_page = require_http_methods(["GET", "HEAD", "POST"])


@login_required
@require_safe
def samples(request: HttpRequest, key: str) -> HttpResponse:
    """What is due at my sites."""
    page = open_study(request, key)
    sites = _sites_seen(page)
    chosen = next((s for s in sites if s.code == request.GET.get("site")), None)
    found = samples_at_sites(page.study, page.user, page.now, chosen)
    may_record = any(page.may(Permission.RECORD_SAMPLES, site) for site in sites)
    shown = samples_page(found, page.today)
    context = page.context("Samples", samples=shown, sites=sites, chosen=chosen, may_record=may_record)
    return render(request, "labs/samples.html", context)


def _sites_seen(page: StudyPage) -> list[Site]:
    return [s for s in page.study.sites.all() if page.may(Permission.VIEW_PATIENTS, s)]


@dataclass(frozen=True)
class SamplePage:
    """One sample of one patient, opened by somebody who may see it."""

    page: StudyPage
    patient: Patient
    due: DueCollection

    @property
    def samples_url(self) -> str:
        return reverse("labs:samples", args=[self.page.study.key])

    def answer(self, request: HttpRequest, template: str, form: Form) -> HttpResponse:
        context = self.page.context(
            "Samples",
            form=form,
            patient=self.patient,
            due=self.due,
            sample_title=sample_title(self.due),
            when=when_words(self.due),
            tubes=tubes_words(self.due),
            samples_url=self.samples_url,
        )
        return render(request, template, context, status=409 if form.errors else 200)


def _open_sample(request: HttpRequest, key: str, code: str, timepoint: str, *, record: bool) -> SamplePage:
    """404 for a patient of another site or a sample that is not planned; 403 without the permission to record."""
    page = open_study(request, key)
    patient = get_object_or_404(with_samples(patients_seen_by(page.user, page.study)), code=code)
    if record:
        page.require(Permission.RECORD_SAMPLES, patient.site)
    found = (due for due in samples_of(patient, page.today_at(patient.site)) if due.code == timepoint)
    due = next(found, None)
    if due is None:
        raise Http404("This sample is not planned for the patient.")
    return SamplePage(page, patient, due)


@login_required
@form_page
def collect(request: HttpRequest, key: str, code: str, timepoint: str) -> HttpResponse:
    """Record a sample as collected."""
    opened = _open_sample(request, key, code, timepoint, record=True)
    page, today = opened.page, opened.page.today_at(opened.patient.site)
    form = CollectForm(request.POST or None, due=opened.due, today=today)
    if request.method == "POST" and form.is_valid():
        try:
            collect_sample(patient=opened.patient, timepoint=timepoint, by=page.user, at=page.now, **form.cleaned_data)
            messages.success(request, f"{code}: {sample_title(opened.due)} recorded as collected.")
            return redirect(opened.samples_url)
        except Refused as refused:
            refuse_into(form, refused)
    return opened.answer(request, "labs/collect.html", form)


@login_required
@form_page
def miss(request: HttpRequest, key: str, code: str, timepoint: str) -> HttpResponse:
    """Record a sample as missed, with the reason."""
    opened = _open_sample(request, key, code, timepoint, record=True)
    form = MissForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            miss_sample(
                patient=opened.patient,
                timepoint=timepoint,
                reason=form.cleaned_data["reason"],
                by=opened.page.user,
                at=opened.page.now,
            )
            messages.success(request, f"{code}: {sample_title(opened.due)} recorded as missed.")
            return redirect(opened.samples_url)
        except Refused as refused:
            refuse_into(form, refused)
    return opened.answer(request, "labs/miss.html", form)


@login_required
@form_page
def correct(request: HttpRequest, key: str, code: str, timepoint: str) -> HttpResponse:
    """Correct what was recorded about a sample."""
    opened = _open_sample(request, key, code, timepoint, record=True)
    if opened.due.collection is None:
        raise Http404("Nothing has been recorded about this sample yet.")
    page, today = opened.page, opened.page.today_at(opened.patient.site)
    form = CorrectForm(request.POST or None, due=opened.due, today=today)
    if request.method == "POST" and form.is_valid():
        given = {**form.cleaned_data, "outcome": Collection.Outcome(form.cleaned_data["outcome"])}
        try:
            correct_collection(collection=opened.due.collection, by=page.user, at=page.now, **given)
            messages.success(request, f"{code}: {sample_title(opened.due)} corrected.")
            return redirect("labs:patient", key, code)
        except Refused as refused:
            refuse_into(form, refused)
    return opened.answer(request, "labs/correct.html", form)


@login_required
@require_safe
def label(request: HttpRequest, key: str, code: str, timepoint: str) -> HttpResponse:
    """The labels of one sample, to print."""
    opened = _open_sample(request, key, code, timepoint, record=False)
    context = opened.page.context(
        "Samples",
        labels=labels_of(opened.patient, opened.due),
        heading=f"{code}: labels for the {sample_title(opened.due)}",
    )
    return render(request, "labs/labels.html", context)


@login_required
@require_safe
def label_sheet(request: HttpRequest, key: str) -> HttpResponse:
    """The labels of every sample that is due or overdue at my sites, to print on one sheet."""
    page = open_study(request, key)
    site = next((s for s in _sites_seen(page) if s.code == request.GET.get("site")), None)
    wanted = (SampleState.OVERDUE, SampleState.DUE)
    open_now = [s for s in samples_at_sites(page.study, page.user, page.now, site) if s.state in wanted]
    labels = [one for sample in open_now for one in labels_of(sample.patient, sample.due)]
    context = page.context("Samples", labels=labels, heading="Labels for all samples due now")
    return render(request, "labs/labels.html", context)
