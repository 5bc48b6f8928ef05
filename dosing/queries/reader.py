"""What somebody at one site reads of the whole study: every count, and no other site's patients."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from accounts.models import User
from dosing.queries.changes import Change
from dosing.queries.stage import Wait
from trials.models import Membership, Role, Study
from trials.permissions import TABLE, Permission, memberships

HIDDEN = "•••"


@dataclass(frozen=True)
class Reader:
    """hidden_sites: codes of the sites at which the person has no role; their patients' codes begin with them."""

    hidden_sites: frozenset[str] = frozenset()

    @cached_property
    def _codes(self) -> re.Pattern[str]:
        return re.compile(rf"\b({'|'.join(map(re.escape, sorted(self.hidden_sites)))})-\d+\b")

    def sees(self, code: str) -> bool:
        """Whether the patient with this code may be named."""
        return code.rpartition("-")[0] not in self.hidden_sites

    def text(self, text: str) -> str:
        """A text with the hidden patients' numbers left out: 'B-•••'."""
        return self._codes.sub(rf"\1-{HIDDEN}", text) if self.hidden_sites else text

    def waits(self, waits: Iterable[Wait]) -> tuple[Wait, ...]:
        return tuple(w if self._may_read(w) else replace(w, who=self.text(w.who), what="its data") for w in waits)

    def changes(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        return tuple(replace(c, patient=self.text(c.patient)) for c in changes)

    def _may_read(self, wait: Wait) -> bool:
        return wait.standing is None or self.sees(wait.standing.patient.code)


def reader_with(held: list[Membership], study: Study) -> Reader:
    """The reader with these memberships; asks for the study's sites only where some are hidden."""
    seeing = [m for m in held if Permission.VIEW_PATIENTS in TABLE[Role(m.role)]]
    if any(m.site_id is None for m in seeing):
        return Reader()
    visible = {m.site_id for m in seeing}
    return Reader(frozenset(site.code for site in study.sites.all() if site.pk not in visible))


def reader_of(user: User, study: Study) -> Reader:
    """The reader that a person is; Rung itself reads everything."""
    return Reader() if user.username == User.SYSTEM else reader_with(memberships(user, study), study)
