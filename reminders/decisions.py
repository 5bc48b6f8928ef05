"""What the dose decisions of a study wait for, remembered for as long as the study's data stay the same.

Working it out takes all DLT data of the study. The audit trail has an entry for every change of them, so its newest
hash says whether anything changed: the same hash on the same days gives the same answer.
"""

import contextlib
import datetime as dt
import hashlib
from dataclasses import dataclass

import redis
from django.core.cache import cache

from accounts.models import Signature
from audit.models import Entry
from dosing.models import Decision
from dosing.queries import Reconsider, Situation, Stage, where_we_stand
from reminders.items import Item, Kind
from trials.clock import day_of
from trials.models import Site, Study

REMEMBERED_FOR = 24 * 60 * 60
SIGN_WITHIN = dt.timedelta(days=1)


@dataclass(frozen=True)
class Changed:
    """A signed decision whose inputs changed since. fingerprint: of what changed, so that each change is told once."""

    decision_id: int
    number: int
    roles: frozenset[str]
    fingerprint: str


@dataclass(frozen=True)
class Awaited:
    """What the study's dose decisions wait for.

    number: of the newest recommendation, 0 before the first. since: the day on which it was issued or its decision
    proposed. roles: those that must sign; missing: those that have not. changed: signed decisions to look at again.
    """

    stage: Stage
    number: int = 0
    decision_id: int = 0
    since: dt.date | None = None
    roles: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    changed: tuple[Changed, ...] = ()


def awaited(study: Study, moment: dt.datetime, sites: list[Site]) -> Awaited:
    """What is awaited in a live study at a moment; sites: all of the study, for the days that it is there."""
    key = _data_key(study, moment, sites)
    with contextlib.suppress(redis.RedisError):
        known = cache.get(key)
        if isinstance(known, Awaited):
            return known
    found = _awaited(where_we_stand(study, moment))
    with contextlib.suppress(redis.RedisError):
        cache.set(key, found, REMEMBERED_FOR)
    return found


def decision_items(awaits: Awaited, today: dt.date) -> list[Item]:
    """What the people of the whole study have to do about its dose."""
    found = [
        _item(
            Kind.INPUTS_CHANGED,
            f"{changed.decision_id}:{changed.fingerprint}",
            f"Data behind decision {changed.number} changed since it was signed",
            "the decision stands as signed; a new recommendation is asked for",
            today,
            where=(changed.number,),
            roles=changed.roles,
        )
        for changed in awaits.changed
    ]
    since, number = awaits.since or today, awaits.number
    if awaits.stage is Stage.DECIDABLE:
        about = "what is still to come cannot change the next dose"
        found.append(_item(Kind.RECOMMENDATION, str(number + 1), "The next dose can be recommended", about, today))
    elif awaits.stage is Stage.RECOMMENDED:
        title = f"Recommendation {number} waits for a decision to be proposed"
        found.append(_item(Kind.PROPOSAL, str(number), title, "", today, since=since))
    elif awaits.stage is Stage.SIGNING:
        signed = len(awaits.roles) - len(awaits.missing)
        about = f"{signed} of {len(awaits.roles)} signed"
        title = f"Dose decision {number}"
        roles = awaits.missing
        found.append(_item(Kind.DECISION, str(awaits.decision_id), title, about, today, since=since, roles=roles))
    elif awaits.stage is Stage.OUTDATED:
        about = "the data changed since it was proposed: it cannot be signed any more"
        title = f"Dose decision {number} is out of date"
        found.append(_item(Kind.PROPOSAL, str(number), title, about, today, since=since))
    return found


def _awaited(situation: Situation) -> Awaited:
    decision, newest = situation.decision, situation.newest
    roles = frozenset(decision.roles_required) if decision else frozenset()
    begun = decision.proposed_at if decision else newest.issued_at if newest else None
    return Awaited(
        stage=situation.stage,
        number=newest.number if newest else 0,
        decision_id=decision.pk if decision else 0,
        since=day_of(begun, situation.study.time_zone) if begun else None,
        roles=roles,
        missing=roles - _signed_roles(decision) if decision else roles,
        changed=tuple(_changed(again) for again in situation.reconsider),
    )


def _signed_roles(decision: Decision) -> set[str]:
    signatures = Signature.objects.filter(record_kind="dosing.decision", record_key=str(decision.pk))
    return set(signatures.values_list("role", flat=True))


def _changed(again: Reconsider) -> Changed:
    what = "|".join(sorted(change.sentence for change in again.changes))
    return Changed(
        decision_id=again.decision.pk,
        number=again.decision.recommendation.number,
        roles=frozenset(again.decision.roles_required),
        fingerprint=hashlib.sha256(what.encode()).hexdigest()[:16],
    )


def _data_key(study: Study, moment: dt.datetime, sites: list[Site]) -> str:
    newest = Entry.objects.newest_hash(study.pk)
    days = {day_of(moment, zone).isoformat() for zone in (study.time_zone, *(s.time_zone for s in sites))}
    return f"awaited:{study.pk}:{newest}:{'-'.join(sorted(days))}"


def _item(
    kind: Kind,
    code: str,
    title: str,
    detail: str,
    today: dt.date,
    *,
    since: dt.date | None = None,
    where: tuple[object, ...] = (),
    roles: frozenset[str] = frozenset(),
) -> Item:
    on = since or today
    return Item(
        kind=kind,
        key=f"{kind.value}:{code}",
        title=title,
        detail=detail,
        on=on,
        opens=on,
        closes=max(on + SIGN_WITHIN, today),
        today=today,
        where=where,
        roles=roles,
    )
