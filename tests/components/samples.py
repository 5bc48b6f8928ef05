"""Invented content for every component: the page of developers, and what the component tests look at."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.paginator import Paginator

from dosing.dots import Dot, DotStatus
from dosing.ladder import Rung, draw_ladder
from dosing.path import Step, draw_path
from dosing.strip import boundary_strip

LEVELS = [(1, "10 mg"), (2, "15 mg"), (3, "25 mg")]
PATH = "A-001 1 n, A-002 3 x, B-001 2 n, B-002 3 n, A-004 2 n, A-005 2 x, B-003 2 n, A-006 2 n, B-004 3 x, A-007 2 x"
STATUSES = {"n": DotStatus.NO_DLT, "x": DotStatus.DLT}


class EventForm(forms.Form):
    term = forms.CharField(
        label="What happened",
        help_text="CTCAE v5.0, as this protocol version asks",
        widget=forms.TextInput(attrs={"data-combobox": "", "list": "terms"}),
    )
    grade = forms.ChoiceField(
        choices=[("2", "2: <1.5 to 1.0 × 10⁹/L"), ("3", "3: <1.0 to 0.5 × 10⁹/L"), ("4", "4: <0.5 × 10⁹/L")],
        widget=forms.RadioSelect,
        help_text="The worst grade so far",
    )
    began = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    relation = forms.ChoiceField(label="Related to lenalidomide", choices=[("probable", "Probable"), ("not", "Not")])
    comment = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    serious = forms.BooleanField(required=False, label="Serious adverse event")

    @property
    def helper(self) -> Any:
        from crispy_forms.helper import FormHelper

        helper = FormHelper()
        helper.form_tag = False
        helper.form_show_errors = True
        return helper


def _dots(words: str) -> list[tuple[int, Dot]]:
    steps = []
    for word in words.split(", "):
        code, ordinal, status = word.split()
        steps.append((int(ordinal), Dot(code=code, status=STATUSES[status], url=f"#{code}")))
    return steps


def ladder(*, target: float | None = 0.30) -> Any:
    dots: dict[int, list[Dot]] = {1: [], 2: [], 3: []}
    for ordinal, dot in _dots(PATH):
        dots[ordinal].append(dot)
    dots[1].append(Dot(code="A-003", status=DotStatus.NOT_EVALUABLE, url="#A-003"))
    dots[2] += [
        Dot(code="B-005", status=DotStatus.PENDING, elapsed=0.4, url="#B-005"),
        Dot(status=DotStatus.RESERVED),
        Dot(status=DotStatus.OPEN),
    ]
    estimates = {1: (0.04, (0.0, 0.34)), 2: (0.33, (0.10, 0.65)), 3: (0.67, (0.21, 0.97))}
    rungs = [
        Rung(
            ordinal=ordinal,
            label=label,
            dots=tuple(dots[ordinal]),
            current=ordinal == 2,
            closed=ordinal == 3,
            estimate=estimates[ordinal][0],
            interval=estimates[ordinal][1],
        )
        for ordinal, label in LEVELS
    ]
    return draw_ladder(rungs, target=target, boundaries=(0.236, 0.359))


def context() -> dict[str, Any]:
    """base.html's context and one value for each component's variables."""
    day = dt.date(2026, 11, 21)
    names = ["Today", "Study", "Patients", "Samples", "Decisions", "History", "Messages"]
    return {
        "study": SimpleNamespace(key="LEN-MAG-01", title="Lenalidomide in anti-MAG neuropathy", is_rehearsal=True),
        "studies": [("Lenalidomide in anti-MAG neuropathy", "#1"), ("Lenalidomide with cetuximab", "#2")],
        "nav": "study",
        "nav_items": [(name, f"#{name}") for name in names],
        "rehearsal_today": day,
        "membership_label": "principal investigator",
        "user": SimpleNamespace(is_authenticated=True, pk=7, full_name="Dr Ana Rivera"),
        "ladder": ladder(),
        "path": draw_path([Step(ordinal=ordinal, dot=dot) for ordinal, dot in _dots(PATH)], levels=LEVELS),
        "strip": boundary_strip(n=6, escalate_if_at_most=1, de_escalate_if_at_least=3, eliminate_if_at_least=4, here=2),
        "form": EventForm({"term": "", "grade": "4", "began": "2026-11-16", "relation": "probable"}),
        **_lists(day),
    }


def _lists(day: dt.date) -> dict[str, Any]:
    return {
        "facts": [
            {"label": "Treated in escalation", "value": "10 of 12"},
            {"label": "Slots open", "value": "0, waiting for the decision"},
            {"label": "DLT window", "value": "28 days", "assumed": True},
            {"label": "If we stopped now", "value": "MTD 15 mg (0.34)"},
        ],
        "figures": [
            {"label": "Treated", "value": "10", "note": "of 12"},
            {"label": "DLTs", "value": "4"},
            {"label": "In the window", "value": "1", "note": "until 5 Dec"},
        ],
        "due": [
            {"about": "B-004", "title": "cycle 3 starts", "detail": "Tue 24 Nov ± 3 days", "chip": "due", "url": "#p"},
            {
                "about": "A-007",
                "title": "sample after cycle 2",
                "detail": "1 day past its window · purple 10 ml, red 6 ml",
                "chip": "overdue",
                "chip_kind": "out",
                "action_label": "Collect",
                "action_url": "#c",
            },
        ],
        "signatures": [
            {
                "signer": "Dr L. Okafor",
                "role": "medical monitor",
                "meaning": "approved",
                "time": "Sat 21 Nov 2026, 10:02 CET",
                "status": "valid",
            },
            {
                "signer": "Dr S. Haddad",
                "role": "statistician",
                "meaning": "reviewed",
                "time": "Fri 20 Nov 2026, 16:40 CET",
                "status": "stale",
            },
            {
                "signer": "Dr A. Rivera",
                "role": "principal investigator",
                "time": "asked today, 09:14",
                "status": "waiting",
            },
        ],
        "choices": [
            {"value": "stay", "label": "Stay at 15 mg", "detail": "as recommended"},
            {"value": "lower", "label": "10 mg instead"},
            {"value": "hold", "label": "Hold registration"},
            {"value": "up", "label": "25 mg", "detail": "above the recommendation", "disabled": True},
        ],
        "moves": [
            {"what": "Cycle 4 starts", "before": "Tue 22 Dec", "after": "Thu 24 Dec"},
            {"what": "Sample after cycle 3", "before": "Mon 21 Dec", "after": "Wed 23 Dec", "note": "window ± 3 days"},
            {"what": "Visit on 5 Jan", "before": "Tue 5 Jan", "after": ""},
        ],
        "chips": [
            ("up", "escalate"),
            ("stay", "stay"),
            ("down", "de-escalate"),
            ("out", "eliminated"),
            ("pending", "pending"),
            ("neutral", "not evaluable"),
            ("", "due"),
        ],
        "timeline": _timeline(day),
        "page_obj": Paginator(range(120), 40).page(2),
    }


def _timeline(day: dt.date) -> list[dict[str, Any]]:
    def item(days: int, kind: str, title: str, state: str, **more: Any) -> dict[str, Any]:
        return {"date": day + dt.timedelta(days=days), "kind": kind, "title": title, "state": state, **more}

    return [
        item(-27, "sample", "Pre-treatment sample", "past", detail="purple 10 ml, red 6 ml", url="#t"),
        item(-26, "cycle", "Cycle 1 starts", "past", detail="15 mg, days 1 to 21"),
        item(-10, "event", "Fatigue, grade 2", "past", detail="possibly related", url="#e"),
        item(-5, "dlt", "Neutrophil count decreased, grade 4", "past", chip="DLT", chip_kind="out", url="#e"),
        item(-2, "decision", "Decision 10: stay at 15 mg", "past", detail="signed by two"),
        item(0, "today", "Today", "past"),
        item(3, "cycle", "Cycle 2 starts", "firm", detail="Tue 24 Nov ± 3 days", chip="due"),
        item(3, "dose", "First dose of cycle 2", "firm"),
        item(10, "visit", "Safety visit", "expected"),
    ]


class SignInForm(forms.Form):
    username = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))


def sign_in() -> dict[str, Any]:
    people = [
        {"username": "rivera", "name": "Dr Ana Rivera", "role": "principal investigator"},
        {"username": "lindqvist", "name": "M. Lindqvist", "role": "coordinator · Site B"},
    ]
    return {"form": SignInForm(), "demo_people": people, "demo_password": "rehearse the ladder", "next": "/"}
