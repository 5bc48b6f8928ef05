"""Wrong passwords at signing are counted outside the transaction, which a refusal rolls back."""

import hashlib

from django.core.cache import cache

from accounts.models import User

ALLOWED = 5
FORGOTTEN_AFTER = 15 * 60


def too_many(user: User) -> bool:
    """Whether so many wrong passwords came within a quarter of an hour that none is looked at any more."""
    return int(cache.get(_key(user), 0)) >= ALLOWED


def count_wrong(user: User) -> None:
    cache.add(_key(user), 0, FORGOTTEN_AFTER)
    cache.incr(_key(user))


def forget(user: User) -> None:
    cache.delete(_key(user))


def _key(user: User) -> str:
    """A changed password begins a new count."""
    return f"wrong-passwords:{user.pk}:{hashlib.sha256(user.password.encode()).hexdigest()[:32]}"
