"""Taking a validated study file in."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from accounts.canonical import sha256_of
from accounts.models import User
from audit.context import operation
from trials.errors import Refused
from trials.models import Boundary, DoseLevel, Part, ProtocolVersion, Study
from trials.protocol import Protocol
from trials.queries import lock_study


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
