"""A study's set-up: what its draft has, what is missing, its signatures, and going live."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from dosing import operations
from dosing import setup_page as shown
from dosing.queries.draft import faults_of_draft
from dosing.queries.inputs import boundary_rows
from dosing.setup_forms import SignSetUpForm
from trials.access import StudyPage, open_study, refuse_into
from trials.definition import PARTS
from trials.errors import Fault, Refused
from trials.models import ProtocolVersion
from trials.operations import faults_of_amendment
from trials.permissions import Permission
from trials.protocol_page import protocol_page
from trials.protocol_words import count
from trials.queries import draft_of, version_to_read
from trials.readiness import signature_rules, signatures_now, statement, words_for
from trials.study_file import write_study_file


@login_required
@require_GET
def overview(request: HttpRequest, key: str) -> HttpResponse:
    """The set-up as a whole, for everybody in the study; who may manage it goes on from here."""
    page = open_study(request, key, draft_too=True)
    version = draft_of(page.study)
    if version is None:
        return _live_already(page)
    faults = [*faults_of_draft(version.definition)] or _faults_as_amendment(page, version)
    steps = shown.steps(page.study, version, faults)
    context = _frame(
        page,
        version=version,
        headline=_headline(steps, page.is_live),
        steps=steps,
        rows=shown.rows(page.study, version, faults),
        faults_elsewhere=[f for f in faults if shown.part_of(f) not in PARTS],
        complete=not faults,
        signatures=shown.signature_lines(page.study, version),
        changes=shown.changes(page.study, version),
        roles_to_sign=roles_to_sign(page, version),
    )
    return render(request, "dosing/setup/overview.html", context)


def _live_already(page: StudyPage) -> HttpResponse:
    version = version_to_read(page.study)
    context = _frame(page, version=version, signatures=shown.signature_lines(page.study, version))
    return render(page.request, "dosing/setup/live_already.html", context)


def _frame(page: StudyPage, **more: Any) -> dict[str, Any]:
    held = page.study.memberships.in_force().select_related("user", "site").order_by("role", "pk")
    return page.context(
        "Set-up",
        may_manage=page.may(Permission.MANAGE_STUDY),
        sites=page.study.sites.all(),
        held=held,
        **more,
    )


def _faults_as_amendment(page: StudyPage, version: ProtocolVersion) -> list[Fault]:
    """What a complete draft cannot change, where the study runs already."""
    return list(faults_of_amendment(page.study, version)) if page.is_live else []


def _headline(steps: list[shown.Step], is_live: bool) -> str:
    if not steps:
        return "Ready to be approved" if is_live else "Ready to go live"
    then = "the amendment is approved" if is_live else "the study goes live"
    return f"{count(len(steps), 'thing').capitalize()} to do before {then}"


def roles_to_sign(page: StudyPage, version: ProtocolVersion) -> list[str]:
    """The roles in which this person can sign the draft as it is."""
    rules, given = signature_rules(version), signatures_now(version)
    if rules is None or any(signature.signer_id == page.user.pk for signature in given):
        return []
    signed = {signature.role for signature in given}
    return [role for role in rules.set_up if role in page.roles and role not in signed]


@login_required
@require_GET
def study_file(request: HttpRequest, key: str) -> HttpResponse:
    """The study file, to keep or to import elsewhere: of the draft where there is one, else of the live version."""
    page = open_study(request, key, draft_too=True)
    version = draft_of(page.study) or version_to_read(page.study)
    answer = HttpResponse(write_study_file(version.definition), content_type="application/yaml; charset=utf-8")
    name = f"{page.study.key}-version-{version.number}.yaml"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: HttpRequest, key: str) -> HttpResponse:
    """The whole set-up to be read, and signed by those whose roles it names."""
    page = open_study(request, key, draft_too=True)
    version = draft_of(page.study)
    if version is None or faults_of_draft(version.definition):
        sentence = "There is nothing to sign: the study is live." if version is None else "Complete the draft first."
        messages.warning(request, sentence)
        return redirect("dosing:setup", key=key)
    roles = roles_to_sign(page, version)
    initial = {"seen_sha256": version.sha256}
    form = SignSetUpForm(request.POST or None, roles=roles, signer=page.user, initial=initial) if roles else None
    status = 200
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            given = form.cleaned_data
            operations.sign_set_up(
                study=page.study, role=given["role"], seen_sha256=given["seen_sha256"], by=page.user, at=page.now,
                **form.secrets(),
            )  # fmt: skip
            messages.success(request, f"You have signed the {words_for(version)}.")
            return redirect("reminders:amendment" if page.is_live else "dosing:setup", key=key)
        except Refused as refused:
            refuse_into(form, refused)
            form.data = {**dict(form.data.items()), "seen_sha256": version.sha256}
            status = 409
    return render(request, "dosing/setup/sign.html", _to_sign(page, version, form), status=status)


def _to_sign(page: StudyPage, version: ProtocolVersion, form: SignSetUpForm | None) -> dict[str, Any]:
    return page.context(
        "Set-up",
        version=version,
        form=form,
        shown=protocol_page(version.protocol),
        boundaries=boundary_rows(version.protocol),
        statement=statement(version),
        what=words_for(version),
        signatures=shown.signature_lines(page.study, version),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def live(request: HttpRequest, key: str) -> HttpResponse:
    """What happens when the study goes live, and the button that does it."""
    page = open_study(request, key, Permission.MANAGE_STUDY, draft_too=True)
    version = draft_of(page.study)
    if version is None or page.is_live:  # an amendment is approved on a page of its own
        return redirect("dosing:setup", key=key)
    refused, status = None, 200
    if request.method == "POST":
        try:
            seen = request.POST.get("seen_sha256", "")
            cohort = operations.go_live(study=page.study, seen_sha256=seen, by=page.user, at=page.now)
            places = count(cohort.size, "place")
            messages.success(request, f"{key} is live. Cohort 1 is open at {cohort.level.label} with {places}.")
            return redirect("dosing:study", key=key)
        except Refused as error:
            refused, status = error, 409
    steps = shown.steps(page.study, version, faults_of_draft(version.definition))
    plan = None if steps else version.protocol.escalation
    context = _frame(
        page, version=version, steps=steps, refused=refused, plan=plan,
        level=version.protocol.level(plan.start_level) if plan else None,
        back_url=reverse("dosing:setup", args=[key]),
    )  # fmt: skip
    return render(request, "dosing/setup/go_live.html", context, status=status)
