"""One log line a request."""

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from audit.context import origin

log = structlog.get_logger("rung.request")


class RequestLogMiddleware:
    """Says which route, who, how long. The route and not the path, which a typed search could be in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=origin.get().request_id):
            response = self.get_response(request)
            match = request.resolver_match
            log.info(
                "request",
                method=request.method,
                route=match.route if match else None,
                status=response.status_code,
                user_id=request.user.pk if hasattr(request, "user") else None,
                milliseconds=round((time.monotonic() - began) * 1000),
            )
        return response
