"""The access log of a study: who signed in, took an export or looked at a patient."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import User
from audit.models import Access
from patients.models import Patient
from reminders.queries import zone_of
from trials.access import open_study
from trials.models import Study
from trials.permissions import Permission

ROWS_A_PAGE = 100


@dataclass(frozen=True)
class Row:
    time: str
    who: str
    what: str
    address: str


@login_required
def access_log(request: HttpRequest, key: str) -> HttpResponse:
    """For those who may read the history of the whole study: also the sign-ins of the people in it."""
    page = open_study(request, key, draft_too=True)
    page.require(Permission.VIEW_HISTORY)
    members = User.objects.filter(memberships__study=page.study).values("pk")
    of_study = Q(about_study_id=page.study.pk) | Q(about_study_id=None, person_id__in=members)
    kept = Paginator(Access.objects.filter(of_study).newest_first(), ROWS_A_PAGE).get_page(request.GET.get("page"))
    zone = zone_of(page.held, page.study)
    context = {"rows": rows_in_words(list(kept), page.study, zone), "kept": kept, "zone": zone}
    return render(request, "reminders/history/access.html", page.context("History", **context))


def rows_in_words(kept: list[Access], study: Study, zone: str) -> list[Row]:
    """Three queries, however many rows."""
    people = User.objects.in_bulk({row.person_id for row in kept if row.person_id})
    patients = dict(
        Patient.objects.filter(study=study, pk__in={row.about_patient_id for row in kept}).values_list("pk", "code")
    )
    return [_row(row, people, patients, ZoneInfo(zone)) for row in kept]


def _row(row: Access, people: dict[int, User], patients: dict[int, str], zone: ZoneInfo) -> Row:
    at = row.at.astimezone(zone)
    about = [row.get_kind_display(), patients.get(row.about_patient_id or 0, ""), row.what]
    who = people.get(row.person_id or 0)
    return Row(
        time=f"{at.day} {at:%b %Y, %H:%M:%S}",
        who=who.full_name if who else "nobody who is known",
        what=" · ".join(part for part in about if part),
        address=row.client_address,
    )
