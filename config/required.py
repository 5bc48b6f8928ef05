"""What an installation must say before it may start as `production`."""

from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured

REQUIRED = {
    "DJANGO_SECRET_KEY": "a long random text, kept secret, such as `openssl rand -base64 48` prints",
    "DATABASE_URL": "the application's role, such as postgresql://rung_app:PASSWORD@HOST:5432/rung",
    "REDIS_URL": "such as redis://:PASSWORD@HOST:6379/0",
    "ALLOWED_HOSTS": "the names people type to reach Rung, such as rung.example.org",
    "PUBLIC_URL": "the address that links in e-mails begin with, such as https://rung.example.org",
    "EMAIL_URL": "such as smtp+tls://USER:PASSWORD@HOST:587",
    "DEFAULT_FROM_EMAIL": "who reminders come from, such as Rung <rung@example.org>",
}
ENVIRONMENTS = ("local", "production")


def required_in_production(rung_env: str, environment: Mapping[str, str]) -> None:
    """Stop the start with one sentence that names what is missing and gives an example of it.

    Raises ImproperlyConfigured when `rung_env` is unknown, or is production and a required variable is empty, or the
    application is given the owner's password.
    """
    if rung_env not in ENVIRONMENTS:
        raise ImproperlyConfigured(f"RUNG_ENV is {rung_env!r}; set it to local or to production.")
    if rung_env != "production":
        return
    owner = environment.get("RUNG_DATABASE_ROLE") == "owner"
    needed = {**REQUIRED, **({"DATABASE_OWNER_URL": "the owner's role, for migrations only"} if owner else {})}
    missing = {name: hint for name, hint in needed.items() if not environment.get(name)}
    if missing:
        each = "; ".join(f"{name} ({hint})" for name, hint in missing.items())
        raise ImproperlyConfigured(f"RUNG_ENV is production, so set {each}. .env.example explains every setting.")
    if not owner and environment.get("DATABASE_OWNER_URL"):
        raise ImproperlyConfigured(
            "DATABASE_OWNER_URL is set, and this process does not act as the owner: whoever holds it can switch the"
            " audit trail off. Keep it in .env.owner, which is read where RUNG_DATABASE_ROLE is owner, nowhere else."
        )
