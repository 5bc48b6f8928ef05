"""One design of the workbench by itself: its decision table, and its dose paths from a tally. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dosing.design_forms import ColumnsForm, PathsForm, TallyForm
from dosing.engine import Advice, CrmDesign, Design, ThreePlusThreeDesign, TiteBoinDesign, dose_paths
from dosing.workbench.address import Faulty, question_from_query, question_to_query
from dosing.workbench.decision_table import DecisionTable, decision_table, why_no_table
from dosing.workbench.path_tree import Tree, draw_tree, read_advice
from dosing.workbench.question import Question
from dosing.workbench.words import design_names, design_words, parameter_rows

REFUSED = 422
WIDEST_UNASKED = 30  # columns of the table before anybody asked for more


@dataclass(frozen=True)
class Chosen:
    """The question of an address, and which of its designs is looked at."""

    question: Question
    index: int
    query: str

    @property
    def design(self) -> Design:
        return self.question.designs[self.index]

    def context(self, here: str, **more: Any) -> dict[str, Any]:
        """What both pages show. here: the page's name among the addresses."""
        other = {"design-table": "design-paths", "design-paths": "design-table"}[here]
        return {
            "nav": "Design",
            "name": design_words(self.design),
            "target": None if isinstance(self.design, ThreePlusThreeDesign) else self.design.target,
            "parameters": parameter_rows(self.design),
            "compare": f"{reverse('dosing:compare')}?{self.query}",
            "other": self.address(other, self.index),
            "tabs": [(name, self.address(here, i), i == self.index) for i, name in enumerate(self._names)],
            "carried": [*parse_qsl(self.query, keep_blank_values=True), ("design", str(self.index))],
            **more,
        }

    @property
    def _names(self) -> tuple[str, ...]:
        return design_names(self.question.designs)

    def address(self, page: str, index: int) -> str:
        return f"{reverse(f'dosing:{page}')}?{self.query}&{urlencode({'design': index})}"


Page = Callable[[HttpRequest, Chosen], HttpResponse]


def _of_a_design(page: Page) -> Callable[[HttpRequest], HttpResponse]:
    """Reads question and design from the address; where they cannot be read, says so and leads to the workbench."""

    @login_required
    @require_safe
    @wraps(page)
    def read(request: HttpRequest) -> HttpResponse:
        try:
            question = question_from_query(request.GET)
        except Faulty as faulty:
            back = f"{reverse('dosing:compare')}?{request.GET.urlencode()}"
            context = {"nav": "Design", "faults": faulty.faults, "compare": back}
            return render(request, "dosing/design/unreadable.html", context, status=REFUSED)
        index = request.GET.get("design", "0")
        if not index.isdecimal() or int(index) >= len(question.designs):
            raise Http404(f"The question has {len(question.designs)} designs, and no design {index}.")
        return page(request, Chosen(question, int(index), question_to_query(question)))

    return read


@_of_a_design
def table(request: HttpRequest, chosen: Chosen) -> HttpResponse:
    """The decision table; for a design without one, why, and what it advises from a tally."""
    design = chosen.design
    if isinstance(design, CrmDesign):
        return _advice_instead(request, chosen)
    asked = request.GET if "columns" in request.GET else _columns_unasked(design)
    form = ColumnsForm(asked, design=design)
    shown = _table_of(design, form) if form.is_valid() else None
    context = chosen.context("design-table", form=form, table=shown, fixed=isinstance(design, ThreePlusThreeDesign))
    return render(request, "dosing/design/table.html", context, status=200 if shown else REFUSED)


def _columns_unasked(design: Design) -> dict[str, int]:
    return {"columns": min(getattr(design, "max_patients", 6), WIDEST_UNASKED), "every": 1}


def _table_of(design: Design, form: ColumnsForm) -> DecisionTable:
    every = None if isinstance(design, ThreePlusThreeDesign) else form.cleaned_data["every"]
    return decision_table(design, form.cleaned_data["columns"], every=every).clipped()


def _advice_instead(request: HttpRequest, chosen: Chosen) -> HttpResponse:
    form = _filled(TallyForm, request, chosen)
    fits = not form.is_bound or form.is_valid()
    context = chosen.context("design-table", form=form, why=why_no_table(chosen.design))
    if fits:
        advice = _advise(chosen.design, form)
        context |= {"advice": advice, "said": read_advice(advice, form.tally(), chosen.question.labels)}
    return render(request, "dosing/design/no_table.html", context, status=200 if fits else REFUSED)


def _advise(design: Design, form: TallyForm) -> Advice:
    return design.advise(form.tally(), form.current_dose(), form.labels)


def _filled(kind: type[TallyForm], request: HttpRequest, chosen: Chosen) -> Any:
    data = request.GET if TallyForm.is_asked(request.GET) else None
    return kind(data, labels=chosen.question.labels, design=chosen.design)


@_of_a_design
def paths(request: HttpRequest, chosen: Chosen) -> HttpResponse:
    """The dose paths of the next cohorts, from nobody or from a tally."""
    form: PathsForm = _filled(PathsForm, request, chosen)
    tree = _tree(chosen, form) if not form.is_bound or form.is_valid() else None
    context = chosen.context(
        "design-paths",
        form=form,
        tree=tree,
        waits=isinstance(chosen.design, TiteBoinDesign),
        toxicity=list(zip(chosen.question.labels, chosen.question.toxicity, strict=True)),
    )
    return render(request, "dosing/design/paths.html", context, status=200 if tree else REFUSED)


def _tree(chosen: Chosen, form: PathsForm) -> Tree | None:
    """The tree; None where the engine refuses it, with its sentence on the form."""
    question = chosen.question
    try:
        found = dose_paths(
            chosen.design,
            form.tally(),
            form.current_dose(),
            form.ahead(),
            cohort_sizes=form.sizes(),
            labels=question.labels,
        )
    except ValueError as refused:
        form.add_error(None, f"{refused}.")
        return None
    return draw_tree(found, question.labels, question.toxicity)
