"""One section of the study file as a form. Its buttons for rows change the form only; saving makes one call."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dosing.queries.draft import faults_of_draft
from dosing.setup_sources import sources_of
from trials.access import StudyPage, open_study
from trials.definition import PARTS, NotPlain, plain
from trials.errors import Fault, Refused
from trials.models import ProtocolVersion
from trials.operations import edit_section
from trials.permissions import Permission
from trials.queries import draft_of
from trials.study_forms.content import press, read
from trials.study_forms.shape import shape_of_section
from trials.study_forms.tree import Tree
from trials.study_forms.words import words_of

FAULTY, CHANGED = 422, 409


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def section(request: HttpRequest, key: str, section: str) -> HttpResponse:
    page = open_study(request, key, Permission.MANAGE_STUDY, draft_too=True)
    if section not in PARTS:
        raise Http404(f"A study file has no part {section!r}.")
    draft = draft_of(page.study)
    if draft is None:
        messages.warning(request, f"{page.study.key} is live. An amendment changes its protocol.")
        return redirect("dosing:setup", page.study.key)
    if request.method == "POST":
        return _posted(page, draft, section)
    content = draft.definition.get(section)
    faults = faults_of_draft(draft.definition) if section in draft.definition else []
    return _form(page, draft, section, content, faults)


def _posted(page: StudyPage, draft: ProtocolVersion, section: str) -> HttpResponse:
    """What was typed, saved; or, after a button for a row, the form again with that row added, moved or gone."""
    typed, seen = page.request.POST, page.request.POST.get("seen", "")
    button = typed.get("do", "save")
    content = press(button, read(shape_of_section(section), typed, section), section)
    if not button.startswith("save"):
        return _form(page, draft, section, content, [], seen=seen, after=button)
    faults = _faults_of(draft, section, content)
    if faults and button != "save-with-faults":
        return _form(page, draft, section, content, faults, seen=seen, status=FAULTY)
    try:
        edit_section(
            study=page.study, section=section, content=content, by=page.user, at=page.now, seen_sha256=seen,
            reason=typed.get("reason", ""),
        )  # fmt: skip
    except Refused as refused:
        return _form(page, draft, section, content, faults, seen=seen, refused=refused, status=CHANGED)
    messages.success(page.request, f"{words_of(None, section).label}: saved.")
    return (
        redirect("dosing:setup-section", page.study.key, _next(section))
        if button == "save-next"
        else redirect("dosing:setup", page.study.key)
    )


def _faults_of(draft: ProtocolVersion, section: str, content: Any) -> list[Fault]:
    """What would be wrong with this section if it were saved so."""
    kept = {name: value for name, value in draft.definition.items() if name != section}
    try:
        whole = plain(kept if content is None else {**kept, section: content})
    except NotPlain as error:
        return [error.fault]
    return [f for f in faults_of_draft(whole) if f.path == section or f.path.startswith(f"{section}.")]


def _form(
    page: StudyPage,
    draft: ProtocolVersion,
    section: str,
    content: Any,
    faults: list[Fault],
    *,
    seen: str = "",
    after: str = "",
    refused: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    tree = Tree(section, faults, sources_of({**draft.definition, section: content}))
    node, elsewhere = tree.draw(shape_of_section(section), content)
    context = page.context(
        "Set-up",
        node=node,
        elsewhere=elsewhere,
        section=section,
        seen=seen or draft.sha256,
        refused=refused,
        faulty=status == FAULTY,
        focus=_focus(after),
        around=_around(_focus(after)),
        following=words_of(None, _next(section)).label if _next(section) else "",
    )
    return render(page.request, "dosing/setup/section.html", context, status=status)


def _focus(button: str) -> str:
    """The path of the list or part that a button changed: the page goes on there."""
    verb, _, path = button.partition(":")
    return path.rpartition(".")[0] if verb in ("remove", "up", "copy") else path


def _around(path: str) -> set[str]:
    """The path and all that it lies in: those rows stay open."""
    steps = path.split(".")
    return {".".join(steps[:length]) for length in range(1, len(steps) + 1)}


def _next(section: str) -> str:
    place = PARTS.index(section) + 1
    return PARTS[place] if place < len(PARTS) else ""
