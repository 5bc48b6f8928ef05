"""A patient's casebook: to read, to print, and to be signed for by the principal investigator."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access_log import Kind, note_access
from accounts.forms import SigningFields
from patients.models import Patient
from reminders.casebook import ROLE, Casebook, casebook_of, is_signed, sections_of, signature_lines, statement
from reminders.casebook_paper import casebook_pdf
from reminders.operations.casebook import sign_casebook
from trials.access import StudyPage, open_study, refuse_into
from trials.errors import Refused
from trials.permissions import Permission, visible_sites

REFUSED = 409


class SignCasebookForm(SigningFields):
    seen_sha256 = forms.CharField(widget=forms.HiddenInput)

    def show(self, sha256: str) -> None:
        """What was typed stays; what the page shows from now on is the casebook of now."""
        self.data = {**dict(self.data.items()), "seen_sha256": sha256}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def casebook(request: HttpRequest, key: str, code: str) -> HttpResponse:
    page, patient = _opened(request, key, code)
    if request.method == "POST":
        form = SignCasebookForm(request.POST, signer=page.user)
        if form.is_valid():
            try:
                seen = form.cleaned_data["seen_sha256"]
                sign_casebook(patient=patient, seen_sha256=seen, by=page.user, at=page.now, **form.secrets())
                messages.success(request, f"You have signed the casebook of {patient.code}.")
                return redirect("reminders:casebook", key=key, code=code)
            except Refused as refused:
                refuse_into(form, refused)
        return _shown(page, patient, form)
    return _shown(page, patient, None)


def _shown(page: StudyPage, patient: Patient, form: SignCasebookForm | None) -> HttpResponse:
    found = casebook_of(patient)
    _note(page, patient, "on the page")
    if form is not None:
        form.show(found.sha256)
    signed = is_signed(found)
    context = page.context(
        "Patients",
        patient=patient,
        casebook=found,
        sections=sections_of(found, patient.site.time_zone),
        signatures=signature_lines(found, page.study.time_zone),
        signed=signed,
        statement=statement(patient),
        form=form or _form(page, found, signed=signed),
    )
    return render(page.request, "reminders/casebook/casebook.html", context, status=REFUSED if form else 200)


def _form(page: StudyPage, found: Casebook, *, signed: bool) -> SignCasebookForm | None:
    if signed or ROLE not in page.roles:
        return None
    return SignCasebookForm(signer=page.user, initial={"seen_sha256": found.sha256})


@login_required
@require_safe
def pdf(request: HttpRequest, key: str, code: str) -> HttpResponse:
    page, patient = _opened(request, key, code)
    content = casebook_pdf(casebook_of(patient))
    _note(page, patient, "as PDF")
    name = f"{key}-{patient.code}-casebook.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


def _opened(request: HttpRequest, key: str, code: str) -> tuple[StudyPage, Patient]:
    """404 for a study without a role and for a patient of another site."""
    page = open_study(request, key)
    seen = Patient.objects.filter(visible_sites(page.user, page.study), study=page.study)
    patient = get_object_or_404(seen.select_related("study", "site"), code=code)
    page.require(Permission.VIEW_PATIENTS, patient.site)
    return page, patient


def _note(page: StudyPage, patient: Patient, how: str) -> None:
    study_id: Any = page.study.pk
    note_access(kind=Kind.CASEBOOK, by=page.user, at=page.now, study_id=study_id, patient_id=patient.pk, what=how)
