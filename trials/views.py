from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from trials.access import open_study
from trials.errors import Refused
from trials.operations import move_rehearsal_day


class MoveDayForm(forms.Form):
    days = forms.IntegerField(min_value=1, max_value=366)


@login_required
@require_POST
def move_day(request: HttpRequest, key: str) -> HttpResponse:
    """Move a rehearsal's day on, and go back to where one was."""
    page = open_study(request, key)
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
