"""What every answer says about itself: nobody keeps it, nobody frames it, and the browser lends it no device."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

METHODS_OF_PAGES = ["GET", "HEAD", "POST", "OPTIONS"]  # the API says itself what each of its operations takes
NOTHING_OF_THE_DEVICE = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"


class PrivatePagesMiddleware:
    """No browser and no proxy keeps a page: the next person at the computer in the clinic cannot go back to it.

    Files that are the same for everybody (css, js) are answered before this, and are kept.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in METHODS_OF_PAGES or request.path.startswith("/api/"):
            response = self.get_response(request)
        else:
            response = HttpResponseNotAllowed(METHODS_OF_PAGES)
        response["Cache-Control"] = "no-store, private"
        response.headers.setdefault("Permissions-Policy", NOTHING_OF_THE_DEVICE)
        return response
