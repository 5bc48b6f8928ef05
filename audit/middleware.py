"""Gives every request an id and notes where it came from, for the audit trail."""

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audit.context import Origin, origin


class AuditContextMiddleware:
    """Sets the origin of all changes that a request makes; the actor is told by each operation."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        token = origin.set(Origin(request_id=request_id, client_address=request.META.get("REMOTE_ADDR", "")))
        try:
            response = self.get_response(request)
        finally:
            origin.reset(token)
        response["X-Request-ID"] = request_id
        return response
