"""Adverse events by the operations, as coordinators record them."""

import datetime as dt
from typing import Any

from accounts.models import User
from patients.models import AdverseEvent, Patient
from patients.operations import record_adverse_event
from tests.cast import moment

RELATED = {"lenalidomide": "probable", "dexamethasone": "unrelated"}


def recorded(patient: Patient, by: User, on: dt.date, *, at_day: dt.date | None = None, **what: Any) -> AdverseEvent:
    """Grade 3 diarrhea, on which rule c fires, unless said otherwise; recorded on the day of its onset."""
    facts: dict[str, Any] = {"term": "Diarrhea", "grade": 3, "relations": RELATED, **what}
    return record_adverse_event(patient=patient, onset_on=on, by=by, at=moment(at_day or on), **facts)
