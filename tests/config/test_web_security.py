"""What stands between Rung and the network: limits, addresses behind a proxy, uploads, keys that are changed."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.conf import settings as in_force
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from accounts.models import User
from config import rate_limits
from config.client_address import ClientAddressMiddleware
from config.uploads import LARGEST
from tests.cast import ApiClient, person
from trials.models import Study

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(rung: User) -> User:
    return person("dana", "Dana Petrov")


# --- limits ---


@pytest.fixture
def two_a_minute(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RATE_LIMITS = {"sign_in": 2, "api": 2, "feed": 2}
    monkeypatch.setattr(rate_limits.time, "time", lambda: 1_000_040.0)  # within one window of a minute
    cache.clear()


@pytest.mark.parametrize(
    ("method", "path"),
    [("post", "/sign-in/"), ("post", "/api/v1/token/"), ("get", "/api/v1/studies/"), ("get", "/calendar/none.ics")],
)
@pytest.mark.req("P11-300", "EMA-A4.1")
def test_the_third_request_of_a_minute_waits(two_a_minute: None, method: str, path: str) -> None:
    statuses = [getattr(Client(), method)(path).status_code for _ in range(3)]
    assert 429 not in statuses[:2]
    assert statuses[2] == 429


def test_it_says_when_to_come_again_and_does_not_count_others(two_a_minute: None) -> None:
    for _ in range(3):
        answer = Client().post("/sign-in/")
    assert answer["Retry-After"] == "40"
    assert "Too many requests" in answer.content.decode()
    assert Client(REMOTE_ADDR="192.0.2.7").post("/sign-in/").status_code != 429
    assert Client().get("/sign-in/").status_code == 200  # looking at the page is no attempt


def test_the_api_answers_with_a_code_and_a_made_up_token_is_no_way_round(two_a_minute: None) -> None:
    for number in range(3):
        answer = Client(HTTP_AUTHORIZATION=f"Bearer made-up-{number}").get("/api/v1/studies/")
    assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")


def test_a_new_minute_counts_anew(two_a_minute: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        Client().post("/sign-in/")
    monkeypatch.setattr(rate_limits.time, "time", lambda: 1_000_080.0)
    assert Client().post("/sign-in/").status_code != 429


def test_without_redis_people_go_on_working(two_a_minute: None, settings: Settings) -> None:
    backend = in_force.CACHES["default"]["BACKEND"]
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1/0"}}
    assert [Client().post("/sign-in/").status_code for _ in range(3)] == [200, 200, 200]


# --- behind a proxy ---


def seen_address(settings: Settings, behind: bool, header: str) -> str:
    settings.BEHIND_PROXY = behind
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=header, REMOTE_ADDR="10.0.0.1")
    ClientAddressMiddleware(lambda request: None)(request)  # type: ignore[arg-type, return-value]
    return str(request.META["REMOTE_ADDR"])


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(settings: Settings) -> None:
    assert seen_address(settings, True, "203.0.113.9, 198.51.100.4") == "198.51.100.4"
    assert seen_address(settings, True, "") == "10.0.0.1"


def test_without_a_proxy_nobody_names_an_address_of_their_own(settings: Settings) -> None:
    assert seen_address(settings, False, "203.0.113.9") == "10.0.0.1"


# --- uploads ---


def upload(user: User, way: str, name: str, content: bytes) -> tuple[int, str]:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    answer = client.post(f"/start-a-study/{way}/", {"file": SimpleUploadedFile(name, content)})
    return answer.status_code, answer.content.decode()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("study.yaml", "key: A")
    return out.getvalue()


LAUGHS = b"a: &a [x,x,x,x,x,x,x,x]\n" + b"".join(
    f"{n}: &{n} [{','.join([f'*{p}'] * 8)}]\n".encode() for p, n in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("way", ["file", "record"])
@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        zipped(),
        b"\x7fELF\x02\x01\x01\x00",
        b"<html><script>alert(1)</script></html>",
        b"!!python/object/apply:os.system ['true']",
        b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        LAUGHS,
        b"key: a\x00b",
    ],
    ids=["pdf", "zip", "program", "html", "python", "deep", "laughs", "null"],
)
@pytest.mark.req("EMA-A4.1")
def test_what_is_no_study_file_is_refused_by_its_content_whatever_it_is_called(
    dana: User, way: str, content: bytes
) -> None:
    status, page = upload(dana, way, "study.yaml" if way == "file" else "record.json", content)
    assert status in (200, 400, 409, 422), status
    assert "<script>alert(1)</script>" not in page
    assert not Study.objects.exists()


def test_what_is_too_large_is_cut_off_while_it_arrives(dana: User) -> None:
    status, _ = upload(dana, "file", "study.yaml", b"#" * (LARGEST + 1))
    assert status in (400, 413)


# --- keys that are changed ---


def test_a_new_key_signs_nobody_out_while_the_old_one_is_still_taken(dana: User, settings: Settings) -> None:
    client = Client()
    client.force_login(dana)
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key " * 6, [old]
    assert client.get("/studies/").status_code == 200


def test_without_the_old_key_what_it_signed_is_worth_nothing(dana: User, settings: Settings) -> None:
    client = Client()
    client.force_login(dana)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key " * 6, []
    assert client.get("/studies/").status_code == 302


# --- headers beyond the ones that every address is asked for (tests/authority) ---


def test_files_that_are_the_same_for_everybody_are_kept(client: Client) -> None:
    assert "no-store" not in client.get("/static/css/rung.css").get("Cache-Control", "")


def test_a_csp_without_anything_inline(client: Client) -> None:
    policy = client.get("/sign-in/")["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert directives["object-src"] == directives["frame-ancestors"] == "'none'"


def test_an_api_clients_answers_are_not_kept(edc_a: ApiClient, study: Study) -> None:
    assert edc_a.get(f"studies/{study.key}/patients/")["Cache-Control"] == "no-store, private"
