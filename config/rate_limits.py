"""How often one address may ask: what people or a well-made client never reach, and a guesser does.

Counted in Redis, in windows of a minute, before anything else is done. Whether somebody is locked out after wrong
passwords is the database's (accounts.operations.attempts). When Redis cannot be asked, requests go on, and the log
says so.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from redis.exceptions import RedisError

WINDOW = 60  # seconds
log = structlog.get_logger("rung.rate_limits")


@dataclass(frozen=True)
class Limit:
    """Requests to addresses that begin with `path`; how many in a minute stands in RATE_LIMITS[`setting`]."""

    path: str
    methods: tuple[str, ...]
    setting: str


WRITES = ("POST",)
ALL = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# The first that fits counts. Sign-in also counts the code's page, which lies below it.
LIMITS = (
    Limit("/sign-in/", WRITES, "sign_in"),
    Limit("/invitation/", ALL, "sign_in"),
    Limit("/account/", WRITES, "sign_in"),
    Limit("/api/v1/token/", ALL, "sign_in"),
    Limit("/api/", ALL, "api"),
    Limit("/calendar/", ALL, "feed"),
)


class RateLimitMiddleware:
    """Answers 429 with Retry-After once a minute's requests are used up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = limit_of(request)
        if limit is None or not (most := settings.RATE_LIMITS.get(limit.setting)):
            return self.get_response(request)
        if counted(f"{limit.setting}:{_who(request)}") <= most:
            return self.get_response(request)
        log.warning("too many requests", limit=limit.setting, client_address=request.META.get("REMOTE_ADDR", ""))
        return _too_many(request)


def limit_of(request: HttpRequest) -> Limit | None:
    return next((one for one in LIMITS if request.path.startswith(one.path) and request.method in one.methods), None)


def counted(key: str) -> int:
    """How many requests of this kind there have been in this minute, this one included; 0 when Redis is away."""
    window = int(time.time()) // WINDOW
    name = f"rate:{key}:{window}"
    try:
        cache.add(name, 0, timeout=2 * WINDOW)
        return int(cache.incr(name))
    except (RedisError, ValueError) as error:
        log.error("requests are not counted", why=type(error).__name__)
        return 0


def _who(request: HttpRequest) -> str:
    """The address, as a digest. Not the token or name that is sent: whoever guesses makes up a new one each time."""
    return hashlib.sha256(request.META.get("REMOTE_ADDR", "").encode()).hexdigest()[:32]


def _too_many(request: HttpRequest) -> HttpResponse:
    sentence = "Too many requests in a minute. Wait a minute and go on."
    if request.path.startswith("/api/"):
        answer: HttpResponse = JsonResponse({"code": "too-many-requests", "detail": sentence}, status=429)
    else:
        answer = render(request, "429.html", {"sentence": sentence}, status=429)
    answer["Retry-After"] = str(WINDOW - int(time.time()) % WINDOW)
    return answer
