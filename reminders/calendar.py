"""One calendar of what is due in a study, and each person's part of it.

Worked out from what happened, on each site's own day; nothing is stored. The number of queries is the same for any
number of patients, and the page loads only as many patients as it can show.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from audit.memory import remembered
from patients.models import Patient
from patients.regimen import short_day
from reminders.candidates import Candidate, candidates
from reminders.decisions import awaited, decision_items
from reminders.items import HOLDS_THE_STUDY, Item, Kind, When
from reminders.patient_items import items_of_patient, with_schedule
from trials.clock import day_of
from trials.models import Membership, ProtocolVersion, Role, Site, Slot, Study
from trials.permissions import TABLE, Permission, permissions_at

WEEK = dt.timedelta(days=7)
# As many patients as one page looks at, those with the earliest items first.
PATIENTS_A_PAGE = 40


@dataclass(frozen=True)
class Calendar:
    """Everything due in a study within a week. more: patients who may have something due and were not looked at."""

    study: Study
    items: tuple[Item, ...]
    more: int = 0


@dataclass(frozen=True)
class Agenda:
    """A person's part: what the person can do, by when; and what the study waits for that others must do."""

    overdue: tuple[Item, ...]
    today: tuple[Item, ...]
    this_week: tuple[Item, ...]
    waiting: tuple[Item, ...]
    more: int = 0

    @property
    def nothing_now(self) -> bool:
        return not (self.overdue or self.today)

    @property
    def mine(self) -> tuple[Item, ...]:
        return (*self.overdue, *self.today, *self.this_week)


def calendar_of(
    study: Study,
    now: dt.datetime,
    *,
    site_ids: frozenset[int] | None = None,
    horizon: dt.timedelta = WEEK,
    limit: int | None = None,
) -> Calendar:
    """What is due by `now` plus `horizon`, at these sites (None: at all). A study that is not live has nothing due.

    limit: look at no more than so many patients, the earliest first.
    """
    if not study.versions.filter(status=ProtocolVersion.Status.LIVE).exists():
        return Calendar(study, ())
    everywhere = list(study.sites.all())
    days = {site.pk: day_of(now, site.time_zone) for site in everywhere}
    today = day_of(now, study.time_zone)
    seen = [site for site in everywhere if site_ids is None or site.pk in site_ids]
    about = ("calendar", tuple(site.pk for site in seen), tuple(sorted(days.items())), today, horizon, limit)

    def work_out() -> Calendar:
        latest = max([today, *days.values()])
        due = candidates(study, [site.pk for site in seen], latest + horizon)
        looked_at = due if limit is None else due[:limit]
        items = [
            *decision_items(awaited(study, now, everywhere), today),
            *_reservations(seen, days, horizon),
            *_of_patients(looked_at, days, horizon),
        ]
        return Calendar(study, tuple(sorted(items, key=lambda item: item.order)), len(due) - len(looked_at))

    return remembered(study.pk, about, work_out)


def agenda(calendar: Calendar, held: list[Membership]) -> Agenda:
    """The part of the calendar that concerns somebody with these memberships."""
    mine: list[Item] = []
    waiting: list[Item] = []
    allowed = _Allowed(held)
    for item in calendar.items:
        if allowed.to_do(item):
            mine.append(item)
        elif item.kind in HOLDS_THE_STUDY and item.can_start and allowed.to_see(item):
            waiting.append(item)
    by_when = {when: tuple(item for item in mine if item.when is when) for when in When}
    by_day = sorted(by_when[When.LATER], key=lambda item: (item.on, item.order))
    return Agenda(by_when[When.OVERDUE], by_when[When.TODAY], tuple(by_day), tuple(waiting), calendar.more)


class _Allowed:
    """What some memberships allow, asked once a site."""

    def __init__(self, held: list[Membership]) -> None:
        self.held = held
        self.roles = {m.role for m in held if m.site_id is None}
        self.known: dict[int | None, frozenset[Permission]] = {}

    def to_do(self, item: Item) -> bool:
        if item.roles:
            return bool(item.roles & self.roles)
        return item.doing.permission in self._at(item.site)

    def to_see(self, item: Item) -> bool:
        wanted = Permission.VIEW_PATIENTS if item.patient else Permission.VIEW_STUDY
        return wanted in self._at(item.site)

    def _at(self, site: Site | None) -> frozenset[Permission]:
        key = site.pk if site else None
        if key not in self.known:
            self.known[key] = permissions_at(self.held, site)
        return self.known[key]


def sites_seen(held: Iterable[Membership]) -> frozenset[int] | None:
    """The sites whose patients these memberships let one see; None for all of the study's."""
    seeing = [m for m in held if Permission.VIEW_PATIENTS in TABLE[Role(m.role)]]
    if any(m.site_id is None for m in seeing):
        return None
    return frozenset(m.site_id for m in seeing if m.site_id is not None)


def _of_patients(due: list[Candidate], days: dict[int, dt.date], horizon: dt.timedelta) -> Iterable[Item]:
    patients = with_schedule(Patient.objects.filter(pk__in=[c.patient_id for c in due])).in_bulk()
    for candidate in due:
        patient = patients[candidate.patient_id]
        today = days[patient.site_id]
        yield from items_of_patient(patient, candidate, today, today + horizon)


def _reservations(seen: list[Site], days: dict[int, dt.date], horizon: dt.timedelta) -> Iterable[Item]:
    """Reserved slots that nobody has used yet, on the last day of the reservation."""
    held = Slot.objects.unused().filter(reserved_for_site__in=seen, cohort__closed_at__isnull=True)
    for slot in held.select_related("cohort__level", "reserved_for_site", "reserved_for").order_by("reserved_until"):
        site = slot.reserved_for_site
        assert site is not None
        assert slot.reserved_until is not None
        today, until = days[site.pk], day_of(slot.reserved_until, site.time_zone)
        if until <= today + horizon:
            patient = getattr(slot, "reserved_for", None)
            yield Item(
                kind=Kind.RESERVATION,
                key=f"reservation:{slot.pk}",
                title=f"slot at {slot.cohort.level} is reserved until {until:%a} {short_day(until)}",
                detail="" if patient else f"for {site.name}, no patient named",
                on=until,
                opens=today,
                closes=until,
                today=today,
                patient=patient.code if patient else "",
                site=site,
                where=(patient.code,) if patient else (),
                page="" if patient else "patients:list",
            )
