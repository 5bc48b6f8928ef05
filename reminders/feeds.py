"""A person's part of the calendar as iCalendar. It names patients by code and says nothing else about them."""

import datetime as dt

from django.conf import settings
from icalendar import Calendar as ICalendar
from icalendar import Event

from reminders.calendar import agenda, calendar_of, sites_seen
from reminders.items import Item, When
from reminders.models import Feed
from trials.models import Study
from trials.permissions import memberships

AHEAD = dt.timedelta(days=60)


def open_feed(token: str) -> Feed | None:
    """The feed of a private address; None when there is none, or its person has no role in the study any more."""
    feed = Feed.objects.select_related("study", "person").filter(token=token, person__is_active=True).first()
    return feed if feed and memberships(feed.person, feed.study) else None


def as_ical(feed: Feed, now: dt.datetime) -> bytes:
    """What the person has to do within the next weeks, each item an all-day event on its planned day.

    What is overdue stands on today, so that it is not lost in the past.
    """
    study = feed.study
    held = memberships(feed.person, study)
    mine = agenda(calendar_of(study, now, site_ids=sites_seen(held), horizon=AHEAD), held)
    calendar = ICalendar()
    calendar.add("prodid", "-//Rung//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"{study.key}{' (rehearsal)' if study.is_rehearsal else ''}")
    calendar.add("refresh-interval", dt.timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for item in mine.mine:
        calendar.add_component(_event(study, item, now))
    return calendar.to_ical()


def _event(study: Study, item: Item, now: dt.datetime) -> Event:
    overdue = item.when is When.OVERDUE
    day = max(item.on, item.today) if overdue else item.on
    words = f"{item.patient} {item.title}".strip()
    event = Event()
    event.add("uid", f"{item.key}@{study.key}.rung")
    event.add("dtstamp", now.astimezone(dt.UTC))
    event.add("dtstart", day)
    event.add("dtend", day + dt.timedelta(days=1))
    event.add("summary", f"Overdue: {words}" if overdue else words)
    event.add("url", f"{settings.PUBLIC_URL}{item.url(study.key)}")
    event.add("transp", "TRANSPARENT")
    event.add("categories", [item.kind.label])
    return event
