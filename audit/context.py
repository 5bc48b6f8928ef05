"""Who acts, and why: told to the database inside the transaction, where the audit trigger reads it.

The settings are local to the transaction (`set_config(..., true)`), so that a pooled connection never
carries one person's name into another person's request.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

from django.db import connection, transaction

P = ParamSpec("P")
R = TypeVar("R")


class Actor(Protocol):
    """Anybody who can be named in the audit trail: `accounts.User` is one."""

    pk: Any
    username: str


@dataclass(frozen=True)
class Origin:
    """Where a change came from: the request's id and the client's address."""

    request_id: str = ""
    client_address: str = ""


@dataclass(frozen=True)
class Acting:
    """The actor and reason in force in the present transaction."""

    actor_id: str
    actor_name: str
    reason: str


NOWHERE = Origin()
origin: ContextVar[Origin] = ContextVar("audit_origin", default=NOWHERE)
# The names of all operations, as they stand in the trail where nobody has given a reason.
VERBS: set[str] = set()
_acting: ContextVar[Acting | None] = ContextVar("audit_acting", default=None)
_afterwards: ContextVar[list[Callable[[], None]] | None] = ContextVar("audit_afterwards", default=None)

_SET = (
    "SELECT set_config('rung.actor_id', %s, true), set_config('rung.actor_name', %s, true),"
    " set_config('rung.reason', %s, true), set_config('rung.request_id', %s, true),"
    " set_config('rung.client_address', %s, true)"
)


@contextlib.contextmanager
def acting(by: Actor, reason: str) -> Iterator[None]:
    """Run a block in one transaction as `by`, for `reason`.

    Nested blocks are part of the outer transaction; when one ends the outer actor and reason are back in force.
    """
    outer = _acting.get()
    mine = Acting(actor_id=str(by.pk), actor_name=by.username, reason=reason)
    with _outermost(outer is None), transaction.atomic():
        _tell(mine)
        token = _acting.set(mine)
        try:
            yield
        finally:
            _acting.reset(token)
        if connection.in_atomic_block and len(connection.savepoint_ids) > 0:
            _tell(outer)


def afterwards(do: Callable[[], None]) -> None:
    """Run `do` when the outermost operation has ended, refused or not; at once where none is running.

    For what has to be kept although a refusal undoes everything else, such as that a wrong password was given.
    """
    waiting = _afterwards.get()
    if waiting is None:
        do()
    else:
        waiting.append(do)


@contextlib.contextmanager
def _outermost(is_outermost: bool) -> Iterator[None]:
    if not is_outermost:
        yield
        return
    waiting: list[Callable[[], None]] = []
    token = _afterwards.set(waiting)
    try:
        yield
    finally:
        _afterwards.reset(token)
        for do in waiting:
            do()


def _tell(who: Acting | None) -> None:
    where = origin.get()
    values = (who.actor_id, who.actor_name, who.reason) if who else ("", "", "")
    with connection.cursor() as cursor:
        cursor.execute(_SET, [*values, where.request_id, where.client_address])


def operation(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function a write operation: one transaction, with the actor and reason told to the audit trigger.

    The function takes keyword-only arguments, `by=` (the acting user) among them. Its `reason=` argument is the
    audit reason where a person gave one; otherwise the operation's own name is ("record adverse event").
    An operation called by another one keeps the outer reason unless it has been given its own.
    """
    verb = function.__name__.replace("_", " ")
    VERBS.add(verb)

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        by: Any = kwargs["by"]
        given = str(kwargs.get("reason") or "").strip()
        outer = _acting.get()
        reason = given or (outer.reason if outer else verb)
        with acting(by, reason):
            return function(*args, **kwargs)

    return run
