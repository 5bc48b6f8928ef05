"""How long a session lasts: a quarter of an hour without anybody there, and twelve hours in all."""

import datetime as dt

from django.http import HttpRequest

IDLE = dt.timedelta(minutes=15)
LONGEST = dt.timedelta(hours=12)
NOTED_EVERY = dt.timedelta(minutes=1)

_BEGAN, _SEEN = "rung_began", "rung_seen"


def begin(request: HttpRequest, now: dt.datetime) -> None:
    """A session begins: somebody has signed in."""
    request.session[_BEGAN] = request.session[_SEEN] = now.timestamp()


def has_ended(request: HttpRequest, now: dt.datetime) -> bool:
    """Whether the session has lasted too long, or nobody was there for too long."""
    return ends_at(request, now) <= now


def ends_at(request: HttpRequest, now: dt.datetime) -> dt.datetime:
    """When the session ends if nobody does anything more."""
    return min(_moment(request, _BEGAN, now) + LONGEST, _moment(request, _SEEN, now) + IDLE)


def note_presence(request: HttpRequest, now: dt.datetime) -> None:
    """Somebody is there. Written at most once a minute, so that reading pages does not write to the database."""
    if now - _moment(request, _SEEN, now) >= NOTED_EVERY:
        request.session[_BEGAN] = _moment(request, _BEGAN, now).timestamp()
        request.session[_SEEN] = now.timestamp()


def _moment(request: HttpRequest, name: str, now: dt.datetime) -> dt.datetime:
    """Where a session has not noted it, the person's last sign-in stands for it."""
    noted = request.session.get(name)
    if noted is not None:
        return dt.datetime.fromtimestamp(noted, dt.UTC)
    last = request.user.last_login if request.user.is_authenticated else None
    return last or now
