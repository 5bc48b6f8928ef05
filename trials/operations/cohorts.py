"""Cohorts open and close, dose levels close, parts end."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from trials.errors import Refused
from trials.models import Cohort, DoseLevel, Part, Slot, Study
from trials.queries import current_cohort, lock_study


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
