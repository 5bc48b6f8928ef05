from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from reminders import feeds, operations
from reminders.calendar import PATIENTS_A_PAGE, Agenda, agenda, calendar_of, sites_seen
from reminders.models import Feed
from reminders.presenters import MessageRow, day_words, next_step, sections, short_row
from reminders.queries import reminders_shown_to, zone_of
from reminders.to_sign import to_sign
from trials import clock
from trials.access import StudyPage, open_study
from trials.errors import Refused
from trials.models import Study
from trials.permissions import Permission

ROWS_OF_A_WEEK = 6
SENT_A_PAGE = 30
SETTLE = {
    "cancel": (operations.cancel_reminder, "The message will not be sent."),
    "again": (operations.send_again, "The message is sent again within a minute or two."),
    "leave": (operations.leave_uncertain, "The message is left as it is."),
}


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The person's one study, or the list of them."""
    studies = list(Study.objects.visible_to(cast(User, request.user)).with_state())
    if len(studies) == 1:
        return redirect("reminders:today", key=studies[0].key)
    to_sign_count = len(to_sign(cast(User, request.user)))
    return render(request, "reminders/home.html", {"chosen": studies, "to_sign_count": to_sign_count})


@login_required
def studies(request: HttpRequest) -> HttpResponse:
    """The person's studies, also where there is only one; here another one is started."""
    chosen = Study.objects.visible_to(cast(User, request.user)).with_state()
    to_sign_count = len(to_sign(cast(User, request.user)))
    return render(request, "reminders/home.html", {"chosen": chosen, "to_sign_count": to_sign_count})


@login_required
def today(request: HttpRequest, key: str) -> HttpResponse:
    """What needs this person: overdue, today, this week; and what waits for others."""
    page = open_study(request, key)
    mine = _agenda(page)
    context = {
        "day": day_words(clock.day_of(page.now, _zone(page))),
        "sections": sections(page.study, mine),
        "agenda": mine,
        "next_step": next_step(mine),
        "to_sign_count": len(to_sign(page.user)),
        "doubtful": reminders_shown_to(page.user, page.study).unsettled().count(),
        "may_record": any(page.may(Permission.RECORD_CLINICAL, m.site) for m in page.held),
    }
    return render(request, "reminders/today.html", page.context("Today", **context))


@login_required
def this_week(request: HttpRequest, key: str) -> HttpResponse:
    """The same as a short list, for the Study page."""
    page = open_study(request, key)
    mine = _agenda(page)
    rows = [short_row(page.study, item) for item in mine.mine[:ROWS_OF_A_WEEK]]
    return render(request, "reminders/this_week.html", {"study": page.study, "rows": rows})


@login_required
def messages_page(request: HttpRequest, key: str) -> HttpResponse:
    """What is due to be sent, what became of the rest, and the person's calendar address."""
    page = open_study(request, key)
    shown = reminders_shown_to(page.user, page.study)
    zone = _zone(page)
    over = Paginator(shown.over().exclude(pk__in=shown.unsettled().values("pk")), SENT_A_PAGE)
    over_page = over.get_page(request.GET.get("page"))
    own_feed = Feed.objects.filter(study=page.study, person=page.user).first()
    context = {
        "doubtful": [MessageRow(r, zone, page.user) for r in shown.unsettled()[:SENT_A_PAGE]],
        "to_come": [MessageRow(r, zone, page.user) for r in shown.to_come().order_by("created_at")[:SENT_A_PAGE]],
        "over": [MessageRow(r, zone, page.user) for r in over_page],
        "over_page": over_page,
        "feed_url": request.build_absolute_uri(reverse("reminders:feed", args=[own_feed.token])) if own_feed else "",
    }
    return render(request, "reminders/messages.html", page.context("Messages", **context))


@login_required
@require_POST
def settle(request: HttpRequest, key: str, reminder_id: int, what: str) -> HttpResponse:
    """Cancel a message, send it again, or leave an uncertain one be."""
    page = open_study(request, key)
    if what not in SETTLE:
        raise Http404
    act, done = SETTLE[what]
    reminder = get_object_or_404(reminders_shown_to(page.user, page.study), pk=reminder_id)
    try:
        act(reminder=reminder, by=page.user, at=clock.now())
        messages.success(request, done)
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("reminders:messages", key=key)


@login_required
@require_POST
def calendar_address(request: HttpRequest, key: str) -> HttpResponse:
    """Make the person's calendar address, or a new one in place of the old."""
    page = open_study(request, key)
    if "renew" in request.POST:
        operations.renew_feed(study=page.study, by=page.user, at=page.now)
        messages.success(request, "You have a new calendar address. The old one leads nowhere from now on.")
    else:
        operations.feed_of(study=page.study, by=page.user, at=page.now)
    return redirect(f"{reverse('reminders:messages', args=[key])}#calendar")


@require_GET
@never_cache
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """A person's calendar, for a calendar program: the address itself is the key."""
    found = feeds.open_feed(token)
    if found is None:
        raise Http404("There is no such calendar.")
    calendar = feeds.as_ical(found, clock.now(found.study))
    answer = HttpResponse(calendar, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'inline; filename="{found.study.key}.ics"'
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def _agenda(page: StudyPage) -> Agenda:
    calendar = calendar_of(page.study, page.now, site_ids=sites_seen(page.held), limit=PATIENTS_A_PAGE)
    return agenda(calendar, page.held)


def _zone(page: StudyPage) -> str:
    return zone_of(page.held, page.study)
