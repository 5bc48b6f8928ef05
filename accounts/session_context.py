"""What every page knows about its session's end."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts import session_limits


def session_end(request: HttpRequest) -> dict[str, Any]:
    """session_seconds: in how many seconds the session ends, if nobody does anything more. Empty for who is not in."""
    if not hasattr(request, "user") or not request.user.is_authenticated:
        return {}
    now = timezone.now()
    return {"session_seconds": max(0, round((session_limits.ends_at(request, now) - now).total_seconds()))}
