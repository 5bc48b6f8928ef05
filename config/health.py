"""Is this process able to serve: asked by container health checks and load balancers."""

from typing import Any

import structlog
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse

log = structlog.get_logger(__name__)


def healthz(request: HttpRequest) -> JsonResponse:
    """200 with {"database": true, "redis": true}, or 503 with false where one does not answer."""
    answers = {"database": _answers(_ask_database), "redis": _answers(_ask_redis)}
    return JsonResponse(answers, status=200 if all(answers.values()) else 503)


def _answers(ask: Any) -> bool:
    try:
        ask()
    except Exception as error:  # whatever it is, the answer to "are you well?" is no
        log.warning("health_check_failed", check=ask.__name__, error=type(error).__name__)
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_redis() -> None:
    cache.get("healthz")
