"""An amendment: what it says differently and what that changes for whom, its approval, and the versions there are."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from dosing import operations
from dosing import setup_page as shown
from dosing.queries.draft import faults_of_draft
from dosing.setup_views import roles_to_sign
from reminders.amendment_forms import ApproveForm, FollowForm, WithdrawForm
from reminders.amendment_preview import Preview, preview
from trials.access import StudyPage, open_study, refuse_into
from trials.amendments import Change, amendment_faults, difference
from trials.days import day_words
from trials.errors import Fault, Refused
from trials.models import ProtocolVersion, Site, VersionAtSite
from trials.operations import follow_version, start_amendment, withdraw_amendment
from trials.permissions import Permission
from trials.protocol import Protocol
from trials.protocol_page import protocol_page, version_facts
from trials.protocol_words import count
from trials.queries import amendment_of

FAULTY, REFUSED = 422, 409


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def amendment(request: HttpRequest, key: str) -> HttpResponse:
    """The amendment that is being written, for everybody in the study; POST starts one."""
    page = open_study(request, key)
    refused, status = None, 200
    if request.method == "POST":
        page.require(Permission.MANAGE_STUDY)
        try:
            start_amendment(study=page.study, by=page.user, at=page.now)
            messages.success(request, "The amendment is started: change what it is to change.")
            return redirect("dosing:setup", key=key)
        except Refused as error:
            refused, status = error, REFUSED
    draft = amendment_of(page.study)
    may_manage = page.may(Permission.MANAGE_STUDY)
    if draft is None:
        context = page.context("Study", refused=refused, may_manage=may_manage, version=page.study.version)
        return render(request, "reminders/amendment/none.html", context, status=status)
    context = page.context("Study", refused=refused, may_manage=may_manage, **_told(page, draft))
    return render(request, "reminders/amendment/amendment.html", context, status=status)


def _told(page: StudyPage, draft: ProtocolVersion) -> dict[str, Any]:
    """What the page of an amendment says. A draft that is not complete can be compared with nothing."""
    faults: list[Fault] = list(faults_of_draft(draft.definition))
    changes: list[Change] = []
    changed: Preview | None = None
    if not faults:
        new = Protocol.model_validate(draft.definition)
        changes = difference(page.study.protocol, new)
        faults = amendment_faults(page.study, page.study.protocol, new)
        if not faults:
            changed = preview(page.study, new, draft, _today_at_sites(page))
    steps = shown.steps(page.study, draft, faults)
    return {
        "version": draft,
        "changes": changes,
        "preview": changed,
        "faults": faults,
        "steps": steps,
        "headline": _headline(draft, changes, faults),
        "signatures": shown.signature_lines(page.study, draft),
        "roles_to_sign": roles_to_sign(page, draft) if not faults and changes else [],
        "ready": not steps and bool(changes),
    }


def _headline(draft: ProtocolVersion, changes: list[Change], faults: list[Fault]) -> str:
    if faults:
        return f"Version {draft.number} cannot be approved as it is"
    if not changes:
        return f"Version {draft.number} changes nothing yet"
    lines = count(len(changes), "line")
    return f"Version {draft.number} changes {lines} of the protocol"


def _today_at_sites(page: StudyPage) -> dict[int, dt.date]:
    return {site.pk: page.today_at(site) for site in page.study.sites.all()}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: HttpRequest, key: str) -> HttpResponse:
    """From which day each site follows the amendment, and the button that approves it."""
    page = open_study(request, key, Permission.MANAGE_STUDY)
    draft = amendment_of(page.study)
    if draft is None:
        return redirect("reminders:amendment", key=key)
    sites = [(site, page.today_at(site)) for site in page.study.sites.all()]
    sent = request.POST if request.method == "POST" else None
    form = ApproveForm(sent, sites=sites, initial={"seen_sha256": draft.sha256})
    status = 200
    if form.is_bound:
        status = FAULTY
        if form.is_valid():
            try:
                version = operations.approve_amendment(
                    study=page.study, from_days=form.from_days(), seen_sha256=form.cleaned_data["seen_sha256"],
                    by=page.user, at=page.now,
                )  # fmt: skip
                messages.success(request, f"Version {version.number} is approved. {_follow_words(form)}")
                return redirect("reminders:versions", key=key)
            except Refused as refused:
                refuse_into(form, refused)
                status = REFUSED
    steps = shown.steps(page.study, draft, _faults(page, draft))
    context = page.context(
        "Study", version=draft, form=form, steps=steps, back_url=reverse("reminders:amendment", args=[key])
    )
    return render(request, "reminders/amendment/approve.html", context, status=status)


def _faults(page: StudyPage, draft: ProtocolVersion) -> list[Fault]:
    found: list[Fault] = list(faults_of_draft(draft.definition))
    if found:
        return found
    return amendment_faults(page.study, page.study.protocol, Protocol.model_validate(draft.definition))


def _follow_words(form: ApproveForm) -> str:
    days = form.from_days()
    told = [f"{site.name} follows it from {day_words(days[site.code])}." for site in form.sites if site.code in days]
    later = [site.name for site in form.sites if site.code not in days]
    return " ".join([*told, *([f"{', '.join(later)}: set the day here when it is known."] if later else [])])


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, key: str) -> HttpResponse:
    """Give the amendment up, with the reason."""
    page = open_study(request, key, Permission.MANAGE_STUDY)
    draft = amendment_of(page.study)
    if draft is None:
        return redirect("reminders:amendment", key=key)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            withdraw_amendment(study=page.study, by=page.user, at=page.now, **form.cleaned_data)
            messages.success(request, f"Version {draft.number} is withdrawn. What it said stays readable.")
            return redirect("reminders:versions", key=key)
        except Refused as refused:
            refuse_into(form, refused)
            status = REFUSED
    back_url = reverse("reminders:amendment", args=[key])
    context = page.context("Study", version=draft, form=form, back_url=back_url)
    return render(request, "reminders/amendment/withdraw.html", context, status=status)


@login_required
@require_safe
def versions(request: HttpRequest, key: str) -> HttpResponse:
    """Every version of the protocol, and from which day which site follows it."""
    page = open_study(request, key)
    rows = page.study.versions.select_related("loaded_by").prefetch_related("at_sites__set_by").order_by("-number")
    sites = list(page.study.sites.all())
    may_manage = page.may(Permission.MANAGE_STUDY)
    told = [{"version": row, "sites": _at_sites(page, row, sites, may_manage)} for row in rows]
    context = page.context("Study", rows=told, amendment=amendment_of(page.study), may_manage=may_manage)
    return render(request, "reminders/amendment/versions.html", context)


def _at_sites(page: StudyPage, version: ProtocolVersion, sites: list[Site], may_manage: bool) -> list[dict[str, Any]]:
    """For each site since when it follows the version; for the first version from the start."""
    if version.live_at is None:
        return []
    days: dict[int, VersionAtSite] = {row.site_id: row for row in version.at_sites.all()}
    said = []
    for site in sites:
        row = days.get(site.pk)
        if version.number == 1:
            words = "from the start" if row is None else f"since {day_words(row.from_day)}"
        elif row is None:
            words = "not yet"
        else:
            words = f"{'since' if row.from_day <= page.today_at(site) else 'from'} {day_words(row.from_day)}"
        url = ""
        if row is None and may_manage and version.status == ProtocolVersion.Status.LIVE and version.number > 1:
            url = reverse("reminders:version-site", args=[page.study.key, version.number, site.code])
        said.append({"site": site, "words": words, "url": url})
    return said


@login_required
@require_safe
def version(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """One version, read as a protocol, with what it changed."""
    page = open_study(request, key)
    found = get_object_or_404(page.study.versions.select_related("loaded_by"), number=number)
    if faults_of_draft(found.definition):
        messages.warning(request, f"Version {number} is not complete, and cannot be read as a protocol.")
        return redirect("reminders:versions", key=key)
    before = page.study.versions.filter(live_at__isnull=False, number__lt=number).order_by("number").last()
    context = page.context(
        "Study",
        version=found,
        shown=protocol_page(found.protocol),
        facts=version_facts(found),
        boundaries=found.boundaries.all(),
        before=before,
        changes=difference(before.protocol, found.protocol) if before else [],
    )
    return render(request, "reminders/amendment/version.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest, key: str, number: int, code: str) -> HttpResponse:
    """From which day a site follows an approved version."""
    page = open_study(request, key, Permission.MANAGE_STUDY)
    found = get_object_or_404(page.study.versions, number=number)
    site = get_object_or_404(page.study.sites, code=code)
    form = FollowForm(request.POST if request.method == "POST" else None, site=site, today=page.today_at(site))
    status = 200
    if form.is_bound:
        status = FAULTY
        if form.is_valid():
            try:
                row = follow_version(version=found, site=site, from_day=form.from_day, by=page.user, at=page.now)
                messages.success(request, f"{site.name} follows version {number} from {day_words(row.from_day)}.")
                return redirect("reminders:versions", key=key)
            except Refused as refused:
                refuse_into(form, refused)
                status = REFUSED
    back_url = reverse("reminders:versions", args=[key])
    context = page.context("Study", version=found, site=site, form=form, back_url=back_url)
    return render(request, "reminders/amendment/follow.html", context, status=status)
