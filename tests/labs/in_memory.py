"""Patients that no database knows, for rules that are pure over loaded rows."""

import datetime as dt
from collections.abc import Sequence
from functools import cache

from django.db import models

from labs.models import Collection
from patients.models import Cycle, Discontinuation, DoseReduction, FollowUpVisit, Patient
from tests.cast import ANTI_MAG, DAY_ONE
from trials.models import DoseLevel, Part, ProtocolVersion, Site, Study, VersionAtSite
from trials.protocol_checks import read_study_file


@cache
def anti_mag() -> ProtocolVersion:
    definition, _ = read_study_file(ANTI_MAG.read_text())
    return ProtocolVersion(pk=1, number=1, definition=definition)


def a_screened_patient() -> Patient:
    patient = Patient(pk=1, code="A-001", status=Patient.Status.SCREENING)
    patient._prefetched_objects_cache = {
        "cycles": _loaded(Cycle, []),
        "discontinuations": _loaded(Discontinuation, []),
        "collections": _loaded(Collection, []),
    }
    return patient


def a_patient(
    part: str = "escalation",
    *,
    starts: list[dt.date] | None = None,
    ended_on: dt.date | None = None,
    retreated_on: dt.date | None = None,
    collections: list[Collection] | None = None,
) -> Patient:
    """A patient at 10 mg, planned to start on DAY_ONE, whose cycles started on the given days."""
    patient = Patient(
        pk=1,
        study=Study(pk=1, key="LEN-MAG-01"),
        site=Site(pk=1, code="A", name="Northfield", time_zone="America/New_York"),
        code="A-001",
        version=anti_mag(),
        part=Part(pk=1, kind=part),
        assigned_level=DoseLevel(pk=1, ordinal=1, label="10 mg"),
        registered_at=dt.datetime.combine(DAY_ONE, dt.time(12), tzinfo=dt.UTC),
        planned_start=DAY_ONE,
        status=Patient.Status.ON_TREATMENT if starts else Patient.Status.REGISTERED,
    )
    patient.site._prefetched_objects_cache = {"versions": _loaded(VersionAtSite, [])}
    patient._state.fields_cache["continuation_review"] = None
    ended = [Discontinuation(pk=1, number=1, on=ended_on, retreated_on=retreated_on)] if ended_on else []
    reductions = [DoseReduction(pk=1, number=1, to_rung=3, effective_on=retreated_on)] if retreated_on else []
    cycles = [_cycle(number, day) for number, day in enumerate(starts or [], start=1)]
    patient._prefetched_objects_cache = {
        "cycles": _loaded(Cycle, cycles),
        "discontinuations": _loaded(Discontinuation, ended),
        "reductions": _loaded(DoseReduction, reductions),
        "follow_up_visits": _loaded(FollowUpVisit, []),
        "collections": _loaded(Collection, collections or []),
    }
    return patient


def _loaded(kind: type[models.Model], rows: Sequence[models.Model]) -> models.QuerySet[models.Model]:
    """Rows as a prefetch leaves them: a query set that has its answer already."""
    found = kind._default_manager.all()
    found._result_cache = list(rows)
    found._prefetch_done = True
    return found


def _cycle(number: int, started_on: dt.date) -> Cycle:
    return Cycle(pk=number, number=number, started_on=started_on, due_on=started_on, rung=2, dose_label="10 mg")
