"""The whole qualification: every chapter, in order, with what came out."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import User
from audit.models import Entry
from config.oq import authority, engine, installation, surroundings, trail
from config.oq.invented import KEY, NAME
from config.oq.step import Chapter, Deviation, Installation, Outcome, Step, carry_out
from trials.models import Study


@dataclass(frozen=True)
class Qualified:
    """What came out. versions by the name of the program; by: who ran it."""

    by: str
    started: dt.datetime
    ended: dt.datetime
    versions: dict[str, str]
    chapters: list[tuple[str, list[Outcome]]]

    @property
    def deviations(self) -> list[Outcome]:
        return [outcome for _, outcomes in self.chapters for outcome in outcomes if not outcome.passed]


def chapters() -> list[Chapter]:
    remains = Step("What is left behind", "EMA-A2.9", "Nothing of the invented study and people.", left)
    return [
        installation.chapter(),
        trail.chapter(),
        *authority.chapters(),
        engine.chapter(),
        surroundings.chapter(),
        Chapter("Afterwards", [remains]),
    ]


def qualify(
    *, of: Installation, by: str, versions: dict[str, str], clock: Callable[[], dt.datetime],
    steps: list[Chapter] | None = None,
) -> Qualified:  # fmt: skip
    """Carry out every step, whatever came of the ones before."""
    started = clock()
    done = [
        (chapter.title, [carry_out(step, of, clock()) for step in chapter.steps])
        for chapter in (chapters() if steps is None else steps)
    ]
    return Qualified(by, started, clock(), versions, done)


def left(_: Installation) -> str:
    studies = Study.objects.filter(key__startswith=KEY).count()
    people = User.objects.filter(username__startswith=NAME).count()
    entries = Entry.objects.filter(table_name="accounts_user", new__username__startswith=NAME).count()
    if studies or people or entries:
        raise Deviation(f"{studies} studies, {people} people, {entries} audit entries.")
    return "Nothing."
