"""A study starts: its set-up is signed, and goes live."""

import datetime as dt
from dataclasses import dataclass

from accounts.canonical import sha256_of
from accounts.errors import CannotSign
from accounts.models import Signature, User
from accounts.operations import sign_record
from audit.context import operation
from trials.errors import Refused
from trials.models import Boundary, Cohort, DoseLevel, Part, ProtocolVersion, Study
from trials.operations.cohorts import open_cohort
from trials.operations.people import require_set_up
from trials.permissions import role_in_force
from trials.protocol import Protocol
from trials.protocol_checks import faults_of
from trials.queries import draft_of, lock_study
from trials.readiness import SETUP, STATEMENT_VERSION, obstacles, record_key, statement


@dataclass(frozen=True)
class BoundaryRow:
    """One row of a design's decision table: of n evaluable patients, how many DLTs mean what; None where none does."""

    n: int
    escalate_if_at_most: int | None
    de_escalate_if_at_least: int | None
    eliminate_if_at_least: int | None


@operation
def sign_set_up(
    *, study: Study, role: str, seen_sha256: str, password: str, by: User, at: dt.datetime, code: str = ""
) -> Signature:
    """Sign the draft as it was shown, in a role that it names for this. Bound to the canonical JSON of the definition.

    A change of the draft after that leaves the signature as it is, on what it was given for: it does not cover the
    changed draft, and the role signs again. Refused where the draft has faults or is not the one that was shown.
    """
    study = lock_study(study)
    version = draft_of(study)
    if version is None:
        raise Refused("already-live", f"{study.key} is live already; there is no draft to sign.")
    if version.sha256 != seen_sha256:
        sentence = "The draft was changed since this page was opened. Nothing has been signed: read what it says now."
        raise Refused("draft-changed", sentence)
    faults = faults_of(version.definition)
    if faults:
        raise Refused("draft-has-faults", f"The draft is not complete, and cannot be signed: {faults[0]}.")
    if role not in version.protocol.signatures.set_up or not role_in_force(by, study, role):
        sentence = "You do not hold, for the whole study, a role that signs its set-up."
        raise Refused("role-does-not-sign", sentence, field="role")
    try:
        return sign_record(
            study_id=study.pk,
            record_kind=SETUP,
            record_key=record_key(version),
            record=version.definition,
            password=password,
            code=code,
            role=role,
            meaning=Signature.Meaning.REVIEW,
            statement=statement(version),
            statement_version=STATEMENT_VERSION,
            record_version=f"version {version.number}",
            by=by,
            at=at,
        )
    except CannotSign as refused:
        raise Refused(refused.code, refused.sentence, field=refused.field) from refused


@operation
def go_live(
    *, study: Study, boundaries: list[BoundaryRow], by: User, at: dt.datetime, seen_sha256: str | None = None
) -> Cohort:
    """Start the study: the draft becomes live with its levels, parts and boundaries, and the first cohort opens.

    boundaries: the design's decision table for the draft as it is; whoever calls has locked the study to make it
    (`dosing.operations.go_live` does). seen_sha256: of the draft that the person saw, None where nobody saw one.
    Refused while something stands between the draft and live, which is named.
    """
    require_set_up(by, study)
    study = lock_study(study)
    version = draft_of(study)
    if version is None:
        raise Refused("already-live", f"{study.key} is live already; there is no draft version to start.")
    if seen_sha256 is not None and seen_sha256 != version.sha256:
        raise Refused("draft-changed", "The draft was changed since this page was opened: read what it says now.")
    missing = obstacles(study, version, faults_of(version.definition))
    if missing:
        raise Refused(missing[0].code, " ".join(m.sentence for m in missing))
    if sha256_of(version.definition) != version.sha256:
        raise Refused("digest-differs", "The draft is not what its digest says. Save one of its parts again.")
    protocol = version.protocol
    _parts_and_levels(study, protocol)
    store_boundaries(boundaries, version)
    version.status, version.live_at = ProtocolVersion.Status.LIVE, at
    version.save(update_fields=["status", "live_at"])
    plan = protocol.escalation
    part, level = study.parts.get(kind=Part.Kind.ESCALATION), study.levels.get(ordinal=plan.start_level)
    return open_cohort(study=study, part=part, level=level, size=plan.cohort_size, by=by, at=at)


def _parts_and_levels(study: Study, protocol: Protocol) -> None:
    planned = {Part.Kind.ESCALATION: protocol.escalation.maximum_patients}
    if protocol.expansion is not None:
        planned[Part.Kind.EXPANSION] = protocol.expansion.patients
    for kind, patients in planned.items():
        Part.objects.create(study=study, kind=kind, planned_patients=patients)
    for level in protocol.levels:
        DoseLevel.objects.create(study=study, ordinal=level.ordinal, label=level.label)


def store_boundaries(boundaries: list[BoundaryRow], version: ProtocolVersion) -> None:
    """Keep a design's decision table with the version."""
    Boundary.objects.bulk_create(
        Boundary(
            study=version.study,
            version=version,
            n=row.n,
            escalate_if_at_most=row.escalate_if_at_most,
            de_escalate_if_at_least=row.de_escalate_if_at_least,
            eliminate_if_at_least=row.eliminate_if_at_least,
        )
        for row in boundaries
    )
