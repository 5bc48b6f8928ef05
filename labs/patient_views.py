"""The patient's page."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access_log import Kind, note_access
from labs.patient_case import PatientCase
from labs.patient_page import patient_page
from labs.queries import whole_patient
from trials import clock
from trials.access import open_study
from trials.permissions import permissions_at


@login_required
@require_safe
def patient(request: HttpRequest, key: str, code: str) -> HttpResponse:
    """Everything about one patient: where they stand, what comes next, what was and what will be."""
    page = open_study(request, key)
    found = whole_patient(page.user, page.study, code)
    if found is None:
        raise Http404("There is no such patient at your sites.")
    note_access(kind=Kind.PATIENT, study_id=page.study.pk, patient_id=found.pk, by=page.user, at=clock.now())
    case = PatientCase(found, page.today_at(found.site), permissions_at(page.held, found.site))
    context = page.context("Patients", patient=found, shown=patient_page(case))
    return render(request, "labs/patient.html", context)
