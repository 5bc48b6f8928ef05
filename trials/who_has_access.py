"""Who has access to what, on one page: person, study, site, role, since when, last sign-in; and its signed reviews.

A review is kept as its signature: the lines as they were shown are what is signed, and stay readable in it for good.
"""

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from accounts.canonical import sha256_of
from accounts.models import Signature, User
from trials.models import Membership, Role

RECORD_KIND = "trials.access-review"
ROLE = "administrator"
STATEMENT = "I have reviewed who has access to what, as it is listed here; what should not be has been ended."
REVIEWED_EVERY = dt.timedelta(days=90)


@dataclass(frozen=True)
class Access:
    """One line: a role that somebody holds. Empty study: for all of Rung; empty site: for all of the study."""

    person: User
    study: str
    site: str
    role: str
    since: dt.datetime

    def as_record(self) -> dict[str, str]:
        last = self.person.last_login
        return {
            "person": self.person.full_name,
            "user_name": self.person.username,
            "study": self.study,
            "site": self.site,
            "role": self.role,
            "since": self.since.date().isoformat(),
            "last_sign_in": last.date().isoformat() if last else "",
        }


def who_has_access() -> list[Access]:
    """Every role in force and every administrator, by name; people of rehearsals who are nobody are left out."""
    held = Membership.objects.in_force().exclude(user__username__startswith=User.INVENTED)
    lines = [
        Access(m.user, m.study.key, m.site.code if m.site else "", Role(m.role).label, m.granted_at)
        for m in held.select_related("user", "study", "site")
    ]
    administrators = User.objects.filter(is_administrator=True, is_active=True)
    lines += [Access(person, "", "", "Administrator", person.created_at) for person in administrators]
    return sorted(lines, key=_place)


def _place(line: Access) -> tuple[str, ...]:
    return line.person.full_name, line.person.username, line.study, line.site, line.role


def seen_digest(lines: list[Access]) -> str:
    """Of the roles that were shown. That somebody has signed in meanwhile changes no access."""
    return sha256_of([line.as_record() | {"last_sign_in": ""} for line in lines])


def review_record(lines: list[Access], remarks: str = "") -> dict[str, Any]:
    """What a review signs: the lines as they were shown, and what the reviewer remarks."""
    return {"lines": [line.as_record() for line in lines], "remarks": remarks}


def reviews() -> list[Signature]:
    """Those that were signed, the newest first."""
    return list(Signature.objects.filter(record_kind=RECORD_KIND).order_by("-signed_at"))


def next_review_due(newest: Signature | None) -> dt.datetime | None:
    """When the next review is due; None: now, since there was none."""
    return newest.signed_at + REVIEWED_EVERY if newest else None


def reviewed_records(keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """For verification: a review is of its day, and its record is what it was."""
    found = Signature.objects.filter(record_kind=RECORD_KIND, record_key__in=keys)
    return {signature.record_key: json.loads(signature.record_json) for signature in found}
