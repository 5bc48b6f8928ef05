"""Whether a dose decision waits on the data of now. Registration stops meanwhile: it would change what is decided on.

Issuing a recommendation stores a digest of the standings that it was made of (`trials.operations.wait_for_decision`).
As soon as they are others, nobody can sign it any more, and it stops nobody.
"""

import datetime as dt
from collections.abc import Iterable

from django.db import models

from accounts.canonical import sha256_of
from patients.evaluability import PatientStanding, standing_of
from patients.queries import patients_with_dlt_data
from trials.clock import day_of
from trials.models import Part, Study


class Data(models.TextChoices):
    """Whose standings a decision rests on."""

    ESCALATION = "escalation", "everybody of the escalation part"
    COUNTING = "counting", "those of both parts who count"


def digest_of(standings: Iterable[PatientStanding], data: Data) -> str:
    """'escalation:3f2c…': the same as long as the same patients have the same standings."""
    told = {s.patient.code: s.standing.value for s in standings if _belongs(s, data)}
    return f"{data.value}:{sha256_of(told)}"


def decision_waits(study: Study, at: dt.datetime) -> bool:
    """Whether a recommendation that nobody has decided on yet stands on the data as they are at `at`."""
    if study.decision_waits_since is None:
        return False
    people = patients_with_dlt_data(study)
    standings = [standing_of(p, day_of(at, p.site.time_zone)) for p in people]
    data = Data(study.decision_waits_on.partition(":")[0])
    return digest_of(standings, data) == study.decision_waits_on


def _belongs(standing: PatientStanding, data: Data) -> bool:
    if data == Data.COUNTING:
        return standing.counts
    part = standing.patient.part
    return part is not None and part.kind == Part.Kind.ESCALATION
