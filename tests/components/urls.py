"""The few addresses that the frame itself names, so that components can be drawn without the pages."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def nothing(request: HttpRequest, **names: str) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path(
        "",
        include(([path("sign-in/", nothing, name="sign-in"), path("sign-out/", nothing, name="sign-out")], "accounts")),
    ),
    path("", include(([path("studies/<str:key>/move-day/", nothing, name="move-day")], "trials"))),
]
