"""When a patient's infusions are due and height and weight are needed, from dates and codes alone.

As `patients.infusions` and `patients.measurements_needed` have it, on the safe side, for many patients in a fixed
number of queries; in none where the study neither infuses nor doses by body size.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import F, QuerySet

from patients.models import (
    Administration,
    BodyMeasurement,
    Cycle,
    Discontinuation,
    DoseReduction,
    Interruption,
    Patient,
)
from reminders.items import Kind
from trials.protocol import Dose, Protocol

ONE_DAY = dt.timedelta(days=1)
Due = tuple[dt.date, Kind]
ProtocolOn = Callable[[dt.date], Protocol]
Span = tuple[dt.date, dt.date]


@dataclass
class _Known:
    """What is known about one patient's doses. Cycles: number, start, rung. Recorded: cycle number, agent, day.

    pauses: between the end of treatment and a re-treatment, or for good; neither day is part of it.
    """

    level: int
    cycles: list[tuple[int, dt.date, int]] = field(default_factory=list)
    recorded: set[tuple[int, str, int]] = field(default_factory=set)
    reductions: list[tuple[dt.date, int]] = field(default_factory=list)
    interruptions: list[tuple[str, Span]] = field(default_factory=list)
    pauses: list[Span] = field(default_factory=list)
    measured: list[dt.date] = field(default_factory=list)

    def rung(self, at_least: int, day: dt.date) -> int:
        return max([at_least, *(rung for effective_on, rung in self.reductions if effective_on <= day)])

    def is_given(self, agent: str, day: dt.date) -> bool:
        """Whether the day lies neither after the end of treatment nor in an interruption."""
        if any(ended < day < resumed for ended, resumed in self.pauses):
            return False
        return not any(a == agent and first <= day <= last for a, (first, last) in self.interruptions)


class DoseDates:
    """The doses of all these patients, loaded at once."""

    def __init__(self, patients: QuerySet[Patient], protocols: Iterable[Protocol], horizon: dt.date) -> None:
        self.horizon = horizon
        self._doses: dict[tuple[int, bool, int], tuple[Dose, ...]] = {}
        wanted = any(dose.given_singly or dose.by_body_size for p in protocols for dose in p.all_doses)
        self._known = _load(patients) if wanted else {}

    def due(self, pk: int, protocol_on: ProtocolOn, next_number: int, next_start: dt.date | None) -> Iterator[Due]:
        """next_start: the expected start of the cycle to start next; None where none is to start."""
        known = self._known.get(pk)
        if known is None:
            return
        for number, start, rung in known.cycles:
            yield from self._infusions(known, protocol_on(start), number, start, rung)
        if known.cycles and next_start is not None:
            number, start, rung = known.cycles[-1]
            yield from self._course(known, protocol_on(start), number, start, rung)
        if next_start is not None:
            yield from self._next_cycle(known, protocol_on(next_start), next_number, next_start)

    def _infusions(self, known: _Known, protocol: Protocol, number: int, start: dt.date, rung: int) -> Iterator[Due]:
        window = protocol.administrations.window
        for dose in self._given(protocol, number, rung):
            for day in dose.days if dose.given_singly else ():
                on = start + (day - 1) * ONE_DAY
                if (number, dose.agent, day) in known.recorded or not known.is_given(dose.agent, on):
                    continue
                now = self._given(protocol, number, known.rung(rung, on))
                if any(other.agent == dose.agent for other in now):
                    yield max(on - window.before * ONE_DAY, start), Kind.INFUSION
                    if dose.by_body_size and _is_wanting(known, protocol, on, on + window.after * ONE_DAY):
                        yield on, Kind.MEASUREMENT

    def _course(self, known: _Known, protocol: Protocol, number: int, start: dt.date, rung: int) -> Iterator[Due]:
        """Of the newest cycle, while treatment goes on; before and after a reduction that may take effect by then."""
        rungs = {rung, known.rung(rung, self.horizon)}
        for dose in (dose for rung in rungs for dose in self._given(protocol, number, rung)):
            if dose.by_body_size and not dose.given_singly:
                days = (start + (day - 1) * ONE_DAY for day in dose.days)
                taken = [on for on in days if known.is_given(dose.agent, on)]
                if taken and _is_wanting(known, protocol, taken[0], taken[-1]):
                    yield taken[0], Kind.MEASUREMENT

    def _next_cycle(self, known: _Known, protocol: Protocol, number: int, start: dt.date) -> Iterator[Due]:
        rung = known.rung(protocol.rung_of_level(known.level), start)
        for dose in self._given(protocol, number, rung):
            on = start + (dose.days[0] - 1) * ONE_DAY
            if dose.by_body_size and _is_wanting(known, protocol, on, max(on, self.horizon)):
                yield on, Kind.MEASUREMENT

    def _given(self, protocol: Protocol, number: int, rung: int) -> tuple[Dose, ...]:
        """What a cycle gives; worked out once for the lead-in and once for the others."""
        which = (id(protocol), number == 0, rung)
        if which not in self._doses:
            self._doses[which] = protocol.cycle_doses(number, rung)
        return self._doses[which]


def _is_wanting(known: _Known, protocol: Protocol, on: dt.date, last: dt.date) -> bool:
    """Whether a dose given up to this last day may find height and weight missing or out of date."""
    newest = max((day for day in known.measured if day <= last), default=None)
    plan = protocol.calculation
    if newest is None or plan is None:
        return plan is not None
    return plan.measurement_days is not None and (last - newest).days > plan.measurement_days


def _load(patients: QuerySet[Patient]) -> dict[int, _Known]:
    levels = patients.order_by().filter(assigned_level__isnull=False).values_list("pk", "assigned_level__ordinal")
    known = {pk: _Known(level) for pk, level in levels}
    among = {"patient__in": patients.order_by().filter(assigned_level__isnull=False).values("pk")}
    cycles = Cycle.objects.filter(**among).order_by("patient", "number")
    for pk, number, start, rung in cycles.values_list("patient_id", "number", "started_on", "rung"):
        known[pk].cycles.append((number, start, rung))
    recorded = Administration.objects.filter(**among).order_by().annotate(number=F("cycle__number"))
    for pk, number, agent, day in recorded.values_list("patient_id", "number", "agent", "day"):
        known[pk].recorded.add((number, agent, day))
    reductions = DoseReduction.objects.filter(**among).order_by()
    for pk, effective_on, rung in reductions.values_list("patient_id", "effective_on", "to_rung"):
        known[pk].reductions.append((effective_on, rung))
    interruptions = Interruption.objects.filter(**among).order_by()
    for pk, agent, first, last in interruptions.values_list("patient_id", "agent", "from_day", "to_day"):
        known[pk].interruptions.append((agent, (first, last or dt.date.max)))
    ends = Discontinuation.objects.filter(**among).order_by()
    for pk, ended_on, resumed_on in ends.values_list("patient_id", "on", "retreated_on"):
        known[pk].pauses.append((ended_on, resumed_on or dt.date.max))
    measured = BodyMeasurement.objects.filter(**among).order_by()
    for pk, measured_on in measured.values_list("patient_id", "measured_on"):
        known[pk].measured.append(measured_on)
    return known
