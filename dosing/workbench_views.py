"""The design workbench. All it is asked stands in the address; nothing is written."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import User
from dosing.workbench.address import draft_from_query, draft_to_query
from dosing.workbench.draft import Draft, Faulty
from dosing.workbench.edits import edited
from dosing.workbench_page import answer_context, home_context, workbench_context

NAV = "Design"
NOT_ALLOWED = 422


@login_required
@require_safe
def designs(request: HttpRequest) -> HttpResponse:
    """Where comparisons begin, and those that were saved."""
    context = home_context(cast(User, request.user))
    return render(request, "dosing/workbench/designs.html", {**context, "nav": NAV})


@login_required
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """The fields and the answer. A button's `do` is done to the fields first, and leaves the address."""
    draft, do = draft_from_query(request.GET), request.GET.get("do", "")
    if do:
        draft = edited(draft, do)
        if not cast(Any, request).htmx:
            return redirect(_address(draft))
    context = {**workbench_context(draft), "nav": NAV, "done": do}
    answer = render(request, "dosing/workbench/compare.html", context)
    if cast(Any, request).htmx:
        answer["HX-Replace-Url"] = _address(draft)
    return answer


@login_required
@require_safe
def compare_results(request: HttpRequest) -> HttpResponse:
    """The answer alone; where the fields ask no question, what is wrong with each, as JSON."""
    try:
        question = draft_from_query(request.GET).question()
    except Faulty as faulty:
        return JsonResponse({"faults": {each.field: each.sentence for each in faulty.faults}}, status=NOT_ALLOWED)
    return render(request, "dosing/workbench/_live.html", answer_context(question))


def _address(draft: Draft) -> str:
    return f"{reverse('dosing:compare')}?{draft_to_query(draft)}"
