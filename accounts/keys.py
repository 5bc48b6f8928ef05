"""The keys that secrets of authenticator apps and recovery codes are encrypted with, made of DJANGO_SECRET_KEY."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from accounts.errors import Refusal


class KeyIsGone(Refusal):
    """A secret that none of this server's keys can read."""

    def __init__(self) -> None:
        super().__init__(
            "key-is-gone",
            "Your second factor was set up under a secret key that this server no longer has. Ask an administrator to"
            " reset it, then set it up again.",
            field="code",
        )


def encrypt(text: str) -> str:
    return _all().encrypt(text.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Also what an earlier key encrypted, as long as it stands in SECRET_KEY_FALLBACKS. Raises KeyIsGone."""
    try:
        return _all().decrypt(encrypted.encode()).decode()
    except InvalidToken as unread:
        raise KeyIsGone from unread


def renewed(encrypted: str) -> str:
    """The same secret under the present key; the same text where it is already. Raises KeyIsGone."""
    try:
        _present().decrypt(encrypted.encode())
    except InvalidToken:
        return encrypt(decrypt(encrypted))
    return encrypted


def _all() -> MultiFernet:
    return MultiFernet([_present(), *(_made_of(str(secret)) for secret in settings.SECRET_KEY_FALLBACKS)])


def _present() -> Fernet:
    return _made_of(settings.SECRET_KEY)


def _made_of(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"accounts.second-factor:" + secret.encode()).digest()))
