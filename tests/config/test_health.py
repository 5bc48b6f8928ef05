"""/healthz: asked by containers and load balancers, without signing in."""

import pytest
from django.core.cache import cache
from django.test import Client

pytestmark = pytest.mark.django_db


def test_all_is_well(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"database": True, "redis": True})


def test_a_silent_redis_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(key: str) -> None:
        raise ConnectionError

    monkeypatch.setattr(cache, "get", silent)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"database": True, "redis": False})


def test_it_is_not_sent_to_https(client: Client, settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
    assert client.get("/sign-in/").status_code == 301
