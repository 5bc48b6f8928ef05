"""A trial driven step by step: its people, its clock, and an attempt at an operation with all that must hold."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from accounts.models import User
from dosing.errors import DataChanged
from dosing.operations import go_live
from dosing.queries.replay import replay
from tests.cast import DAY_ONE, person
from tests.dosing.steps import as_if_committed
from tests.properties import changes, rules, tables
from tests.properties.chain import Chain, newest_hashes
from trials.errors import Forbidden, Refused
from trials.models import Role, Study
from trials.operations import add_site, adopt_protocol, grant_role
from trials.protocol_checks import read_study_file

# Of the study as a whole, and at a site.
STUDY_ROLES = (
    Role.PRINCIPAL_INVESTIGATOR,
    Role.MEDICAL_MONITOR,
    Role.STATISTICIAN,
    Role.DATA_MANAGER,
    Role.MONITOR,
)
SITE_ROLES = (Role.COORDINATOR, Role.INVESTIGATOR)
ENTER = frozenset({Role.COORDINATOR, Role.INVESTIGATOR, Role.PRINCIPAL_INVESTIGATOR})
JUDGE = ENTER | {Role.MEDICAL_MONITOR}
DECIDE = frozenset({Role.PRINCIPAL_INVESTIGATOR, Role.MEDICAL_MONITOR, Role.STATISTICIAN})
ISSUE = DECIDE | ENTER
SUSPEND = frozenset({Role.PRINCIPAL_INVESTIGATOR, Role.MEDICAL_MONITOR})
FIRST_MOMENT = dt.datetime.combine(DAY_ONE, dt.time(15), tzinfo=dt.UTC)
HOURS = (15, 15, 15, 2, 23)  # in UTC: at two of them the sites have different days


@dataclass(frozen=True)
class Actor:
    user: User
    role: Role | None
    site: int | None = None


@dataclass
class Cast:
    """A study that has just gone live, with its people. Made once; every trial starts from it and is rolled back."""

    study: Study
    people: list[Actor]

    @classmethod
    def of(cls, path: Path) -> Cast:
        by, at = User.objects.system(), dt.datetime.combine(DAY_ONE, dt.time(9), tzinfo=dt.UTC)
        definition, _protocol = read_study_file(path.read_text())
        study = adopt_protocol(definition=definition, rehearsal_day=DAY_ONE, by=by, at=at).study
        key = study.key.lower()
        people = [Actor(person(f"{key}-outsider", "Otto Fremd"), None)]
        for code, zone in (("A", "America/Anchorage"), ("B", "Europe/Stockholm")):
            site = add_site(study=study, code=code, name=f"Site {code}", time_zone=zone, by=by, at=at)
            for role in SITE_ROLES:
                user = person(f"{key}-{role.value}-{code}".lower(), f"{role.label} {code}")
                grant_role(study=study, person=user, role=role, site=site, by=by, at=at)
                people.append(Actor(user, role, site.pk))
        for role in STUDY_ROLES:
            user = person(f"{key}-{role.value}", role.label)
            grant_role(study=study, person=user, role=role, by=by, at=at)
            people.append(Actor(user, role))
        go_live(study=study, by=by, at=at)
        as_if_committed()
        return cls(Study.objects.get(pk=study.pk), people)


@dataclass
class Trial:
    """Where a trial stands. `now`: its rows; `did`: what was done and what was refused, for the report of a failure."""

    cast: Cast
    at: dt.datetime = FIRST_MOMENT
    story: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.looked = 0
        self.chain = Chain(self.cast.study.pk)
        self.chain.grown()
        self.now = tables.read(self.cast.study.pk, self.at)
        self.counted = rules.hold(self.now)

    @property
    def study(self) -> Study:
        return Study.objects.get(pk=self.cast.study.pk)

    @property
    def file(self) -> dict[str, Any]:
        return self.now.file

    def today(self, patient: tables.Row) -> dt.date:
        return self.now.today(patient, self.at)

    def by(self, r: Random, roles: frozenset[Role], site: int | None, wild: bool) -> Actor:
        """Somebody who may; where it goes wild, anybody."""
        right = [p for p in self.cast.people if self.may(p, roles, site)]
        return r.choice(self.cast.people if wild and r.random() < 0.4 else right)

    def may(self, actor: Actor, roles: frozenset[Role], site: int | None) -> bool:
        return actor.role in roles and (actor.site is None or site is None or actor.site == site)

    def attempt(
        self, what: str, do: Callable[..., Any], actor: Actor, roles: frozenset[Role], site: int | None, /, **given: Any
    ) -> bool:
        """Do it, or be refused with nothing changed; whatever else is raised is a fault. Whether it was done."""
        before = newest_hashes(self.cast.study.pk)
        told = ", ".join(f"{k}={v}" for k, v in given.items())
        line = f"{self.at:%Y-%m-%d %H} {actor.role or 'outsider'}: {what}({told})"
        self.story.append(line)
        try:
            do(**given, by=actor.user, at=self.at)
        except DataChanged:
            self._answer(what, "data-changed")
            as_if_committed()
            self.look()
            return False
        except (Refused, Forbidden) as refused:
            code = getattr(refused, "code", "forbidden")
            self._answer(what, code)
            self._nothing_was_written(before)
            if code == "forbidden" and self.may(actor, roles, site):
                raise AssertionError(f"{actor.role} may {what}") from refused
            return False
        as_if_committed()
        self._answer(what, "done")
        assert self.may(actor, roles, site), f"{actor.role} may not {what}"
        self.look()
        return True

    def _nothing_was_written(self, before: tuple[str | None, ...]) -> None:
        assert newest_hashes(self.cast.study.pk) == before, f"{self.story[-1]}, and something was written"

    def _answer(self, what: str, code: str) -> None:
        self.answers[f"{what}: {code}"] += 1
        self.story[-1] += f" -> {code}"

    def look(self) -> None:
        """Everything that must hold, after what was just done."""
        changed = self.chain.grown()
        before = self.now
        before.at = self.at
        self.now = tables.read(self.cast.study.pk, self.at, changed, before)
        changes.hold(before, self.now)
        self._rules_hold()

    def _rules_hold(self) -> None:
        self.looked += 1
        self.counted = rules.hold(self.now, self.counted, count_anyway=self.looked % 4 == 0)

    def wait(self, days: int, hour: int) -> None:
        """Time goes on."""
        later = dt.datetime.combine(self.at.date() + dt.timedelta(days=days), dt.time(hour), tzinfo=dt.UTC)
        self.at = max(self.at, later)
        self.story.append(f"{self.at:%Y-%m-%d %H} it is")
        self.now.at = self.at
        self._rules_hold()

    def end(self) -> None:
        """What is looked at once: every recommendation is found again, and nothing was left out on the way."""
        assert replay(self.study) == []
        rules.hold(self.now)
        fresh = tables.read(self.cast.study.pk, self.at)
        assert fresh.rows == self.now.rows, "a table changed without an entry"
