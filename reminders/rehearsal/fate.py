"""What will happen to each patient of a rehearsal: drawn from its seed and the patient's code, and never stored.

One patient's draws are the same whatever is true about toxicity, so two scenarios with one seed differ by the
toxicity alone. Source of the events: whatever fires one of the protocol's own DLT rules.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from patients import ctcae, schedule
from patients.dlt_rules import rule_that_fires
from patients.evaluability import planned_in_window
from patients.models import Patient
from reminders.rehearsal.course import RELATED, Body, Course, Happening
from trials.protocol import Protocol

# Where a rule names no terms: what patients of phase I trials have, most of it not of the blood.
COMMON_TERMS = (
    "Diarrhea", "Fatigue", "Vomiting", "Rash maculo-papular", "Alanine aminotransferase increased",
    "Neutrophil count decreased", "Platelet count decreased", "Febrile neutropenia", "Hypertension",
)  # fmt: skip
MILD_TERMS = ("Fatigue", "Nausea", "Constipation", "Rash maculo-papular", "Diarrhea", "Upper respiratory infection")
DEADLY = 5
MOST_CYCLES = 10
GOES_ON = 0.7  # the chance that a patient has another cycle after the DLT window


@dataclass(frozen=True)
class Scenario:
    """What is true of a rehearsal. toxicity: per dose level, from the lowest, the probability of a DLT.

    late_starts: the chance that a cycle starts late. missed_doses: the chance that a patient does not count, because
    of too few doses in the DLT window or, where there is a lead-in, of leaving in it.
    """

    toxicity: tuple[float, ...]
    patients_per_week: float = 1.0
    late_starts: float = 0.1
    missed_doses: float = 0.05

    def to_dict(self) -> dict[str, Any]:
        return {
            "toxicity": list(self.toxicity),
            "patients_per_week": self.patients_per_week,
            "late_starts": self.late_starts,
            "missed_doses": self.missed_doses,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Scenario":
        return cls(**{**stored, "toxicity": tuple(stored["toxicity"])})


def _chance(seed: int, about: object) -> Random:
    """Draws that are the same in every process."""
    return Random(f"{seed}/{about}")  # noqa: S311 -- nothing secret


def arrivals_on(scenario: Scenario, seed: int, day: int) -> int:
    """How many patients come to the site on a day of the rehearsal, counted from its first: a Poisson number.

    The same for the seed whoever asks, and whenever the rehearsal was made.
    """
    draw, limit, count = _chance(seed, f"day {day}"), math.exp(-scenario.patients_per_week / 7), 0
    product = draw.random()
    while product > limit:
        count, product = count + 1, product * draw.random()
    return count


def course_of(patient: Patient, scenario: Scenario, seed: int) -> Course:
    """A registered patient's course, over loaded rows."""
    assert patient.assigned_level is not None  # registered patients have one
    protocol, draw = schedule.protocol_of(patient), _chance(seed, patient.code)
    toxic = draw.random() < scenario.toxicity[patient.assigned_level.ordinal - 1]
    dose_limiting, mild = _dlt(protocol, draw), _mild(protocol, draw)
    does_not_count, in_lead_in = draw.random() < scenario.missed_doses, draw.random() < 0.5
    leaves, body = _leaves(protocol, draw), _body(draw)
    left_early = None
    if does_not_count and in_lead_in and protocol.lead_in is not None:
        left_early = (0, min(8, protocol.lead_in.length_days), leaves[2])
    toxic = toxic and not does_not_count
    return Course(
        site=patient.site.code,
        taken=_too_few(patient) if does_not_count else None,
        events=(*mild, dose_limiting) if toxic and left_early is None else mild,
        late=_late(protocol, scenario, draw),
        leaves=left_early or (None if toxic else leaves),
        improves=draw.uniform(0, 0.6),
        body=body,
    )


def _dlt(protocol: Protocol, draw: Random) -> Happening:
    """An event that fires one of the protocol's rules, on a day of the DLT window; it ends treatment."""
    window = protocol.dlt.window
    term, grade = draw.choice(list(_toxicities(protocol)) or [("Fatigue", 3)])
    return Happening(
        cycle=window.cycle,
        day=draw.randint(window.from_day, window.to_day),
        term=term,
        grade=grade,
        dlt=True,
        lasts=11,
        serious=True,
        ends_treatment=True,
    )


def _toxicities(protocol: Protocol) -> Iterator[tuple[str, int]]:
    """Terms with the lowest grade at which a rule fires and nobody dies."""
    for rule in protocol.dlt.rules:
        for name in rule.terms or COMMON_TERMS:
            term = ctcae.find(name)
            if term is None or term.needs_detail:
                continue
            grades = (g for g in term.possible_grades if rule.minimum_grade <= g < DEADLY)
            grade = next((g for g in grades if _fires(protocol, term.name, g)), None)
            if grade is not None:
                yield term.name, grade


def _mild(protocol: Protocol, draw: Random) -> tuple[Happening, ...]:
    """For half of the patients something that is no DLT."""
    happens, term, grade = draw.random() < 0.5, draw.choice(MILD_TERMS), draw.choice((1, 2))
    cycle, day = draw.choice((protocol.first_cycle, 1, 2)), draw.randint(2, 14)
    day = min(day, protocol.cycle_length(cycle))
    found = ctcae.find(term)
    if not happens or found is None or grade not in found.possible_grades or _fires(protocol, term, grade):
        return ()
    return (Happening(cycle, day, term, grade, lasts=None if grade == 1 else 9),)


def _fires(protocol: Protocol, term: str, grade: int) -> bool:
    relations = {agent.code: RELATED for agent in protocol.agents if agent.investigational}
    return rule_that_fires(protocol, term, grade, relations) is not None


def _leaves(protocol: Protocol, draw: Random) -> tuple[int, int, str]:
    """When treatment ends without a DLT: some time after the window, for one of the protocol's reasons."""
    window = protocol.dlt.window
    number = window.cycle + math.ceil(window.to_day / protocol.cycle.length_days)
    more = [draw.random() < GOES_ON for _ in range(MOST_CYCLES)]
    number += more.index(False) if False in more else MOST_CYCLES
    return number, draw.randint(1, protocol.cycle.length_days), draw.choice(protocol.discontinuation).code


def _late(protocol: Protocol, scenario: Scenario, draw: Random) -> tuple[tuple[int, int], ...]:
    """The cycles that start late, by no more days than a start may lie outside its plan."""
    late = []
    for number in range(protocol.first_cycle, 2 * MOST_CYCLES):
        chance, days = draw.random(), draw.randint(1, 7)
        days = min(days, protocol.delay.limit_days)
        if chance < scenario.late_starts and days:
            late.append((number, days))
    return tuple(late)


def _too_few(patient: Patient) -> int | None:
    """The most doses that do not reach the protocol's minimum exposure; None before the window is known."""
    window = schedule.dlt_window(patient, list(patient.cycles.all()))
    if window is None:
        return None
    planned = len(planned_in_window(patient, window))
    needed = math.ceil(schedule.protocol_of(patient).dlt.minimum_exposure.fraction * planned)
    return max(0, needed - 1)


def _body(draw: Random) -> Body:
    """Height, and a weight that fits it."""
    height, mass_index = draw.uniform(155, 190), draw.uniform(20, 31)
    return Body(round(height, 1), round(mass_index * (height / 100) ** 2, 1), round(draw.uniform(-0.8, 0.5), 2))
