"""A step of the operational qualification: what is expected, and what was observed when it was looked at.

Each step runs in a transaction of its own that is undone, whatever comes of it: nothing of a qualification remains.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction


class Deviation(Exception):
    """What was observed instead of what is expected. The message is a sentence."""


@dataclass(frozen=True)
class Installation:
    """What is qualified. web: the address of its web server; mail_to: who gets the test message; empty for nobody."""

    web: str
    mail_to: str = ""


@dataclass(frozen=True)
class Step:
    """`look` gives what was observed, or raises Deviation. undone=False: it only reads, in a transaction of its own."""

    title: str
    shows: str  # the requirements, by their ids in docs/validation/requirements.yaml
    expected: str
    look: Callable[[Installation], str]
    undone: bool = True


@dataclass(frozen=True)
class Chapter:
    title: str
    steps: list[Step]


@dataclass(frozen=True)
class Outcome:
    step: Step
    observed: str
    passed: bool
    at: dt.datetime


def carry_out(step: Step, installation: Installation, at: dt.datetime) -> Outcome:
    """Look, and undo. A fault of the step itself is a deviation too, and says so."""
    try:
        observed = _look_and_undo(step, installation) if step.undone else step.look(installation)
    except Deviation as deviation:
        return Outcome(step, str(deviation), False, at)
    except Exception as fault:  # whatever it is, the step has not shown what it is for
        return Outcome(step, f"The step could not be carried out: {type(fault).__name__}: {fault}".strip(), False, at)
    return Outcome(step, observed, True, at)


def _look_and_undo(step: Step, installation: Installation) -> str:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '10s'")
        observed = step.look(installation)
        transaction.set_rollback(True)
    return observed
