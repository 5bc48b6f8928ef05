"""The regimen on the patient's page: what is given in a cycle, computed where it depends on body size."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from labs.patient_case import PatientCase
from patients.doses_to_give import DoseToGive, dose_to_give
from patients.infusions import planned_infusions
from patients.regimen import DatedDose, doses_of_cycle
from patients.schedule import protocol_on
from trials.protocol import Dose, Protocol


@dataclass(frozen=True)
class RegimenDose:
    """One agent of a cycle. calculations: how the amount came about; none for a fixed dose. missing: why not known."""

    name: str
    amount: str
    route: str
    days: str
    dates: str
    calculations: tuple[str, ...] = ()
    missing: str = ""


def regimen_doses(case: PatientCase, cycle: int, rung: int, starts_on: dt.date) -> tuple[RegimenDose, ...]:
    """What is given in a cycle, by today's height and weight. cycle: its number; starts_on: its first day."""
    protocol = protocol_on(case.patient, starts_on)
    doses = protocol.cycle_doses(cycle, rung)
    dated = doses_of_cycle(protocol, cycle, rung, starts_on)
    return tuple(_shown(case, protocol, cycle, dose, one) for dose, one in zip(doses, dated, strict=True))


def _with(dated: DatedDose, amount: str, calculations: tuple[str, ...] = (), missing: str = "") -> RegimenDose:
    return RegimenDose(dated.name, amount, dated.route, dated.days, dated.dates, calculations, missing)


def _shown(case: PatientCase, protocol: Protocol, cycle: int, dose: Dose, dated: DatedDose) -> RegimenDose:
    if not dose.by_body_size:
        return _with(dated, dated.amount)
    usual = dose_to_give(case.patient, protocol, dose, case.today)
    if usual.amount is None:
        return _with(dated, dose.amount_words, missing=usual.words)
    if not _first_is_due(case, cycle, dose):
        return _with(dated, usual.amount_words, (usual.words,))
    first: DoseToGive = dose_to_give(case.patient, protocol, dose, case.today, is_loading=True)
    amount = f"{first.amount_words} the first time, then {usual.amount_words}"
    return _with(dated, amount, (first.words, usual.words))


def _first_is_due(case: PatientCase, cycle: int, dose: Dose) -> bool:
    """Whether the loading dose is still to be given, and in this cycle at the earliest."""
    if dose.loading_amount is None:
        return False
    if any(row.agent == dose.agent and row.given_on is not None for row in case.patient.administrations.all()):
        return False
    planned = planned_infusions(case.patient, case.cycles)
    before = (i for i in planned if i.dose.agent == dose.agent and i.open and i.cycle.number < cycle)
    return next(before, None) is None
