"""The few addresses that the frame itself names, so that components can be drawn without the pages."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, include, path


def nothing(request: HttpRequest, **names: str) -> HttpResponse:
    return HttpResponse()


def of_accounts() -> list[URLPattern]:
    names = ("sign-in", "sign-out", "still-here", "password", "people")
    return [path(f"{name}/", nothing, name=name) for name in names]


urlpatterns = [
    path("", include((of_accounts(), "accounts"))),
    path("second-factor/", nothing, name="mfa_index"),
    path("", include(([path("studies/<str:key>/move-day/", nothing, name="move-day")], "trials"))),
]
