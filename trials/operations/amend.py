"""An amendment: a new protocol version is written, signed, and followed at each site from a day."""

import datetime as dt
from collections.abc import Mapping, Sequence

from accounts.models import User
from audit.context import operation
from trials.amendments import amendment_faults
from trials.clock import day_of
from trials.errors import Fault, Refused
from trials.models import Part, ProtocolVersion, Site, Study, VersionAtSite
from trials.operations.people import require_set_up
from trials.operations.start import BoundaryRow, store_boundaries
from trials.protocol import Protocol
from trials.protocol_checks import faults_of
from trials.queries import amendment_of, draft_of, is_being_set_up, lock_study
from trials.readiness import obstacles

Status = ProtocolVersion.Status


@operation
def start_amendment(*, study: Study, by: User, at: dt.datetime) -> ProtocolVersion:
    """Start writing an amendment: a draft that says what the live version says. It is edited as a set-up's draft is."""
    require_set_up(by, study)
    study = lock_study(study)
    if is_being_set_up(study):
        raise Refused("not-live", f"{study.key} is not live yet: its draft can be edited as it is.")
    if draft_of(study) is not None:
        raise Refused("amendment-started", "An amendment is being written already. Finish it, or withdraw it first.")
    live = study.version
    number = study.versions.latest("number").number + 1
    return ProtocolVersion.objects.create(
        study=study, number=number, definition=live.definition, sha256=live.sha256, loaded_at=at, loaded_by=by
    )


@operation
def withdraw_amendment(*, study: Study, reason: str, by: User, at: dt.datetime) -> None:
    """Give an amendment up that is being written. What it said stays readable."""
    require_set_up(by, study)
    study = lock_study(study)
    if not reason.strip():
        raise Refused("reason-needed", "Say why the amendment is withdrawn.", field="reason")
    draft = _amendment(study)
    draft.status = Status.WITHDRAWN
    draft.save(update_fields=["status"])


@operation
def approve_amendment(
    *,
    study: Study,
    boundaries: list[BoundaryRow],
    from_days: Mapping[str, dt.date],
    seen_sha256: str,
    by: User,
    at: dt.datetime,
) -> ProtocolVersion:
    """Make the amendment the study's live version; each site named follows it from its day, the others later.

    boundaries: the design's decision table for it; whoever calls has locked the study to make it. from_days: by the
    site's code its first day. What concerns the whole study (design, sizes, who signs) holds from now on; what concerns
    patients, from their site's day. Refused while something stands in the way, which is named.
    """
    require_set_up(by, study)
    study = lock_study(study)
    draft = _amendment(study)
    if draft.sha256 != seen_sha256:
        raise Refused("draft-changed", "The amendment was changed since this page was opened: read what it says now.")
    live = study.version
    missing = obstacles(study, draft, faults_of_amendment(study, draft))
    if missing:
        raise Refused(missing[0].code, " ".join(m.sentence for m in missing))
    if draft.sha256 == live.sha256:
        raise Refused("nothing-changed", "The amendment says what the live version says. Change it, or withdraw it.")
    live.status = Status.SUPERSEDED
    live.save(update_fields=["status"])
    draft.status, draft.live_at = Status.LIVE, at
    draft.save(update_fields=["status", "live_at"])
    _study_follows(study, draft.protocol)
    store_boundaries(boundaries, draft)
    for code, from_day in from_days.items():
        site = study.sites.get(code=code)
        follow_version(version=draft, site=site, from_day=from_day, by=by, at=at)
    return draft


@operation
def follow_version(
    *, version: ProtocolVersion, site: Site, from_day: dt.date, by: User, at: dt.datetime
) -> VersionAtSite:
    """Say from which day a site follows an approved version: once, for good, and never for days before its approval."""
    require_set_up(by, version.study)
    study = lock_study(version.study)
    version = study.versions.get(pk=version.pk)
    if version.live_at is None:
        raise Refused("not-approved", f"Version {version.number} is not approved: no site follows it yet.")
    approved_on = day_of(version.live_at, site.time_zone)
    if from_day < approved_on:
        raise Refused(
            "before-approval",
            f"{site.name} cannot follow version {version.number} before it was approved: give {approved_on} or a later "
            "day.",
            field=f"from-{site.code}",
        )
    later = VersionAtSite.objects.filter(site=site, version__number__gt=version.number, from_day__lte=from_day)
    earlier = VersionAtSite.objects.filter(site=site, version__number__lt=version.number, from_day__gt=from_day)
    if later.exists() or earlier.exists():
        raise Refused(
            "versions-out-of-order",
            f"{site.name} follows versions in their order: another version's day does not fit {from_day}.",
            field=f"from-{site.code}",
        )
    if VersionAtSite.objects.filter(site=site, version=version).exists():
        raise Refused("followed-already", f"The day on which {site.name} follows version {version.number} is set.")
    return VersionAtSite.objects.create(
        study=study, version=version, site=site, from_day=from_day, set_at=at, set_by=by
    )


def faults_of_amendment(study: Study, draft: ProtocolVersion) -> Sequence[Fault]:
    """Faults of the draft by itself; where there are none, those that it has as a change of the running study."""
    found = faults_of(draft.definition)
    return found or amendment_faults(study, study.protocol, Protocol.model_validate(draft.definition))


def _amendment(study: Study) -> ProtocolVersion:
    draft = amendment_of(study)
    if draft is None:
        raise Refused("no-amendment", "No amendment is being written. Start one first.")
    return draft


def _study_follows(study: Study, protocol: Protocol) -> None:
    """What the study's own rows say follows its live version."""
    study.title, study.time_zone = protocol.study.title, protocol.study.time_zone
    study.save(update_fields=["title", "time_zone"])
    planned = {Part.Kind.ESCALATION: protocol.escalation.maximum_patients}
    if protocol.expansion is not None:
        planned[Part.Kind.EXPANSION] = protocol.expansion.patients
    for kind, patients in planned.items():
        part, made = study.parts.get_or_create(kind=kind, defaults={"planned_patients": patients})
        if not made and part.planned_patients != patients:
            part.planned_patients = patients
            part.save(update_fields=["planned_patients"])
