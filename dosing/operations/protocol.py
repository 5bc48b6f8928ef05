"""A study's protocol and its design: loading a study file, signing a set-up, going live."""

import datetime as dt
from collections.abc import Sequence

from accounts.models import Signature, User
from audit.context import operation
from dosing.queries.design_faults import design_faults
from dosing.queries.draft import read_whole_study_file
from dosing.queries.inputs import boundary_rows
from trials import operations as trials
from trials.errors import Fault, Refused
from trials.models import Cohort, ProtocolVersion, Study
from trials.operations import BoundaryRow, adopt_protocol, faults_of_amendment, start_study
from trials.protocol_checks import faults_of
from trials.queries import amendment_of, draft_of, lock_study


@operation
def load_protocol(*, text: str, by: User, at: dt.datetime, rehearsal_day: dt.date | None = None) -> ProtocolVersion:
    """Take a study file in, whole or not at all; loading the same file again changes nothing.

    Raises InvalidProtocol with every fault found: its path in the file, the value, and what is allowed.
    """
    definition = read_whole_study_file(text)
    return adopt_protocol(definition=definition, rehearsal_day=rehearsal_day, by=by, at=at)


@operation
def import_study(*, text: str, by: User, at: dt.datetime, key: str = "", rehearsal_day: dt.date | None = None) -> Study:
    """Start a study from a study file; its key is new. key: instead of the file's own.

    Raises InvalidProtocol with every fault found, as `load_protocol`; nothing is written then.
    """
    definition = read_whole_study_file(text)
    heading = {**definition["study"], **({"key": key} if key else {})}
    return start_study(definition={**definition, "study": heading}, rehearsal_day=rehearsal_day, by=by, at=at)


@operation
def sign_set_up(
    *, study: Study, role: str, seen_sha256: str, password: str, by: User, at: dt.datetime, code: str = ""
) -> Signature:
    """Sign a draft whose design, too, has no fault. As `trials.operations.sign_set_up`."""
    study = lock_study(study)
    refuse_faulty_design(study)
    return trials.sign_set_up(
        study=study, role=role, seen_sha256=seen_sha256, password=password, code=code, by=by, at=at
    )


@operation
def go_live(*, study: Study, by: User, at: dt.datetime, seen_sha256: str | None = None) -> Cohort:
    """Start a study with the boundaries of its draft's design. As `trials.operations.go_live`."""
    study = lock_study(study)
    refuse_faulty_design(study)
    version = draft_of(study)
    rows = boundaries_of(version) if version is not None else []
    return trials.go_live(study=study, boundaries=rows, seen_sha256=seen_sha256, by=by, at=at)


def refuse_faulty_design(study: Study) -> None:
    """The rest of the draft is looked at by whoever knows no design."""
    version = draft_of(study)
    if version is None or faults_of(version.definition):
        return
    faults: Sequence[Fault] = design_faults(version.protocol)
    if not faults and amendment_of(study) is not None:
        faults = faults_of_amendment(study, version)
    if faults:
        raise Refused("draft-has-faults", "Complete the study file. " + "; ".join(map(str, faults)) + ".")


def boundaries_of(version: ProtocolVersion) -> list[BoundaryRow]:
    """The decision table of a draft's design. None for a draft that is not complete, which cannot go live."""
    if faults_of(version.definition):
        return []
    rows = boundary_rows(version.protocol)
    return [BoundaryRow(r.n, r.escalate_if_at_most, r.de_escalate_if_at_least, r.eliminate_if_at_least) for r in rows]
