from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from trials.access import BeingSetUp, open_study, refuse_into
from trials.errors import Refused
from trials.operations import move_rehearsal_day, resume_accrual, suspend_accrual
from trials.permissions import Permission
from trials.protocol_checks import faults_of
from trials.protocol_page import protocol_page, version_facts
from trials.queries import version_to_read


@login_required
def protocol(request: HttpRequest, key: str) -> HttpResponse:
    """What the live protocol version says, for everybody in the study; before the study is live, what was loaded."""
    page = open_study(request, key, draft_too=True)
    version = version_to_read(page.study)
    if faults_of(version.definition):
        raise BeingSetUp(page)  # a draft that is not complete says too little to be read as a protocol
    shown = {
        "version": version,
        "shown": protocol_page(version.protocol),
        "facts": version_facts(version),
        "boundaries": version.boundaries.all(),
        "may_amend": page.is_live and page.may(Permission.MANAGE_STUDY),
    }
    return render(request, "trials/protocol.html", page.context("Study" if page.is_live else "Protocol", **shown))


class MoveDayForm(forms.Form):
    days = forms.IntegerField(min_value=1, max_value=366)


class AccrualForm(forms.Form):
    reason = forms.CharField(label="Why", required=False, widget=forms.Textarea(attrs={"rows": 3}))


@login_required
@require_http_methods(["GET", "POST"])
def accrual(request: HttpRequest, key: str) -> HttpResponse:
    """Suspend registration in the whole study, or resume it, with the reason."""
    page = open_study(request, key, Permission.SUSPEND_ACCRUAL)
    suspended = page.study.accrual_suspended_at is not None
    form = AccrualForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        change = resume_accrual if request.POST.get("to") == "resume" else suspend_accrual
        try:
            change(study=page.study, reason=form.cleaned_data["reason"], by=page.user, at=page.now)
            messages.success(
                request, "Registration goes on." if change is resume_accrual else "Registration is suspended."
            )
            return redirect("dosing:study", key=key)
        except Refused as refused:
            refuse_into(form, refused)
            status = 409
    context = page.context("Study", form=form, suspended=suspended, back_url=reverse("dosing:study", args=[key]))
    return render(request, "trials/accrual.html", context, status=status)


@login_required
@require_POST
def move_day(request: HttpRequest, key: str) -> HttpResponse:
    """Move a rehearsal's day on, and go back to where one was."""
    page = open_study(request, key, draft_too=True)
    form = MoveDayForm(request.POST)
    if form.is_valid():
        try:
            day = move_rehearsal_day(study=page.study, days=form.cleaned_data["days"], by=page.user, at=page.now)
            messages.success(request, f"The rehearsal's day is now {day:%A} {day.day} {day:%B %Y}.")
        except Refused as refused:
            messages.error(request, refused.sentence)
    else:
        messages.error(request, "Move the day on by 1 to 366 days.")
    return redirect(_back_to(request, key))


def _back_to(request: HttpRequest, key: str) -> str:
    wanted = request.POST.get("next", "") or request.headers.get("referer", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return wanted
    return f"/studies/{key}/"
