"""Where a request comes from, when a reverse proxy stands before Rung."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ClientAddressMiddleware:
    """Behind a proxy, the address that the proxy saw: the last one it wrote into X-Forwarded-For.

    Earlier ones are the client's own words. Without BEHIND_PROXY the header is not looked at at all.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        said = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if settings.BEHIND_PROXY and said:
            request.META["REMOTE_ADDR"] = said
        return self.get_response(request)
