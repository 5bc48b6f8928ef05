"""The dossier of a decision, to keep: as PDF/A, and as a zip with its data."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access_log import Kind, note_access
from dosing.dossier.archive import dossier_zip, name_of
from dosing.dossier.contents import dossier_of, recommendation_for
from dosing.dossier.printed import dossier_pdf
from dosing.models import Recommendation
from trials import clock
from trials.access import StudyPage, open_study
from trials.errors import Forbidden
from trials.permissions import Permission

KINDS = {"pdf": "application/pdf", "zip": "application/zip"}


@login_required
@require_safe
def pdf(request: HttpRequest, key: str, number: int) -> HttpResponse:
    page = open_study(request, key)
    recommendation = _recommendation(page, number)
    _note(page, recommendation, "PDF")
    return _file(dossier_pdf(dossier_of(recommendation)), recommendation, "pdf", "inline")


@login_required
@require_safe
def archive(request: HttpRequest, key: str, number: int) -> HttpResponse:
    page = open_study(request, key)
    recommendation = _recommendation(page, number)
    _note(page, recommendation, "zip")
    return _file(dossier_zip(recommendation), recommendation, "zip", "attachment")


def may_read_dossiers(page: StudyPage) -> bool:
    """Whether the person sees the patients of every site: a dossier names them all."""
    return page.may(Permission.VIEW_STUDY) and page.may(Permission.VIEW_PATIENTS)


def _recommendation(page: StudyPage, number: int) -> Recommendation:
    if not may_read_dossiers(page):
        raise Forbidden("A dossier names patients of every site; your roles show you those of your own.")
    found = recommendation_for(page.study, number)
    if found is None:
        raise Http404(f"{page.study.key} has no recommendation {number}.")
    return found


def _note(page: StudyPage, recommendation: Recommendation, kind: str) -> None:
    what = f"dossier {recommendation.number} as {kind}"
    note_access(kind=Kind.EXPORT, study_id=page.study.pk, what=what, by=page.user, at=clock.now())


def _file(content: bytes, recommendation: Recommendation, ending: str, disposition: str) -> HttpResponse:
    name = f"{name_of(recommendation)}.{ending}"
    headers = {"Content-Disposition": f'{disposition}; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=KINDS[ending], headers=headers)
