"""A place in a cohort is reserved for a site, and released."""

import datetime as dt
from collections.abc import Collection

from accounts.models import User
from audit.context import operation
from trials.errors import Refused
from trials.models import Site, Slot, Study
from trials.permissions import Permission, require
from trials.queries import current_cohort, lock_study


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
