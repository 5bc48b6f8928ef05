"""What can be done to a study: adopt a protocol, grant roles, open and close cohorts, hold and release slots."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from accounts.canonical import sha256_of
from accounts.models import User
from audit.context import operation
from trials.errors import Refused
from trials.models import (
    Boundary,
    Cohort,
    DoseLevel,
    Membership,
    Part,
    ProtocolVersion,
    Role,
    Site,
    Slot,
    Study,
)
from trials.permissions import Permission, require
from trials.protocol import Protocol
from trials.queries import current_cohort, lock_study


@dataclass(frozen=True)
class BoundaryRow:
    """One row of a design's decision table: of n evaluable patients, how many DLTs mean what; None where none does."""

    n: int
    escalate_if_at_most: int | None
    de_escalate_if_at_least: int | None
    eliminate_if_at_least: int | None


@operation
def adopt_protocol(
    *,
    definition: dict[str, Any],
    boundaries: list[BoundaryRow],
    by: User,
    at: dt.datetime,
    rehearsal_day: dt.date | None = None,
) -> ProtocolVersion:
    """Take a validated study file in: the study, its parts and levels, and a draft protocol version.

    definition: the file as JSON-able data. boundaries: the design's decision table for it.
    Adopting the same definition again changes nothing and returns the version that is there. A different definition
    replaces a draft's successor only as a new draft version; a live version is never edited.
    """
    protocol = Protocol.model_validate(definition)
    digest = sha256_of(definition)
    study = Study.objects.filter(key=protocol.study.key).first()
    if study is None:
        study = Study.objects.create(
            key=protocol.study.key,
            title=protocol.study.title,
            time_zone=protocol.study.time_zone,
            is_rehearsal=rehearsal_day is not None,
            rehearsal_day=rehearsal_day,
            created_by=by,
        )
    study = lock_study(study)
    newest = study.versions.order_by("-number").first()
    if newest is not None and newest.sha256 == digest:
        return newest
    if newest is not None:
        raise Refused(
            "study-exists",
            f"{study.key} has another protocol already (version {newest.number}). Changing it is an amendment.",
            field="study.key",
        )
    _parts_and_levels(study, protocol)
    version = ProtocolVersion.objects.create(
        study=study, number=1, definition=definition, sha256=digest, loaded_at=at, loaded_by=by
    )
    Boundary.objects.bulk_create(
        Boundary(
            study=study,
            version=version,
            n=row.n,
            escalate_if_at_most=row.escalate_if_at_most,
            de_escalate_if_at_least=row.de_escalate_if_at_least,
            eliminate_if_at_least=row.eliminate_if_at_least,
        )
        for row in boundaries
    )
    return version


def _parts_and_levels(study: Study, protocol: Protocol) -> None:
    planned = {Part.Kind.ESCALATION: protocol.escalation.maximum_patients}
    if protocol.expansion is not None:
        planned[Part.Kind.EXPANSION] = protocol.expansion.patients
    for kind, patients in planned.items():
        Part.objects.create(study=study, kind=kind, planned_patients=patients)
    for level in protocol.levels:
        DoseLevel.objects.create(study=study, ordinal=level.ordinal, label=level.label)


@operation
def add_site(*, study: Study, code: str, name: str, time_zone: str, by: User, at: dt.datetime) -> Site:
    """Add a site with its own time zone."""
    require_set_up(by, study)
    return Site.objects.create(study=study, code=code, name=name, time_zone=time_zone)


@operation
def grant_role(
    *, study: Study, person: User, role: Role, by: User, at: dt.datetime, site: Site | None = None
) -> Membership:
    """Give a person a role in the study, at one site or (no site) at all of them. Granting it again changes nothing."""
    require_set_up(by, study)
    membership, _ = Membership.objects.in_force().get_or_create(
        study=study, user=person, site=site, role=role, defaults={"granted_at": at, "granted_by": by}
    )
    return membership


@operation
def end_role(*, membership: Membership, reason: str, by: User, at: dt.datetime) -> None:
    """End a person's role, from now on."""
    require_set_up(by, membership.study)
    membership.ended_at = at
    membership.save(update_fields=["ended_at"])


def require_set_up(by: User, study: Study) -> None:
    """Setting a study up is for its data managers (and for Rung itself, when a file is loaded)."""
    require(by, Permission.MANAGE_STUDY, study)


@operation
def go_live(*, study: Study, by: User, at: dt.datetime) -> Cohort:
    """Start the study: its draft version becomes live and the first cohort opens at the protocol's start level."""
    require_set_up(by, study)
    study = lock_study(study)
    version = study.versions.filter(status=ProtocolVersion.Status.DRAFT).order_by("number").first()
    if version is None:
        raise Refused("already-live", f"{study.key} is live already; there is no draft version to start.")
    if not study.sites.exists():
        raise Refused("no-site", "Add at least one site before the study starts.")
    version.status, version.live_at = ProtocolVersion.Status.LIVE, at
    version.save(update_fields=["status", "live_at"])
    part = study.parts.get(kind=Part.Kind.ESCALATION)
    plan = version.protocol.escalation
    level = study.levels.get(ordinal=plan.start_level)
    return open_cohort(study=study, part=part, level=level, size=plan.cohort_size, by=by, at=at)


@operation
def open_cohort(*, study: Study, part: Part, level: DoseLevel, size: int, by: User, at: dt.datetime) -> Cohort:
    """Open the next cohort with its slots, closing the present one.

    Called where a signed decision takes effect and where a study starts, and nowhere else: the database refuses, when
    the transaction commits, a cohort after the first that no signed decision opened.
    """
    study = lock_study(study)
    level.refresh_from_db()
    if level.closed_at is not None:
        raise Refused("level-closed", f"{level.label} is closed: {level.closed_reason}. Choose a lower dose.")
    present = current_cohort(study)
    if present is not None:
        close_cohort(cohort=present, because="the next cohort opened", by=by, at=at)
    if part.opened_at is None:
        part.opened_at = at
        part.save(update_fields=["opened_at"])
    last = study.cohorts.order_by("-number").values_list("number", flat=True).first() or 0
    cohort = Cohort.objects.create(
        study=study, part=part, level=level, number=last + 1, size=size, opened_at=at, opened_by=by
    )
    Slot.objects.bulk_create(Slot(study=study, cohort=cohort, number=n) for n in range(1, size + 1))
    return cohort


@operation
def close_cohort(*, cohort: Cohort, because: str, by: User, at: dt.datetime) -> None:
    """Close a cohort for registration, for good. Nothing happens to one that is closed already."""
    if cohort.closed_at is None:
        cohort.closed_at, cohort.closed_reason = at, because
        cohort.save(update_fields=["closed_at", "closed_reason"])


@operation
def end_part(*, part: Part, because: str, by: User, at: dt.datetime) -> None:
    """End a part of the study as a signed decision says, with its open cohort. One that has ended stays so."""
    study = lock_study(part.study)
    if part.ended_at is not None:
        return
    present = current_cohort(study)
    if present is not None and present.part_id == part.pk:
        close_cohort(cohort=present, because=because, by=by, at=at)
    part.ended_at = at
    part.save(update_fields=["ended_at"])


@operation
def add_replacement_slot(*, slot: Slot, by: User, at: dt.datetime) -> Slot:
    """Add a place to the open cohort for the patient in `slot`, who is not evaluable. Each patient is replaced once."""
    study = lock_study(slot.study)
    cohort = slot.cohort
    if cohort.closed_at is not None:
        raise Refused(
            "cohort-closed",
            f"Cohort {cohort.number} is closed; a patient can be replaced only while it is open.",
        )
    if Slot.objects.filter(replaces=slot).exists():
        raise Refused("already-replaced", "A place for the replacement has been added already.")
    last = cohort.slots.order_by("-number").values_list("number", flat=True).first() or 0
    return Slot.objects.create(study=study, cohort=cohort, number=last + 1, replaces=slot)


@operation
def close_levels_from(*, study: Study, ordinal: int, because: str, by: User, at: dt.datetime) -> list[DoseLevel]:
    """The safety stop: close this dose level and all above it, and the cohort that is open at one of them.

    Returns the levels that were still open. It asks for no permission: it follows from data, not from somebody's wish.
    """
    study = lock_study(study)
    levels = list(study.levels.filter(ordinal__gte=ordinal, closed_at__isnull=True))
    for level in levels:
        level.closed_at, level.closed_reason = at, because
        level.save(update_fields=["closed_at", "closed_reason"])
    present = current_cohort(study)
    if present is not None and present.level.ordinal >= ordinal:
        close_cohort(cohort=present, because=f"safety stop: {because}", by=by, at=at)
    return levels


@operation
def reserve_slot(
    *,
    study: Study,
    site: Site,
    by: User,
    at: dt.datetime,
    until: dt.datetime | None = None,
    excluding: Collection[int] = (),
) -> Slot:
    """Hold a free slot of the open cohort for a site, for as many days as the protocol says (or until `until`).

    excluding: primary keys of slots that are not to be given out.
    """
    require(by, Permission.SCREEN_PATIENTS, study, site)
    study = lock_study(study)
    cohort = current_cohort(study)
    slot = cohort.slots.free_at(at).exclude(pk__in=excluding).first() if cohort else None
    if slot is None:
        raise Refused("no-open-slot", "No slot is open now. One opens when the next dose decision is signed.")
    slot.reserved_for_site, slot.reserved_by = site, by
    slot.reserved_until = until or at + dt.timedelta(days=study.protocol.escalation.reservation_days)
    slot.save(update_fields=["reserved_for_site", "reserved_until", "reserved_by"])
    return slot


@operation
def release_slot(*, slot: Slot, by: User, at: dt.datetime) -> None:
    """End a reservation, so that the slot is open for every site."""
    if slot.reserved_for_site is not None:
        require(by, Permission.SCREEN_PATIENTS, slot.study, slot.reserved_for_site)
    slot.reserved_for_site = slot.reserved_until = slot.reserved_by = None
    slot.save(update_fields=["reserved_for_site", "reserved_until", "reserved_by"])


@operation
def expire_reservations(*, study: Study, by: User, at: dt.datetime) -> int:
    """Release the reservations that have run out; returns how many."""
    study = lock_study(study)
    gone = list(Slot.objects.unused().filter(study=study, reserved_until__lte=at))
    for slot in gone:
        release_slot(slot=slot, by=by, at=at)
    return len(gone)


@operation
def suspend_accrual(*, study: Study, reason: str, by: User, at: dt.datetime) -> None:
    """Stop registration in the whole study until it is resumed."""
    require(by, Permission.SUSPEND_ACCRUAL, study)
    if not reason.strip():
        raise Refused("reason-needed", "Say why accrual is suspended.", field="reason")
    study = lock_study(study)
    if study.accrual_suspended_at is not None:
        raise Refused("already-suspended", "Accrual is suspended already.")
    study.accrual_suspended_at, study.accrual_suspended_by = at, by
    study.accrual_suspended_reason = reason
    study.save(update_fields=["accrual_suspended_at", "accrual_suspended_by", "accrual_suspended_reason"])


@operation
def resume_accrual(*, study: Study, reason: str, by: User, at: dt.datetime) -> None:
    """Let registration go on."""
    require(by, Permission.SUSPEND_ACCRUAL, study)
    if not reason.strip():
        raise Refused("reason-needed", "Say why accrual can go on.", field="reason")
    study = lock_study(study)
    if study.accrual_suspended_at is None:
        raise Refused("not-suspended", "Accrual is not suspended.")
    if study.held_reason or (_suspended_by_rung(study) and by.username != User.SYSTEM):
        raise Refused("held-by-decision", "A signed decision holds registration; the next signed decision ends it.")
    study.accrual_suspended_at = study.accrual_suspended_by = None
    study.accrual_suspended_reason = ""
    study.save(update_fields=["accrual_suspended_at", "accrual_suspended_by", "accrual_suspended_reason"])


@operation
def hold_registration(*, study: Study, reason: str, by: User, at: dt.datetime) -> None:
    """Stop registration because a signed decision says so: nobody ends it by themselves, `end_hold` does.

    by: Rung itself, as for `end_hold`.
    A person's own suspension that stands already stays theirs, and is still there when the hold has ended.
    """
    study = lock_study(study)
    study.held_reason = reason
    study.save(update_fields=["held_reason"])
    if study.accrual_suspended_at is None:
        suspend_accrual(study=study, reason=reason, by=by, at=at)


@operation
def end_hold(*, study: Study, reason: str, by: User, at: dt.datetime) -> None:
    """End a hold, and the suspension that it made (by Rung itself). Nothing happens where there is none."""
    study = lock_study(study)
    if study.held_reason:
        study.held_reason = ""
        study.save(update_fields=["held_reason"])
    if _suspended_by_rung(study):
        resume_accrual(study=study, reason=reason, by=by, at=at)


def _suspended_by_rung(study: Study) -> bool:
    suspended_by = study.accrual_suspended_by
    return suspended_by is not None and suspended_by.username == User.SYSTEM


@operation
def wait_for_decision(*, study: Study, on: str, by: User, at: dt.datetime) -> None:
    """Stop registration until the dose decision is signed. on: a digest of the data that it is to be made on.

    It asks for no permission: it follows from a recommendation's being issued.
    """
    study = lock_study(study)
    study.decision_waits_since, study.decision_waits_on = at, on
    study.save(update_fields=["decision_waits_since", "decision_waits_on"])


@operation
def decision_waits_no_more(*, study: Study, by: User, at: dt.datetime) -> None:
    """Let registration go on: the decision took effect, or the data are no longer those that it was to be made on."""
    study = lock_study(study)
    if study.decision_waits_since is not None:
        study.decision_waits_since, study.decision_waits_on = None, ""
        study.save(update_fields=["decision_waits_since", "decision_waits_on"])


@operation
def move_rehearsal_day(*, study: Study, days: int, by: User, at: dt.datetime) -> dt.date:
    """Move a rehearsal's own day on by 1 to 366 days; a live study has no such day."""
    require(by, Permission.MOVE_REHEARSAL_DAY, study)
    study = lock_study(study)
    if study.rehearsal_day is None:
        raise Refused("not-a-rehearsal", f"{study.key} is a live study: its day is today's and cannot be moved.")
    if not 1 <= days <= 366:
        raise Refused(
            "days-out-of-range",
            f"{days} days is not possible; move the day on by 1 to 366 days.",
            field="days",
        )
    study.rehearsal_day += dt.timedelta(days=days)
    study.save(update_fields=["rehearsal_day"])
    return study.rehearsal_day
