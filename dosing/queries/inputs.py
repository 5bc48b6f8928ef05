"""The inputs of a recommendation as they are now: what it would store, and what a stored one is compared with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dosing.engine import BoundaryRow, design_from_parameters
from dosing.models import Recommendation
from dosing.queries.tally import TrialTally, level_of, part_of, slot_of
from patients.evaluability import PatientStanding
from trials.protocol import Protocol

Kind = Recommendation.Kind


def design_of_protocol(protocol: Protocol) -> Any:
    """The engine's design: the study file's parameters, with sizes and starting level from its escalation part.

    Raises ValueError naming the parameter, the value and what is allowed.
    """
    plan = protocol.escalation
    sizes = {"max_patients": plan.maximum_patients, "cohort_size": plan.cohort_size, "start_dose": plan.start_level}
    return design_from_parameters(protocol.design.name, {**sizes, **protocol.design.parameters})


def planned_patients(protocol: Protocol) -> int:
    """The most patients there can be at one dose: those of both parts."""
    return protocol.escalation.maximum_patients + (protocol.expansion.patients if protocol.expansion else 0)


def boundary_rows(protocol: Protocol) -> list[BoundaryRow]:
    """The design's decision table for n = 1 up to all planned patients."""
    return list(design_of_protocol(protocol).boundaries(max_n=planned_patients(protocol)))


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
