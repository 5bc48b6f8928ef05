"""Ends sessions that have lasted long enough."""

from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import session_limits

# Sent by static/js/session.js with what a page asks by itself while nobody touches it.
NOBODY_THERE = "X-Nobody-There"


class SessionLimitsMiddleware:
    """Signs out whoever has been away too long or signed in too long; notes that somebody is there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = timezone.now()
            if session_limits.has_ended(request, now):
                logout(request)
            elif NOBODY_THERE not in request.headers:
                session_limits.note_presence(request, now)
        return self.get_response(request)
