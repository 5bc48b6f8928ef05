"""The sweep's plan: who is to be told what. It may run any number of times; a reminder is planned once."""

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import structlog

from accounts.models import User
from audit.context import operation
from dosing.queries import Stage
from patients.models import DltAssessment
from reminders import wording
from reminders.calendar import Calendar, agenda, calendar_of
from reminders.decisions import Awaited, awaited
from reminders.models import DigestDay, Reminder
from reminders.queries import holders, people_to_remind, zone_of
from reminders.wording import Counts, Message
from trials import clock
from trials.models import DoseLevel, Membership, Slot, Study
from trials.operations import expire_reservations

MORNING = dt.time(7)
# What happened longer ago is history: a study that is loaded with its past does not send it.
STILL_NEWS = dt.timedelta(days=14)

People = dict[User, list[Membership]]
Planner = Callable[[Study, People, dt.datetime], list[Reminder]]

log = structlog.get_logger(__name__)


def plan_reminders(*, study: Study, by: User, at: dt.datetime) -> int:
    """Release reservations that have run out and plan every reminder that `at` calls for; returns how many are new.

    at: the study's time; in a rehearsal, its own day. What is urgent comes first, and each kind in a transaction of its
    own, so that a fault in a later one keeps no word of a DLT or a safety stop back; the first fault is raised at the
    end, when everything else is planned.
    """
    new, faults = 0, []
    people = people_to_remind(study)
    for planner in (_dlts, _safety_stops, _decisions, _digests):
        try:
            if planner is _digests:
                release_expired(study=study, by=by, at=at)
            new += plan_kind(study=study, people=people, planner=planner, by=by, at=at)
        except Exception as fault:
            kind, error = planner.__name__.strip("_"), type(fault).__name__  # not its text: that may name a patient
            log.error("reminders_not_planned", study=study.pk, kind=kind, error=error)
            faults.append(fault)
    if faults:
        raise faults[0]
    return new


@operation
def release_expired(*, study: Study, by: User, at: dt.datetime) -> None:
    """Release the reservations that have run out, before a digest speaks of them."""
    if Slot.objects.unused().filter(study=study, reserved_until__lte=at).exists():
        expire_reservations(study=study, by=by, at=at)


@operation
def plan_kind(*, study: Study, people: People, planner: Planner, by: User, at: dt.datetime) -> int:
    """Plan what one planner finds; returns how many are new. What was planned before is left as it is."""
    planned = planner(study, people, at)
    before = Reminder.objects.filter(study=study).count()
    Reminder.objects.bulk_create(planned, ignore_conflicts=True)
    return Reminder.objects.filter(study=study).count() - before


# --- the morning's digest ---


def _digests(study: Study, people: People, at: dt.datetime) -> list[Reminder]:
    """A digest for each person whose morning has come and who has something due; each morning is planned once."""
    by_zone: dict[str, People] = {}
    for person, held in people.items():
        by_zone.setdefault(zone_of(held, study), {})[person] = held
    mornings = {zone: group for zone, group in by_zone.items() if _is_new_morning(study, zone, at)}
    if not mornings:
        return []
    calendar = calendar_of(study, at)
    return [
        digest
        for zone, group in mornings.items()
        for person, held in group.items()
        if (digest := _digest(calendar, person, held, clock.day_of(at, zone)))
    ]


def _is_new_morning(study: Study, zone: str, at: dt.datetime) -> bool:
    """Whether it is past seven there and nobody has planned this day yet. A rehearsal's day starts when it is moved."""
    local = at.astimezone(ZoneInfo(zone))
    if local.time() < MORNING and not study.is_rehearsal:
        return False
    day = {"study": study, "time_zone": zone, "day": local.date()}
    if DigestDay.objects.filter(**day).exists():
        return False
    _, is_new = DigestDay.objects.get_or_create(**day, defaults={"planned_at": at})
    return is_new


def _digest(calendar: Calendar, person: User, held: list[Membership], day: dt.date) -> Reminder | None:
    study, mine = calendar.study, agenda(calendar, held)
    if mine.nothing_now:
        return None
    counts = Counts(len(mine.overdue), len(mine.today), len(mine.this_week))
    sites = {m.site for m in held}
    return Reminder(
        study=study,
        site=next(iter(sites)) if len(sites) == 1 else None,
        person=person,
        item=f"digest:{study.pk}",
        occasion=day.isoformat(),
        urgency=Reminder.Urgency.DIGEST,
        **_as_fields(wording.digest(study, person, day, counts)),
    )


# --- at once ---


def _dlts(study: Study, people: People, at: dt.datetime) -> list[Reminder]:
    """A DLT that was recorded lately, and stands."""
    recent = DltAssessment.objects.filter(study=study, assessed_at__gt=at - STILL_NEWS, assessed_at__lte=at)
    standing = {a.event_id: a for a in recent.order_by("pk")}
    return [
        _urgent(study, person, f"dlt:{judged.pk}", "recorded", wording.dlt_recorded(study, person))
        for judged in standing.values()
        if judged.is_dlt
        for person in _signers(study, people)
    ]


def _safety_stops(study: Study, people: People, at: dt.datetime) -> list[Reminder]:
    """The lowest level that the safety stop closed lately; those above it closed with it."""
    closed = DoseLevel.objects.filter(study=study, closed_at__gt=at - STILL_NEWS).order_by("closed_at", "ordinal")
    stops = {level.closed_at: level for level in reversed(closed)}
    return [
        _urgent(study, person, f"safety-stop:{level.pk}", "closed", wording.safety_stop(study, person, level.label))
        for level in stops.values()
        for person in _signers(study, people)
    ]


def _decisions(study: Study, people: People, at: dt.datetime) -> list[Reminder]:
    awaits = awaited(study, at, list(study.sites.all()))
    return [*_waiting_decisions(study, people, awaits), *_changed_inputs(study, people, awaits)]


def _waiting_decisions(study: Study, people: People, awaits: Awaited) -> list[Reminder]:
    """A decision that can be signed, to those whose role has not signed it."""
    if awaits.stage is not Stage.SIGNING:
        return []
    return [
        _urgent(
            study,
            person,
            f"decision:{awaits.decision_id}",
            "waits",
            wording.decision_waits(study, person, awaits.number),
        )
        for person in holders(people, set(awaits.missing))
    ]


def _changed_inputs(study: Study, people: People, awaits: Awaited) -> list[Reminder]:
    """Decisions that were signed, whose inputs are not any more what they were. Each further change is told again."""
    return [
        _urgent(
            study,
            person,
            f"inputs-changed:{changed.decision_id}",
            changed.fingerprint,
            wording.inputs_changed(study, person, changed.number),
        )
        for changed in awaits.changed
        for person in holders(people, set(changed.roles))
    ]


def _signers(study: Study, people: People) -> list[User]:
    signatures = study.protocol.signatures
    return holders(people, {*signatures.dose_decision, *signatures.mtd})


def _urgent(study: Study, person: User, item: str, occasion: str, message: Message) -> Reminder:
    return Reminder(
        study=study, person=person, item=item, occasion=occasion, urgency=Reminder.Urgency.URGENT, **_as_fields(message)
    )


def _as_fields(message: Message) -> dict[str, str]:
    return {"subject": message.subject, "body": message.body}
