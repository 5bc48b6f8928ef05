"""The log of delegations, on a page and as PDF; recording a check of a person; and the table of who may do what."""

from __future__ import annotations

from pathlib import Path

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from dosing.delegation_forms import CheckForm
from dosing.dossier.paper import set_on_paper
from trials.access import StudyPage, open_study, refuse_into
from trials.delegation import checks_asked, delegations
from trials.errors import Refused
from trials.models import Role
from trials.operations import record_identity_check, record_training
from trials.permissions import TABLE, Permission

LAYOUT = Path(__file__).with_name("delegation.typ")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def log(request: HttpRequest, key: str) -> HttpResponse:
    """Every delegation of the study; a data manager records here what was checked of a person."""
    page = open_study(request, key, draft_too=True)
    may_manage = page.may(Permission.MANAGE_STUDY)
    form, status = None, 200
    if request.method == "POST":
        page.require(Permission.MANAGE_STUDY)
        form = CheckForm(request.POST, study=page.study, today=page.today)
        status = 422
        try:
            if form.is_valid():
                _record(page, form)
                return redirect("dosing:delegation", key=key)
        except Refused as refused:
            refuse_into(form, refused)
            status = 409
    elif may_manage:
        form = CheckForm(study=page.study, today=page.today)
    lines = delegations(page.study, page.now)
    context = page.context(
        "Set-up", lines=lines, asked=checks_asked(page.study), form=form, may_manage=may_manage, is_live=page.is_live
    )
    return render(request, "dosing/delegation.html", context, status=status)


def _record(page: StudyPage, form: CheckForm) -> None:
    version, person, given = form.chosen_version(), form.chosen_person(), form.cleaned_data
    if version is None:
        record_identity_check(
            study=page.study, person=person, how=given["how"], done_on=given["done_on"], by=page.user, at=page.now
        )
    else:
        record_training(
            study=page.study,
            person=person,
            version=version,
            how=given["how"],
            done_on=given["done_on"],
            by=page.user,
            at=page.now,
        )
    messages.success(page.request, f"Recorded for {person.full_name}.")


@login_required
@require_safe
def log_pdf(request: HttpRequest, key: str) -> HttpResponse:
    """The log as PDF/A, with the moment at which it was printed."""
    page = open_study(request, key, draft_too=True)
    at = f"{page.now:%Y-%m-%d %H:%M} UTC"
    printed = {
        "title": f"Log of delegations, {page.study.key}",
        "running": f"{page.study.key}, log of delegations as of {at}",
        "foot": f"Printed by {page.user.full_name}",
        "study": page.study.title,
        "rows": [
            [
                f"{one.person} ({one.username})", f"{one.role}, {one.where}", one.days, one.granted, one.state,
                "\n".join(said for said in (one.identity, one.training) if said),
            ]
            for one in delegations(page.study, page.now)
        ],
    }  # fmt: skip
    answer = HttpResponse(set_on_paper(LAYOUT, printed, page.now), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{page.study.key}-delegations.pdf"'
    return answer


@login_required
@require_safe
def who_may(request: HttpRequest, key: str) -> HttpResponse:
    """The permissions of every role: the very table that operations ask."""
    page = open_study(request, key, draft_too=True)
    roles = list(Role)
    rows = [(permission.value, [permission in TABLE[role] for role in roles]) for permission in Permission]
    context = page.context("Set-up", roles=[role.label for role in roles], rows=rows)
    return render(request, "dosing/who_may.html", context)
