"""Taking a validated study file in."""

import datetime as dt
from typing import Any

from accounts.canonical import sha256_of
from accounts.models import User
from audit.context import operation
from trials.errors import Refused
from trials.models import ProtocolVersion, Study
from trials.operations.setup import start_study
from trials.queries import lock_study


@operation
def adopt_protocol(
    *, definition: dict[str, Any], by: User, at: dt.datetime, rehearsal_day: dt.date | None = None
) -> ProtocolVersion:
    """Take a validated study file in: the study, and a draft protocol version.

    definition: the file as JSON-able data.
    Adopting the same definition again changes nothing and returns the version that is there; another one for a study
    that exists is refused.
    """
    study = Study.objects.filter(key=definition["study"]["key"]).first()
    if study is None:
        return start_study(definition=definition, rehearsal_day=rehearsal_day, by=by, at=at).versions.get()
    newest = lock_study(study).versions.latest("number")
    if newest.sha256 == sha256_of(definition):
        return newest
    raise Refused(
        "study-exists",
        f"{study.key} has another protocol already (version {newest.number}). "
        "Change a draft on the study's set-up page; changing a live protocol is an amendment.",
        field="study.key",
    )
