"""The access log: who signed in or tried to, who took an export, who looked at a whole patient.

Views call `note_access` once they know that they will answer. The log is added to only, and sealed in a chain of its
own, so that looking at a study changes nothing of what is remembered by the study's newest hash.
"""

import datetime as dt

from accounts.models import User
from audit.context import operation, origin
from audit.models import Access

Kind = Access.Kind


@operation
def note_access(
    *,
    kind: Access.Kind,
    by: User,
    at: dt.datetime,
    person: User | None = None,
    study_id: int | None = None,
    patient_id: int | None = None,
    what: str = "",
) -> Access:
    """Keep that somebody signed in, failed to, took an export or looked at a patient. The time is the database's own.

    by: who did it; for a failure at the sign-in Rung itself, with the person whose name was given, if anybody has it.
    what: which export, in a few words that name no patient.
    """
    whose = person or (by if by.username != User.SYSTEM else None)
    return Access.objects.create(
        kind=kind,
        person_id=whose.pk if whose else None,
        about_study_id=study_id,
        about_patient_id=patient_id,
        what=what,
        client_address=origin.get().client_address,
    )
