"""The API's addresses. Each app that has an api.py adds its own by `register(router)`."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from oauth2_provider.views import TokenView
from rest_framework.routers import SimpleRouter

# The document's generator finds its extensions by their having been imported; config.api holds one.
import_module("config.api")

APPS_WITH_AN_API = ("trials", "patients", "labs", "dosing", "reminders")

router = SimpleRouter()
for app in APPS_WITH_AN_API:
    if find_spec(f"{app}.api"):
        import_module(f"{app}.api").register(router)

urlpatterns = [
    path("token/", TokenView.as_view(), name="api-token"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("", include(router.urls)),
]
