"""What the draft would mean: each part's calendar, the ladder with its regimens, and the design's table."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dosing.ladder import Rung, draw_ladder
from dosing.queries.draft import faults_of_draft
from dosing.queries.inputs import design_of_protocol
from trials.access import open_study
from trials.calendar_picture import draw_calendar, due_later
from trials.models import Part
from trials.protocol import Protocol
from trials.protocol_base import PartKind
from trials.protocol_words import design_words
from trials.queries import draft_of, version_to_read


@login_required
@require_safe
def preview(request: HttpRequest, key: str) -> HttpResponse:
    """The picture of the protocol: of the draft where there is one, else of the version that is live."""
    page = open_study(request, key, draft_too=True)
    version = draft_of(page.study) or version_to_read(page.study)
    faults = faults_of_draft(version.definition)
    context: dict[str, Any] = {"version": version, "faults": faults}
    if not faults:
        context |= _pictures(version.protocol)
    return render(request, "dosing/setup/preview.html", page.context("Set-up", **context))


def _pictures(protocol: Protocol) -> dict[str, Any]:
    kinds: list[PartKind] = ["escalation", *(["expansion"] if protocol.expansion else [])]  # type: ignore[list-item]
    ordinal = protocol.escalation.start_level
    design = design_of_protocol(protocol)
    low, high = getattr(design, "escalation_boundary", None), getattr(design, "de_escalation_boundary", None)
    rungs = [
        Rung(ordinal=level.ordinal, label=level.label, current=level.ordinal == ordinal) for level in protocol.levels
    ]
    return {
        "level": protocol.level(ordinal),
        "calendars": [
            (kind, Part.Kind(kind).label, draw_calendar(protocol, kind, ordinal), due_later(protocol, kind))
            for kind in kinds
        ],
        "ladder": draw_ladder(
            rungs, target=design.target, boundaries=(low, high) if low is not None and high is not None else None
        ),
        "levels": [(level, [_given(protocol, dose) for dose in level.doses]) for level in protocol.levels],
        "design": design_words(protocol.design),
    }


def _given(protocol: Protocol, dose: Any) -> str:
    return f"{protocol.agent(dose.agent).name} {dose.amount_words}, {dose.route}, {dose.days_words}"
