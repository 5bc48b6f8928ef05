"""Pages of a study that runs, asked for while it is being set up."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from trials.access import BeingSetUp
from trials.permissions import Permission


class BeingSetUpMiddleware:
    """Answers BeingSetUp with a page that says so and leads to the set-up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, BeingSetUp):
            return None
        page = exception.page
        context = page.context(may_manage=page.may(Permission.MANAGE_STUDY))
        status = 200 if request.method in ("GET", "HEAD") else 409
        return render(request, "trials/being_set_up.html", context, status=status)
