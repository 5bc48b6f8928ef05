"""What every part of the API shares: pages of results, and refusals told the way the pages tell them."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler

from trials.errors import Refused


class ByCursor(CursorPagination):
    """Pages that stay stable while rows are added: oldest first, `?cursor=` leads on."""

    ordering = "id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


def refusal_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """A refusal becomes 409 with {"code", "detail"} and, where one field is the reason, "field".

    Anything else is DRF's to answer; None lets it be loud.
    """
    if isinstance(exception, Refused):
        answer = {"code": exception.code, "detail": exception.sentence}
        if exception.field:
            answer["field"] = exception.field
        return Response(answer, status=409)
    return exception_handler(exception, context)


class ClientCredentials(OpenApiAuthenticationExtension):
    """How the API's document describes signing in."""

    target_class = "accounts.authentication.ClientAuthentication"
    name = "clientCredentials"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:
        flow = {"tokenUrl": reverse("api-token"), "scopes": settings.OAUTH2_PROVIDER["SCOPES"]}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}
