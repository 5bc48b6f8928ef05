"""Trying a study: the form that makes a rehearsal copy, and the page on which the copy is played."""

from __future__ import annotations

import secrets
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from reminders.models import Rehearsal
from reminders.operations.rehearsal import play_day, start_play, stop_play, try_it
from reminders.rehearsal.fate import Scenario
from reminders.rehearsal.scenario import HIGHEST_SEED, usual_toxicity
from reminders.tasks import hand_out_play
from reminders.try_forms import TryForm
from reminders.try_page import rehearsal_context
from trials import clock
from trials.access import StudyPage, open_study, refuse_into
from trials.errors import Refused
from trials.permissions import Permission
from trials.queries import version_to_read

USUAL_TARGET = 0.3
WEEK = 7
REFUSED = 409


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def try_study(request: HttpRequest, key: str) -> HttpResponse:
    """What is true in the rehearsal: GET asks, POST makes it. Also of a rehearsal, to try with other numbers."""
    page = open_study(request, key, draft_too=True)
    form = _form(page, request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound:
        status = REFUSED
        if form.is_valid():
            try:
                made = try_it(
                    source=page.study,
                    scenario=form.scenario(),
                    seed=form.cleaned_data["seed"],
                    by=page.user,
                    at=clock.now(),
                )
            except Refused as refused:
                refuse_into(form, refused)
            else:
                return redirect("reminders:rehearsal", key=made.study.key)
    context = page.context("Study" if page.is_live else "Protocol", form=form)
    return render(request, "reminders/rehearsal/try.html", context, status=status)


def _form(page: StudyPage, sent: Any) -> TryForm:
    """With the numbers of the rehearsal, where one is tried again; else with usual ones."""
    definition = version_to_read(page.study).definition
    labels = _labels(definition)
    before = Rehearsal.objects.filter(study=page.study).first()
    if before is not None:
        scenario = Scenario.from_dict(before.scenario)
        toxicity: list[float] = list(scenario.toxicity)
        initial: dict[str, Any] = {**scenario.to_dict(), "seed": before.seed}
    else:
        toxicity, initial = usual_toxicity(len(labels), _target(definition)), {"seed": secrets.randbelow(HIGHEST_SEED)}
    return TryForm(sent, labels=labels, toxicity=toxicity, initial=initial)


def _labels(definition: dict[str, Any]) -> list[str]:
    """Of the levels, also of a draft that is not complete."""
    levels = definition.get("levels")
    if not isinstance(levels, list):
        return []
    return [str(level.get("label", "")) if isinstance(level, dict) else "" for level in levels]


def _target(definition: dict[str, Any]) -> float:
    design = definition.get("design")
    parameters = design.get("parameters") if isinstance(design, dict) else None
    target = parameters.get("target") if isinstance(parameters, dict) else None
    return float(target) if isinstance(target, int | float) else USUAL_TARGET


@login_required
@require_safe
@never_cache
def rehearsal(request: HttpRequest, key: str) -> HttpResponse:
    page, found = _opened(request, key)
    return render(
        request, "reminders/rehearsal/rehearsal.html", page.context("Study", **rehearsal_context(page, found))
    )


@require_safe
@never_cache
def progress(request: HttpRequest, key: str) -> HttpResponse:
    """The moving part of the page, asked for again and again; once the play has ended, the whole page."""
    if not request.user.is_authenticated:
        return _whole_page_again()  # which leads to the sign-in page and back
    page, found = _opened(request, key)
    if not cast(Any, request).htmx:
        return redirect("reminders:rehearsal", key)
    if not found.plays.running().exists():
        return _whole_page_again()
    context = {**rehearsal_context(page, found), "moved": True, "study": page.study}
    return render(request, "reminders/rehearsal/_standing.html", context)


@login_required
@require_POST
def play(request: HttpRequest, key: str) -> HttpResponse:
    """play: 'day', 'week', or 'end', which a worker does."""
    page, found = _opened(request, key)
    page.require(Permission.MOVE_REHEARSAL_DAY)
    try:
        if request.POST.get("play") == "end":
            hand_out_play(start_play(rehearsal=found, by=page.user, at=page.now).pk)
        else:
            for _ in range(WEEK if request.POST.get("play") == "week" else 1):
                play_day(rehearsal=found, by=page.user, at=clock.now())
    except Refused as refused:
        messages.error(request, f"{refused.sentence}")
    return redirect("reminders:rehearsal", key)


@login_required
@require_POST
def stop(request: HttpRequest, key: str) -> HttpResponse:
    page, found = _opened(request, key)
    page.require(Permission.MOVE_REHEARSAL_DAY)
    stop_play(rehearsal=found, by=page.user, at=page.now)
    return redirect("reminders:rehearsal", key)


def _opened(request: HttpRequest, key: str) -> tuple[StudyPage, Rehearsal]:
    """The study, which has such a page only where it is a rehearsal made to be played."""
    page = open_study(request, key)
    found = Rehearsal.objects.select_related("study", "source").filter(study=page.study).first()
    if found is None:
        raise Http404(f"{key} is not a rehearsal that can be played.")
    return page, found


def _whole_page_again() -> HttpResponse:
    return HttpResponse(headers={"HX-Refresh": "true"})
