"""The pages of saved comparisons. Each POST makes one call of an operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import get_text_list, slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from dosing.comparison_forms import SaveForm, UseForm
from dosing.comparison_page import comparison_context
from dosing.engine.wording import probability_as_given
from dosing.models import Comparison
from dosing.operations import put_away_comparison, save_comparison
from dosing.operations.comparisons import LONGEST_TITLE
from dosing.queries.comparisons import comparisons_seen_by
from dosing.queries.study_files import shipped_files, studies_to_begin_with, study_file_at
from dosing.setup_forms import zones
from dosing.workbench.address import question_from_query, question_to_query
from dosing.workbench.appendix import appendix_pdf
from dosing.workbench.appendix_csv import appendix_csv
from dosing.workbench.into_study import definition_with, why_not_live
from dosing.workbench.question import Question
from dosing.workbench.words import design_names
from trials import clock
from trials.access import refuse_into
from trials.errors import Refused
from trials.models import Study
from trials.operations import start_study

REFUSED = 409
NAV = "Design"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def save(request: HttpRequest) -> HttpResponse:
    """The question stands in the address, as on the workbench (or in the body of a form that was sent from there)."""
    user = cast(User, request.user)
    asked = request.GET if "dose" in request.GET else request.POST
    try:
        question = question_from_query(asked)
    except ValueError as error:
        context = {"sentence": str(error), "back": f"{reverse('dosing:compare')}?{asked.urlencode()}", "nav": NAV}
        return render(request, "dosing/comparison/not_asked.html", context, status=REFUSED)
    studies = list(Study.objects.visible_to(user))
    if request.method != "POST":
        initial = {"title": _title(question), "study": request.GET.get("study", "")}
        return _save_page(request, SaveForm(initial=initial, studies=studies), question)
    form = SaveForm(request.POST, studies=studies)
    if not form.is_valid():
        return _save_page(request, form, question, status=REFUSED)
    given = form.cleaned_data
    try:
        saved = save_comparison(
            question=question,
            title=given["title"],
            note=given["note"],
            study=form.chosen_study(),
            by=user,
            at=clock.now(),
        )
    except Refused as refused:
        refuse_into(form, refused)
        return _save_page(request, form, question, status=REFUSED)
    messages.success(request, "The comparison is saved.")
    return redirect("dosing:comparison", saved.pk)


def _title(question: Question) -> str:
    names = get_text_list(list(design_names(question.designs)), "and")
    return f"{names}, {question.doses} doses, target {probability_as_given(question.target)}"[:LONGEST_TITLE]


def _save_page(request: HttpRequest, form: SaveForm, question: Question, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "names": get_text_list(list(design_names(question.designs)), "and"),
        "labels": question.labels,
        "query": question_to_query(question),
        "nav": NAV,
    }
    return render(request, "dosing/comparison/save.html", context, status=status)


@login_required
@require_safe
def comparison(request: HttpRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    context = comparison_context(found, cast(User, request.user))
    return render(request, "dosing/comparison/comparison.html", {**context, "nav": NAV})


@login_required
@require_POST
def put_away(request: HttpRequest, pk: int) -> HttpResponse:
    """Asked once more before it is done."""
    found = _found(request, pk)
    if request.POST.get("confirm") != "yes":
        return render(request, "dosing/comparison/put_away.html", {"comparison": found, "nav": NAV})
    put_away_comparison(comparison=found, by=cast(User, request.user), at=clock.now())
    messages.success(request, f"“{found.title}” is put away. Its page can still be read at its address.")
    return redirect("dosing:designs")


@login_required
@require_safe
def pdf(request: HttpRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    chosen = _chosen(request, found)
    return _file(appendix_pdf(found, chosen), found, "application/pdf", "pdf", "inline")


@login_required
@require_safe
def csv(request: HttpRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    chosen = _chosen(request, found)
    return _file(appendix_csv(found, chosen).encode(), found, "text/csv; charset=utf-8", "csv", "attachment")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def use(request: HttpRequest, pk: int, place: int) -> HttpResponse:
    """Start a study from one of the designs."""
    found, user = _found(request, pk), cast(User, request.user)
    question = Question.from_dict(found.question)
    if place >= len(question.designs):
        raise Http404("The comparison has no such design.")
    page = _UsePage(request, found, question, place)
    if page.not_live:
        return page.shown(None, status=REFUSED if request.method == "POST" else 200)
    studies, files = studies_to_begin_with(user), shipped_files()
    if request.method != "POST":
        source = f"study:{found.study.key}" if found.study else ""
        return page.shown(UseForm(initial={"source": source, **page.heading_of_study()}, studies=studies, files=files))
    form = UseForm(request.POST, studies=studies, files=files)
    if not form.is_valid():
        return page.shown(form, status=REFUSED)
    try:
        study = start_study(
            definition=page.definition(form, user), by=user, at=clock.now(), rehearsal_day=form.rehearsal_day()
        )
    except Refused as refused:
        field = (refused.field or "").removeprefix("study.")
        form.add_error(field if field in form.fields else None, refused.sentence)
        return page.shown(form, status=REFUSED)
    messages.success(request, f"{study.key} is started as a draft with {page.name}. You are its data manager.")
    return redirect("dosing:setup", key=study.key)


@dataclass(frozen=True)
class _UsePage:
    """The page on which a study is started from design number `place` of a comparison."""

    request: HttpRequest
    comparison: Comparison
    question: Question
    place: int

    @property
    def name(self) -> str:
        return design_names(self.question.designs)[self.place]

    @property
    def not_live(self) -> str:
        return why_not_live(self.question.designs[self.place])

    def heading_of_study(self) -> dict[str, str]:
        study = self.comparison.study
        return {"time_zone": study.time_zone} if study else {}

    def definition(self, form: UseForm, by: User) -> dict[str, Any]:
        return definition_with(
            self.question,
            self.place,
            heading=form.heading(),
            rest=study_file_at(form.cleaned_data["source"], by),
            because=f"From the comparison “{self.comparison.title}” of {self.comparison.saved_at:%-d %B %Y}.",
        )

    def shown(self, form: UseForm | None, status: int = 200) -> HttpResponse:
        context = {
            "form": form,
            "comparison": self.comparison,
            "name": self.name,
            "not_live": self.not_live,
            "labels": self.question.labels,
            "zones": zones(),
            "nav": NAV,
        }
        return render(self.request, "dosing/comparison/use.html", context, status=status)


def _found(request: HttpRequest, pk: int) -> Comparison:
    """The comparison, for those who may see it; nobody else learns that it exists."""
    return get_object_or_404(comparisons_seen_by(cast(User, request.user)), pk=pk)


def _chosen(request: HttpRequest, found: Comparison) -> int | None:
    """The one design that the address asks for; None for all."""
    asked: Any = request.GET.get("design")
    if asked is None:
        return None
    if not asked.isdecimal() or int(asked) >= len(found.question["designs"]):
        raise Http404("The comparison has no such design.")
    return int(asked)


def _file(content: bytes, found: Comparison, kind: str, ending: str, disposition: str) -> HttpResponse:
    name = f"appendix-{found.pk}-{slugify(found.title)[:60] or 'designs'}.{ending}"
    return HttpResponse(
        content, content_type=kind, headers={"Content-Disposition": f'{disposition}; filename="{name}"'}
    )
