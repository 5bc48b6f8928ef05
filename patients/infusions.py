"""The infusions (and injections) planned for a patient, each with what was recorded about it. Pure over loaded rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from patients import schedule
from patients.doses_to_give import DoseToGive, dose_to_give, is_first
from patients.models import Administration, Cycle, Patient
from trials.protocol import Dose, Protocol
from trials.protocol_schedule import signed_words

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class PlannedInfusion:
    """One planned day of an agent that is given dose by dose. interrupted: the day lies in an interruption."""

    cycle: Cycle
    day: int
    dose: Dose
    planned_on: dt.date
    window_from: dt.date
    window_to: dt.date
    recorded: Administration | None
    interrupted: bool

    @property
    def open(self) -> bool:
        """Whether something is still to be recorded about it."""
        return self.recorded is None and not self.interrupted

    def day_words(self, protocol: Protocol) -> str:
        """'day 8'; in the lead-in 'day −14'."""
        if self.cycle.number == 0 and protocol.lead_in is not None:
            return f"day {signed_words(protocol.lead_in.day_at(self.day))}"
        return f"day {self.day}"

    @property
    def noun(self) -> str:
        return noun(self.dose)


def noun(dose: Dose) -> str:
    """What giving it is called."""
    return "infusion" if dose.route == "intravenous" else "injection"


def planned_infusions(patient: Patient, cycles: Sequence[Cycle]) -> list[PlannedInfusion]:
    """Those of all started cycles, by day, up to the end of treatment."""
    found = [infusion for cycle in cycles for infusion in _of_cycle(patient, cycle)]
    return sorted(found, key=lambda infusion: (infusion.planned_on, infusion.dose.agent))


def to_give(patient: Patient, infusion: PlannedInfusion, on: dt.date) -> DoseToGive:
    """The dose of an infusion if it is given on this day."""
    first = is_first(patient, infusion.dose, infusion.planned_on)
    protocol = schedule.protocol_on(patient, infusion.cycle.started_on)
    return dose_to_give(patient, protocol, infusion.dose, on, is_loading=first, before=infusion.planned_on)


def given_in(patient: Patient, cycles: Sequence[Cycle], agent: str, days: Sequence[dt.date]) -> int:
    """How many of an agent's infusions planned on these days were given."""
    recorded = (i for i in planned_infusions(patient, cycles) if i.dose.agent == agent and i.planned_on in days)
    return sum(i.recorded is not None and i.recorded.outcome == Administration.Outcome.GIVEN for i in recorded)


def _of_cycle(patient: Patient, cycle: Cycle) -> Iterator[PlannedInfusion]:
    protocol = schedule.protocol_on(patient, cycle.started_on)
    agents = {dose.agent for dose in protocol.all_doses if dose.given_singly}
    if not agents:
        return
    window = protocol.administrations.window
    rows = {(r.cycle_id, r.agent, r.day): r for r in patient.administrations.all()}
    for agent in agents:
        for planned_on in schedule.planned_dose_days(patient, cycle, agent):
            day = (planned_on - cycle.started_on).days + 1
            recorded = rows.get((cycle.pk, agent, day))
            dose = _dose_on(patient, cycle, agent, planned_on)
            if recorded is None and (dose is None or _after_the_end(patient, planned_on)):
                continue
            yield PlannedInfusion(
                cycle=cycle,
                day=day,
                dose=dose or _dose_of(protocol.cycle_doses(cycle.number, cycle.rung), agent),
                planned_on=planned_on,
                window_from=max(planned_on - window.before * ONE_DAY, cycle.started_on),
                window_to=planned_on + window.after * ONE_DAY,
                recorded=recorded,
                interrupted=_interrupted(patient, agent, planned_on),
            )


def _dose_on(patient: Patient, cycle: Cycle, agent: str, day: dt.date) -> Dose | None:
    """The agent's dose on the rung in force that day: a reduction within the cycle counts from its first day."""
    rung = max(cycle.rung, schedule.rung_on(patient, day))
    doses = schedule.protocol_on(patient, cycle.started_on).cycle_doses(cycle.number, rung)
    return next((dose for dose in doses if dose.agent == agent), None)


def _dose_of(doses: Sequence[Dose], agent: str) -> Dose:
    return next(dose for dose in doses if dose.agent == agent)


def _after_the_end(patient: Patient, day: dt.date) -> bool:
    """Whether treatment had ended by that day, and had not been taken up again."""
    ends = ((d.on, d.retreated_on or dt.date.max) for d in patient.discontinuations.all())
    return any(ended < day < resumed for ended, resumed in ends)


def _interrupted(patient: Patient, agent: str, day: dt.date) -> bool:
    rows = (i for i in patient.interruptions.all() if i.agent == agent)
    return any(i.from_day <= day <= (i.to_day or dt.date.max) for i in rows)
