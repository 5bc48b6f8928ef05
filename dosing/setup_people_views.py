"""Sites of a study, and who has which role in it; while it is being set up and later."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import User
from dosing.setup_forms import EndRoleForm, RoleForm, SiteForm, zones
from trials.access import StudyPage, open_study, refuse_into
from trials.errors import Refused
from trials.models import Role
from trials.operations import add_site, end_role, grant_role
from trials.permissions import Permission


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest, key: str) -> HttpResponse:
    """Sites and people, with a form to add one of each."""
    page = open_study(request, key, Permission.MANAGE_STUDY, draft_too=True)
    sent = request.POST.get("add") if request.method == "POST" else ""
    site_form = SiteForm(request.POST if sent == "site" else None, prefix="site")
    role_form = RoleForm(request.POST if sent == "role" else None, prefix="role", sites=page.study.sites.all())
    status = 200
    if sent in ("site", "role"):
        form, save = (site_form, _add_site) if sent == "site" else (role_form, _give_role)
        try:
            if form.is_valid() and save(page, form):
                return redirect("dosing:setup-people", key=key)
            status = 422
        except Refused as refused:
            refuse_into(form, refused)
            status = 409
    held = page.study.memberships.in_force().select_related("user", "site").order_by("role", "pk")
    context = page.context(
        "Set-up", sites=page.study.sites.all(), held=held, site_form=site_form, role_form=role_form, zones=zones()
    )
    return render(request, "dosing/setup/people.html", context, status=status)


def _add_site(page: StudyPage, form: forms.Form) -> bool:
    site = add_site(study=page.study, by=page.user, at=page.now, **form.cleaned_data)
    messages.success(page.request, f"Site {site.code}, {site.name}, is added.")
    return True


def _give_role(page: StudyPage, form: forms.Form) -> bool:
    given = form.cleaned_data
    person = User.objects.filter(username=given["username"], is_person=True, is_active=True).first()
    if person is None:
        sentence = (
            f"There is no person {given['username']!r}. Who runs this server adds people: manage.py create_person"
        )
        form.add_error("username", sentence)
        return False
    role, site = Role(given["role"]), page.study.sites.filter(code=given["site"]).first()
    days = {"from_day": given["from_day"], "to_day": given["to_day"]}
    grant_role(study=page.study, person=person, role=role, site=site, **days, by=page.user, at=page.now)
    where = f"at site {site.code}" if site else "for the whole study"
    messages.success(page.request, f"{person.full_name} is {role.label} {where}.")
    return True


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, key: str, membership_id: int) -> HttpResponse:
    """End somebody's role, with the reason."""
    page = open_study(request, key, Permission.MANAGE_STUDY, draft_too=True)
    held = page.study.memberships.in_force().select_related("user", "site")
    membership = get_object_or_404(held, pk=membership_id)
    form = EndRoleForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            end_role(membership=membership, reason=form.cleaned_data["reason"], by=page.user, at=page.now)
            messages.success(request, f"{membership.user} is {membership.get_role_display()} no longer.")
            return redirect("dosing:setup-people" if membership.user_id != page.user.pk else "dosing:setup", key=key)
        except Refused as refused:
            refuse_into(form, refused)
            status = 409
    back_url = reverse("dosing:setup-people", args=[key])
    context = page.context("Set-up", membership=membership, form=form, back_url=back_url)
    return render(request, "dosing/setup/end_role.html", context, status=status)
