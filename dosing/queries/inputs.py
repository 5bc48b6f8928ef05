"""The inputs of a recommendation as they are now: what it would store, and what a stored one is compared with."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from dosing.engine import DESIGNS, BoundaryRow, design_from_parameters
from dosing.models import Recommendation
from dosing.queries.tally import TrialTally, level_of, part_of, slot_of
from patients.evaluability import PatientStanding
from trials.protocol import Protocol

Kind = Recommendation.Kind

# Parameters of a design that a study file gives in its escalation part, each with its name there.
IN_THE_PLAN = {"max_patients": "maximum_patients", "cohort_size": "cohort_size", "start_dose": "start_level"}


def design_of_protocol(protocol: Protocol) -> Any:
    """The engine's design: the study file's parameters, with sizes and starting level from its escalation part.

    Raises ValueError naming the parameter, the value and what is allowed.
    """
    plan, kind = protocol.escalation, DESIGNS[protocol.design.name]
    known = {field.name for field in fields(kind)}
    sizes = {name: getattr(plan, size) for name, size in IN_THE_PLAN.items() if name in known}
    return design_from_parameters(protocol.design.name, {**sizes, **protocol.design.parameters})


def boundary_rows(protocol: Protocol) -> list[BoundaryRow]:
    """The design's table for n = 1 up to the most patients there can be at one dose: those of both parts.

    The safety stop reads it, so it is the table for monitoring: up to what the escalation treats, the escalation's own.
    """
    design = design_of_protocol(protocol)
    most = design.most_at_a_dose + (protocol.expansion.patients if protocol.expansion else 0)
    return list(design.monitoring_boundaries(max_n=most))


def inputs_now(tally: TrialTally, kind: Kind) -> dict[str, Any]:
    """All that decides, as JSON. Monitoring looks at those who count only: its pending patients wait for nobody."""
    monitoring = kind == Kind.MONITORING
    standings = tally.standings if monitoring else tally.in_escalation
    counts = tally.pooled if monitoring else tally.escalation
    design = design_of_protocol(tally.version.protocol)
    assert tally.cohort is not None
    # The MTD settled anew in expansion: a dose that the expansion has left is not gone back to.
    again = {"highest_dose": tally.cohort.level.ordinal} if kind == Kind.MTD and tally.in_expansion else {}
    return {
        "kind": kind.value,
        "study": tally.study.key,
        "protocol_version": tally.version.number,
        "cohort": tally.cohort.number,
        "current_dose": tally.cohort.level.ordinal if monitoring else tally.current_dose,
        "doses": list(tally.labels),
        "closed_from": next((lv.ordinal for lv in tally.levels if lv.closed_at is not None), None),
        "tally": {"treated": list(counts.treated), "dlts": list(counts.dlts)},
        "pending": [0] * len(tally.levels) if monitoring else list(tally.pending),
        "design": {"name": design.name, "parameters": design.parameters()},
        "patients": [_patient(s) for s in standings if s.counts or not monitoring],
        **again,
    }


def _patient(standing: PatientStanding) -> dict[str, Any]:
    return {
        "patient": standing.patient.code,
        "level": level_of(standing).ordinal,
        "part": part_of(standing).kind,
        "cohort": slot_of(standing).cohort.number,
        "standing": standing.standing.value,
    }


def row_json(row: BoundaryRow) -> dict[str, int | None]:
    return asdict(row)
