"""Starting a study: blank, as a copy, from a study file, or from a ClinicalTrials.gov record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import User
from dosing.operations import import_study
from dosing.setup_forms import BlankForm, CopyForm, FromFileForm, RecordForm, StartForm, StudyFileForm, zones
from trials.errors import InvalidProtocol, Refused
from trials.models import Study
from trials.operations import copy_study, start_study
from trials.queries import study_for
from trials.registry_record import definition_of_record


@dataclass(frozen=True)
class Way:
    """One way to start a study. make: what is done with the form that was sent."""

    title: str
    text: str
    form: type[StartForm]
    make: Callable[[Any, User], Study]
    hint: str = ""


def _blank(form: BlankForm, by: User) -> Study:
    heading = {name: form.cleaned_data[name] for name in ("key", "title", "time_zone")}
    return start_study(definition={"study": heading}, by=by, at=timezone.now(), rehearsal_day=form.rehearsal_day())


def _copy(form: CopyForm, by: User) -> Study:
    given = form.cleaned_data
    source = study_for(by, given["source"])
    return copy_study(
        source=source, key=given["key"], title=given["title"], by=by, at=timezone.now(),
        rehearsal_day=form.rehearsal_day(),
    )  # fmt: skip


def _file(form: FromFileForm, by: User) -> Study:
    given = form.cleaned_data
    return import_study(
        text=given["content"], key=given["key"], by=by, at=timezone.now(), rehearsal_day=form.rehearsal_day()
    )


def _record(form: FromFileForm, by: User) -> Study:
    definition = definition_of_record(form.cleaned_data["content"])
    if form.cleaned_data["key"]:
        definition["study"] = {**definition["study"], "key": form.cleaned_data["key"]}
    return start_study(definition=definition, by=by, at=timezone.now(), rehearsal_day=form.rehearsal_day())


WAYS = {
    "blank": Way("From nothing", "A title, and every part of the protocol in forms.", BlankForm, _blank),
    "copy": Way("As a copy", "The protocol of a study in which you have a role, under a new key.", CopyForm, _copy),
    "file": Way(
        "From a study file", "A protocol that was written down or exported as YAML.", StudyFileForm, _file,
        "A file with a fault is refused whole, and every fault is named.",
    ),
    "record": Way(
        "From ClinicalTrials.gov", "The heading only: identifiers, titles, arms, agents, eligibility.", RecordForm,
        _record, "The record as JSON: on the study's page there, Download, then JSON. It is marked as assumed.",
    ),
}  # fmt: skip


@login_required
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """The ways to start a study."""
    return render(request, "dosing/setup/start.html", {"ways": WAYS})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def start_by(request: HttpRequest, way: str) -> HttpResponse:
    """One of the ways: its form, and the study that it starts."""
    if way not in WAYS:
        raise Http404("There is no such way to start a study.")
    by, chosen = cast(User, request.user), WAYS[way]
    form = _form(chosen, by, request)
    faults: list[Any] = []
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            study = chosen.make(form, by)
        except InvalidProtocol as error:
            faults, status = error.faults, 422
        except Refused as refused:
            _refuse(form, refused)
            status = 409
        else:
            messages.success(request, f"{study.key} is started as a draft. You are its data manager.")
            return redirect("dosing:setup", key=study.key)
    if status != 200 and isinstance(form, FromFileForm):
        form.give_back()
    context = {"way": chosen, "form": form, "faults": faults, "zones": zones(), "name": way}
    return render(request, "dosing/setup/start_by.html", context, status=status)


def _form(way: Way, by: User, request: HttpRequest) -> StartForm:
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    if issubclass(way.form, CopyForm):
        return way.form(*sent, sources=Study.objects.visible_to(by))
    return way.form(*sent)


def _refuse(form: forms.Form, refused: Refused) -> None:
    """At the field of the heading where the form has it: 'study.key' is the form's key."""
    field = (refused.field or "").removeprefix("study.")
    form.add_error(field if field in form.fields else None, refused.sentence)
