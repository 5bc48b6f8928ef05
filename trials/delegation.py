"""The log of delegations: who may act in which role, where and when, who granted it, and what was checked of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from trials.clock import day_of
from trials.days import day_words
from trials.models import Membership, PersonCheck, ProtocolVersion, Study


@dataclass(frozen=True)
class Delegated:
    """One line of the log."""

    person: str
    username: str
    role: str
    where: str
    days: str
    granted: str
    state: str
    in_force: bool
    identity: str
    training: str
    membership_id: int


def delegations(study: Study, at: dt.datetime) -> list[Delegated]:
    """Every delegation that the study ever had, those in force first. Three queries, however many they are."""
    held = study.memberships.select_related("user", "site", "granted_by").order_by("granted_at", "pk")
    in_force = {m.pk: m for m in study.memberships.in_force().with_checks()}
    checks: dict[int, list[PersonCheck]] = {}
    for check in study.person_checks.select_related("version", "recorded_by"):
        checks.setdefault(check.user_id, []).append(check)
    lines = [_line(study, one, in_force.get(one.pk), checks.get(one.user_id, []), at) for one in held]
    return sorted(lines, key=lambda line: not line.in_force)


def _line(
    study: Study, one: Membership, now: Membership | None, checks: list[PersonCheck], at: dt.datetime
) -> Delegated:
    zone = one.site.time_zone if one.site else study.time_zone
    first = one.from_day or day_of(one.granted_at, zone)
    return Delegated(
        person=one.user.full_name,
        username=one.user.username,
        role=one.get_role_display(),
        where=f"site {one.site.code}" if one.site else "the whole study",
        days=f"{day_words(first)} to {day_words(one.to_day)}" if one.to_day else f"from {day_words(first)}",
        granted=f"{one.granted_by.full_name}, {day_words(day_of(one.granted_at, zone))}",
        state=_state(one, now, first, day_of(at, zone), zone),
        in_force=now is not None,
        identity="; ".join(_said(c) for c in checks if c.kind == PersonCheck.Kind.IDENTITY),
        training="; ".join(_said(c) for c in checks if c.kind == PersonCheck.Kind.TRAINING),
        membership_id=one.pk,
    )


def _said(check: PersonCheck) -> str:
    version = f"version {check.version.number}, " if check.version else ""
    return f"{version}{day_words(check.done_on)}: {check.how} ({check.recorded_by.full_name})"


def _state(one: Membership, now: Membership | None, first: dt.date, today: dt.date, zone: str) -> str:
    if now is not None:
        return f"may look only: {PersonCheck.Kind(now.lacks).label} lacking" if now.lacks else "in force"
    if one.ended_at is not None:
        return f"ended on {day_words(day_of(one.ended_at, zone))}"
    if not one.user.is_active:
        return "the account is closed"
    return "not begun" if first > today or one.to_day is None else f"ended after {day_words(one.to_day)}"


def checks_asked(study: Study) -> list[str]:
    """What the live protocol version asks to be recorded of a person, in words."""
    live = study.versions.filter(status=ProtocolVersion.Status.LIVE).first()
    if live is None:
        return []
    asked = live.protocol.delegation
    words = [(asked.identity_check, "an identity check"), (asked.training, f"training on version {live.number}")]
    return [said for needed, said in words if needed]
