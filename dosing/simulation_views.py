"""The pages of large simulations. Only the person who started one sees it."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from dosing.models import Simulation
from dosing.operations.simulations import cancel_simulation, start_simulation
from dosing.simulation_forms import SimulationForm
from dosing.simulation_page import setting, simulation_context
from dosing.tasks import hand_out
from dosing.workbench.address import question_from_query
from dosing.workbench.question import Question
from trials import clock
from trials.access import refuse_into
from trials.errors import Refused

REFUSED = 409


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """GET with the workbench's query asks how many trials; POST starts them."""
    if request.method != "POST":
        initial = {"q": request.GET.urlencode(), "seed": request.GET.get("seed"), "trials": request.GET.get("trials")}
        form = SimulationForm(initial={name: value for name, value in initial.items() if value})
        return _start_page(request, form, initial["q"] or "")
    form = SimulationForm(request.POST)
    query = request.POST.get("q", "")
    question = _question(query)
    if question is None or not form.is_valid():
        return _start_page(request, form, query, status=REFUSED)
    given = form.cleaned_data
    by = cast(User, request.user)
    try:
        simulation = start_simulation(
            question=question, trials=given["trials"], seed=given["seed"], by=by, at=clock.now()
        )
    except Refused as refused:
        refuse_into(form, refused)
        return _start_page(request, form, query, status=REFUSED)
    hand_out(simulation.pk)
    return redirect("dosing:simulation", simulation.pk)


def _question(query: str) -> Question | None:
    """What the workbench's address asks; None where it cannot be asked."""
    try:
        return question_from_query(QueryDict(query))
    except ValueError:
        return None


def _start_page(request: HttpRequest, form: SimulationForm, query: str, status: int = 200) -> HttpResponse:
    question = _question(query)
    context = {
        "form": form,
        "query": query,
        "setting": setting(question) if question else None,
        "running": Simulation.objects.of(cast(User, request.user)).running(),
        "nav": "Design",
    }
    return render(request, "dosing/simulation/start.html", context, status=status)


@login_required
@require_safe
@never_cache
def simulation(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "dosing/simulation/simulation.html", simulation_context(_mine(request, pk), clock.now()))


@require_safe
@never_cache
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The moving part of the page, asked for once a second; when there is nothing more to come, the whole page."""
    if not request.user.is_authenticated:
        return _whole_page_again()  # which leads to the sign-in page and back
    found = _mine(request, pk)
    if not cast(Any, request).htmx:
        return redirect("dosing:simulation", pk)
    if found.status != Simulation.Status.RUNNING:
        return _whole_page_again()
    return render(
        request, "dosing/simulation/_progress.html", {**simulation_context(found, clock.now()), "moved": True}
    )


def _whole_page_again() -> HttpResponse:
    return HttpResponse(headers={"HX-Refresh": "true"})


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    found = _mine(request, pk)
    cancel_simulation(simulation=found, by=cast(User, request.user), at=clock.now())
    return redirect("dosing:simulation", pk)


def _mine(request: HttpRequest, pk: int) -> Simulation:
    """A simulation of the person; nobody else learns that it exists."""
    return get_object_or_404(Simulation.objects.of(cast(User, request.user)), pk=pk)
