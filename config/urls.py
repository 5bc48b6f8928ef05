"""Every address: each app chooses its own paths; the API lives under /api/v1/."""

from django.urls import include, path

from config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("api/v1/", include("config.api_urls")),
    path("", include("reminders.urls")),
    path("", include("labs.urls")),
    path("", include("dosing.urls")),
    path("", include("patients.urls")),
    path("", include("trials.urls")),
    path("", include("accounts.urls")),
    path("", include("accounts.factor_urls")),
]
