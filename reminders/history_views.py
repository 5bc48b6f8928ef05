"""The history: who changed what, when and why, in plain words; as it was; as files; and its review."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET

from accounts.access_log import Kind, note_access
from accounts.manifestation import signature_shown, verify_stored
from audit.models import Entry
from dosing.models import Decision
from patients.models import Patient
from reminders import history_export
from reminders.history import audience_of, story
from reminders.history_forms import AsItWasForm, HistoryFilter, ReviewForm, visible_entries
from reminders.history_past import Section, decision_then, patient_then
from reminders.history_record import fields_of, values_of
from reminders.history_values import Values
from reminders.history_words import WORDS, column_words
from reminders.operations import review_trail
from reminders.queries import zone_of
from reminders.reviews import last_review, reviews_of, statement_on
from trials import clock
from trials.access import StudyPage, open_study, refuse_into
from trials.errors import Forbidden, Refused
from trials.permissions import Permission

ENTRIES_A_PAGE = 60
DECISIONS = Decision._meta.db_table
CONTENT = {"csv": "text/csv; charset=utf-8", "json": "application/json", "pdf": "application/pdf"}


@login_required
def history(request: HttpRequest, key: str) -> HttpResponse:
    """The study's history, narrowed as asked."""
    page, site_ids = _open(request, key)
    form = HistoryFilter(request.GET, study=page.study, site_ids=site_ids, zone=_zone(page))
    entries = Paginator(form.entries(), ENTRIES_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "days": story(page.study, list(entries), _zone(page), site_ids),
        "entries": entries,
        "query": form.query_string(),
        "patient": form.cleaned_data.get("patient", "") if form.is_valid() else "",
        "zone": _zone(page),
        "reviewed": last_review(page.study),
        "whole_study": site_ids is None,
    }
    return render(request, "reminders/history.html", page.context("History", **context))


@login_required
def record(request: HttpRequest, key: str, table: str, row_id: int) -> HttpResponse:
    """One record from its first entry on, and the values that one of its fields has had."""
    page, site_ids = _open(request, key)
    if table not in WORDS:
        raise Http404("There is no such record.")
    entries = list(visible_entries(page.study, site_ids).of_record(table, row_id))
    if not entries:
        raise Http404("There is no such record.")
    zone, fields = _zone(page), fields_of(entries)
    field = request.GET.get("field", "")
    values = Values(page.study, entries, zone)
    audience = audience_of(page.study, site_ids, entries)
    context = {
        "noun": WORDS[table].noun,
        "name": audience.reader.text(values.name_of_row(entries[0])),
        "patient": values.patient_code(entries[0]),
        "decision": Decision.objects.select_related("recommendation").get(pk=row_id) if table == DECISIONS else None,
        "days": story(page.study, entries, zone, site_ids),
        "fields": fields,
        "field": column_words(field).capitalize() if field in dict(fields) else "",
        "values": values_of(entries, field, values, audience) if field in dict(fields) else [],
        "zone": zone,
    }
    return render(request, "reminders/history/record.html", page.context("History", **context))


@login_required
@require_GET
def patient_as_it_was(request: HttpRequest, key: str, code: str) -> HttpResponse:
    """A patient as the trail knew it at the end of a day, or at a time of it."""
    page, site_ids = _open(request, key)
    patients = page.study.patients.all() if site_ids is None else page.study.patients.filter(site_id__in=site_ids)
    patient = get_object_or_404(patients, code=code)
    form = _as_it_was_form(page, request)
    moment = form.moment() if form.is_valid() else None
    sections = patient_then(page.study, patient.pk, moment, _zone(page)) if moment else []
    _note(page, Kind.CASEBOOK, patient=patient, what="as it was")
    return _as_it_was(page, form, sections, f"Patient {code}")


@login_required
@require_GET
def decision_as_it_was(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """A decision with its recommendation and signatures as the trail knew them."""
    page, site_ids = _open(request, key)
    decision = get_object_or_404(Decision.objects.filter(study=page.study), recommendation__number=number)
    form = _as_it_was_form(page, request)
    moment = form.moment() if form.is_valid() else None
    text = audience_of(page.study, site_ids, []).reader.text
    sections = decision_then(page.study, decision, moment, _zone(page), text) if moment else []
    return _as_it_was(page, form, sections, f"Decision {number}")


@login_required
@require_GET
def export(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """What the page shows, whole, as a file."""
    page, site_ids = _open(request, key)
    form = HistoryFilter(request.GET, study=page.study, site_ids=site_ids, zone=_zone(page))
    if kind not in CONTENT or not form.is_valid():
        raise Http404("There is no such history.")
    rows = history_export.rows_of(page.study, form.entries(), _zone(page), site_ids)
    try:
        content = _as_file(kind, rows, page, form.in_words())
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect("reminders:history", key=key)
    _note(page, Kind.EXPORT, what=f"history as {kind.upper()}")
    answer = HttpResponse(content, content_type=CONTENT[kind])
    answer["Content-Disposition"] = f'attachment; filename="history-{page.study.key}.{kind}"'
    return answer


@login_required
def review(request: HttpRequest, key: str) -> HttpResponse:
    """The trail is reviewed up to its newest entry, and that is signed."""
    page, _ = _open(request, key)
    page.require(Permission.VIEW_HISTORY)
    roles, newest = sorted(page.roles), Entry.objects.of_study(page.study.pk).order_by("-position").first()
    if newest is None:
        raise Http404("Nothing is recorded in this study.")
    shown = {"position": newest.position, "hash": newest.hash}
    form = ReviewForm(request.POST or None, signer=page.user, roles=roles, initial=shown)
    if request.method == "POST" and form.is_valid():
        asked: dict[str, Any] = {**form.secrets(), **{n: form.cleaned_data[n] for n in ("position", "hash", "role")}}
        try:
            review_trail(study=page.study, by=page.user, at=clock.now(), **asked)
        except Refused as refused:
            refuse_into(form, refused)
        else:
            messages.success(request, "Your review is signed.")
            return redirect("reminders:history-review", key=key)
    reviews = reviews_of(page.study)
    first = reviews[0].position + 1 if reviews else 1
    verdicts = verify_stored(r.signature for r in reviews)
    context = {
        "form": form,
        "first": first,
        "position": newest.position,
        "statement": statement_on(first, newest.position),
        "reviews": [signature_shown(r.signature, verdicts[r.signature.pk], _zone(page)) for r in reviews],
    }
    return render(request, "reminders/history/review.html", page.context("History", **context))


def _open(request: HttpRequest, key: str) -> tuple[StudyPage, frozenset[int] | None]:
    """The study, and the sites whose patients' history may be read (None: all). Forbidden where there is none."""
    page = open_study(request, key, draft_too=True)
    sites = [m.site for m in page.held if page.may(Permission.VIEW_HISTORY, m.site)]
    if not sites:
        raise Forbidden(f"Your roles in {page.study.key} do not allow you to {Permission.VIEW_HISTORY.value}.")
    return page, None if None in sites else frozenset(site.pk for site in sites if site is not None)


def _as_file(kind: str, rows: Any, page: StudyPage, narrowed: str) -> bytes:
    if kind == "csv":
        return history_export.as_csv(rows)
    if kind == "json":
        return history_export.as_json(rows, page.study, _zone(page), narrowed)
    return history_export.as_pdf(rows, page.study, _zone(page), narrowed, clock.now())


def _as_it_was_form(page: StudyPage, request: HttpRequest) -> AsItWasForm:
    today = {"on": clock.now().astimezone(ZoneInfo(_zone(page))).date()}
    return AsItWasForm(request.GET if "on" in request.GET else {**today, "time": ""}, zone=_zone(page))


def _as_it_was(page: StudyPage, form: AsItWasForm, sections: list[Section], title: str) -> HttpResponse:
    context = {"form": form, "sections": sections, "title": title, "zone": _zone(page)}
    return render(page.request, "reminders/history/as_it_was.html", page.context("History", **context))


def _note(page: StudyPage, kind: Kind, *, patient: Patient | None = None, what: str = "") -> None:
    patient_id = patient.pk if patient else None
    note_access(
        kind=kind, study_id=page.study.pk, patient_id=patient_id, what=what, by=page.user, at=dt.datetime.now(dt.UTC)
    )


def _zone(page: StudyPage) -> str:
    return zone_of(page.held, page.study)
