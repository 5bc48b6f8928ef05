"""Patients as if they had been loaded from the database, made in memory: for rules that only read."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from patients.models import (
    AdverseEvent,
    Attribution,
    Cycle,
    Discontinuation,
    DltAssessment,
    DoseReduction,
    Interruption,
    Patient,
    WindowAssessment,
)
from tests.cast import ANTI_MAG
from trials.models import DoseLevel, Part, ProtocolVersion, Site, Study, VersionAtSite
from trials.protocol_checks import read_study_file

DEFINITION, PROTOCOL = read_study_file(ANTI_MAG.read_text())


@dataclass
class Judged:
    """A judgement; about the event as it is, in the window, unless said otherwise."""

    is_dlt: bool
    confirmed: bool
    rule: str
    grade: int | None = None
    term: str = ""
    in_window: bool = True


@dataclass
class Happened:
    term: str
    grade: int
    onset_on: dt.date
    relations: dict[str, str]
    judgements: list[Judged] = field(default_factory=list)


def loaded_patient(
    *,
    started_on: dt.date | None,
    events: Sequence[Happened] = (),
    ended_on: dt.date | None = None,
    taken: int | None = None,
    planned: int = 21,
    closed_on: dt.date | None = None,
) -> Patient:
    """A patient registered at 15 mg. taken: None where the window has not been assessed."""
    study = Study(pk=1, key="anti-mag", time_zone="UTC")
    version = ProtocolVersion(pk=1, study=study, number=1, definition=DEFINITION)
    patient = Patient(
        pk=1,
        code="A-001",
        study=study,
        site=Site(pk=1, study=study, code="A", time_zone="UTC"),
        version=version,
        part=Part(pk=1, study=study, kind="escalation"),
        assigned_level=DoseLevel(pk=2, study=study, ordinal=2, label="15 mg"),
    )
    _have(patient.site, versions=list[VersionAtSite]())
    rung = PROTOCOL.rung_of_level(2)
    cycles = [Cycle(pk=1, patient=patient, number=1, started_on=started_on, rung=rung)] if started_on else []
    ends = [Discontinuation(pk=1, patient=patient, number=1, on=ended_on)] if ended_on else []
    _have(
        patient,
        cycles=cycles,
        discontinuations=ends,
        reductions=list[DoseReduction](),
        interruptions=list[Interruption](),
        adverse_events=[_event(patient, number, e) for number, e in enumerate(events, start=1)],
    )
    if taken is not None and started_on is not None:
        last = closed_on or started_on + dt.timedelta(days=27)
        WindowAssessment(pk=1, patient=patient, taken=taken, planned=planned, closed_on=last)
    else:
        patient._state.fields_cache["window_assessment"] = None
    return patient


def _event(patient: Patient, number: int, happened: Happened) -> AdverseEvent:
    event = AdverseEvent(
        pk=number, patient=patient, term=happened.term, grade=happened.grade, onset_on=happened.onset_on
    )
    _have(
        event,
        attributions=[Attribution(event=event, agent=a, relation=r) for a, r in happened.relations.items()],
        dlt_assessments=[
            DltAssessment(
                pk=n,
                event=event,
                is_dlt=j.is_dlt,
                confirmed=j.confirmed,
                rule=j.rule,
                term=j.term or happened.term,
                grade=j.grade or happened.grade,
                relations=happened.relations,
                in_window=j.in_window,
            )
            for n, j in enumerate(happened.judgements, start=1)
        ],
    )
    return event


def _have(instance: Any, **related: list[Any]) -> None:
    """Put rows where a prefetch would have put them."""
    cache = {}
    for name, rows in related.items():
        cache[name] = instance._meta.get_field(name).related_model.objects.all()
        cache[name]._result_cache, cache[name]._prefetch_done = rows, True
    instance._prefetched_objects_cache = cache
