"""Loading a study file."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from dosing.queries.inputs import boundary_rows
from trials.errors import Fault, InvalidProtocol
from trials.models import ProtocolVersion
from trials.operations import BoundaryRow, adopt_protocol
from trials.protocol import Protocol
from trials.protocol_checks import read_study_file


@operation
def load_protocol(*, text: str, by: User, at: dt.datetime, rehearsal_day: dt.date | None = None) -> ProtocolVersion:
    """Take a study file in, whole or not at all; loading the same file again changes nothing.

    Raises InvalidProtocol with every fault found: its path in the file, the value, and what is allowed.
    """
    definition, protocol = read_study_file(text)
    rows = _boundaries(protocol)
    return adopt_protocol(definition=definition, boundaries=rows, rehearsal_day=rehearsal_day, by=by, at=at)


def _boundaries(protocol: Protocol) -> list[BoundaryRow]:
    """The design's decision table, which needs the design's parameters to be in order."""
    try:
        rows = boundary_rows(protocol)
    except ValueError as error:
        raise InvalidProtocol([Fault("design.parameters", protocol.design.parameters, str(error))]) from error
    return [BoundaryRow(r.n, r.escalate_if_at_most, r.de_escalate_if_at_least, r.eliminate_if_at_least) for r in rows]
