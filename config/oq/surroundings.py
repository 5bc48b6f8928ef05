"""What stands around it: the web server as people reach it, worker, Redis, clock, e-mail."""

import datetime as dt
import re
import secrets
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.db import connection

from config.celery import app
from config.oq.step import Chapter, Deviation, Installation, Step

SECONDS = 30  # the first page after a start takes its time
CLOCKS_APART = dt.timedelta(seconds=2)
HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STYLE = re.compile(r'<link[^>]+href="([^"]+\.css[^"]*)"')


def chapter() -> Chapter:
    return Chapter("Surroundings", [
        Step("The web server", "EMA-5.4", "Answers, and says that it reaches the database and Redis.", web_server),
        Step("A page without signing in", "P11-10d", "Leads to the sign-in page and shows nothing.", page),
        Step("The API without a token", "P11-10d, P11-10h", "401.", api),
        Step("Headers", "P11-30, EMA-A4.1",
             "Nothing inline may run, nobody may frame a page; over TLS, browsers are told to insist on it.", headers),
        Step("Static files", "EMA-A2.1", "The styles that a page names are there.", static_files),
        Step("Clocks", "EMA-5.5", "Those of this machine, the database and the web server are within two seconds.",
             clocks),
        Step("Redis", "EMA-A2.1", "Keeps a value and gives it back.", redis),
        Step("Worker", "EMA-A2.1", "At least one worker answers.", worker),
        Step("E-mail", "EMA-A2.1", "The mail server takes Rung's sign-in, and a message where an address is given.",
             e_mail),
    ])  # fmt: skip


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    text: str


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None


def ask(installation: Installation, path: str) -> Answer:
    """Ask the web server in the name of PUBLIC_URL's host, and follow nothing."""
    request = urllib.request.Request(urljoin(installation.web, path))  # noqa: S310 -- the operator's own address
    request.add_header("Host", urlsplit(settings.PUBLIC_URL).netloc)
    if urlsplit(settings.PUBLIC_URL).scheme == "https":
        request.add_header("X-Forwarded-Proto", "https")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=SECONDS) as answer:
            return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, "")
    except OSError as error:
        raise Deviation(f"{installation.web} does not answer: {error}") from error


def web_server(installation: Installation) -> str:
    answer = ask(installation, "/healthz")
    if answer.status != 200:
        raise Deviation(f"{installation.web}/healthz answers {answer.status}.")
    return f"{installation.web}: {answer.text}"


def page(installation: Installation) -> str:
    answer = ask(installation, "/")
    to = str(answer.headers.get("Location", ""))
    if answer.status != 302 or "/sign-in/" not in to:
        raise Deviation(f"It answers {answer.status} {to}".strip())
    return f"Sent to {to.partition('?')[0]}"


def api(installation: Installation) -> str:
    answer = ask(installation, "/api/v1/studies/")
    if answer.status != 401:
        raise Deviation(f"It answers {answer.status}.")
    return "401."


def headers(installation: Installation) -> str:
    found = ask(installation, "/sign-in/").headers
    wrong = [f"{name} is {found.get(name)}" for name, value in HEADERS.items() if found.get(name) != value]
    policy = str(found.get("Content-Security-Policy", ""))
    if "default-src 'self'" not in policy or "unsafe" in policy or "frame-ancestors 'none'" not in policy:
        wrong.append(f"Content-Security-Policy is {policy or 'missing'}")
    if settings.PRODUCTION and "max-age" not in str(found.get("Strict-Transport-Security", "")):
        wrong.append("Strict-Transport-Security is missing")
    if wrong:
        raise Deviation("; ".join(wrong))
    return f"Content-Security-Policy: {policy}"


def static_files(installation: Installation) -> str:
    named = STYLE.findall(ask(installation, "/sign-in/").text)
    if not named:
        raise Deviation("The sign-in page names no styles.")
    missing = [path for path in named if ask(installation, path).status != 200]
    if missing:
        raise Deviation(f"Not there: {', '.join(missing)}; run `manage.py collectstatic`.")
    return f"{', '.join(named)}"


def clocks(installation: Installation) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (database,) = cursor.fetchone()
    here = dt.datetime.now(dt.UTC)
    dated = ask(installation, "/healthz").headers.get("Date")
    web = parsedate_to_datetime(dated) if dated else here  # to the second
    apart = {
        "the database's": abs(database - here),
        "the web server's": max(abs(web - here) - dt.timedelta(seconds=1), dt.timedelta()),
    }
    if wrong := [name for name, distance in apart.items() if distance > CLOCKS_APART]:
        raise Deviation(
            f"{' and '.join(wrong)} differs: here {here:%H:%M:%S}, {database:%H:%M:%S}, {web:%H:%M:%S} UTC."
        )
    return f"{here:%H:%M:%S}, {database:%H:%M:%S} and {web:%H:%M:%S} UTC."


def redis(_: Installation) -> str:
    key, value = f"oq-{secrets.token_hex(8)}", secrets.token_hex(8)
    try:
        cache.set(key, value, timeout=SECONDS)
        if cache.get(key) != value:
            raise Deviation("It gave back something else.")
    finally:
        cache.delete(key)
    return "It did."


def worker(_: Installation) -> str:
    answers = app.control.ping(timeout=5)
    if not answers:
        raise Deviation("No worker answers.")
    return ", ".join(sorted(name for answer in answers for name in answer))


def e_mail(installation: Installation) -> str:
    server = mail.get_connection()
    server.open()
    server.close()
    if not installation.mail_to:
        return "It took the sign-in. No address was given (--mail-to), so no message was sent."
    text = "This message shows that Rung can send e-mail. Nothing is asked of you."
    mail.EmailMessage("Rung: qualification of the installation", text, to=[installation.mail_to]).send()
    return "It took the sign-in and a message; see that it arrived."
