"""The tally of now: who counts at which dose, who is still pending, and who does not count and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from dosing.engine import DoseTally
from patients.evaluability import PatientStanding, Standing, standing_of
from patients.queries import patients_with_dlt_data
from trials.clock import day_of
from trials.models import Cohort, DoseLevel, Part, ProtocolVersion, Slot, Study


@dataclass(frozen=True)
class TrialTally:
    """Everybody registered, each standing once at the dose level they were assigned, and the newest cohort's slots.

    Read with a constant number of queries, however many patients there are.
    """

    study: Study
    version: ProtocolVersion
    moment: dt.datetime
    levels: tuple[DoseLevel, ...]
    parts: tuple[Part, ...]
    cohorts: tuple[Cohort, ...]
    slots: tuple[Slot, ...]
    standings: tuple[PatientStanding, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(level.label for level in self.levels)

    @property
    def cohort(self) -> Cohort | None:
        """The newest cohort, open or closed."""
        return self.cohorts[-1] if self.cohorts else None

    @property
    def open_cohort(self) -> Cohort | None:
        return next((c for c in self.cohorts if c.closed_at is None), None)

    @cached_property
    def in_escalation(self) -> tuple[PatientStanding, ...]:
        return self.in_part(Part.Kind.ESCALATION)

    def in_part(self, kind: str) -> tuple[PatientStanding, ...]:
        return tuple(s for s in self.standings if part_of(s).kind == kind)

    def part(self, kind: str) -> Part | None:
        return next((p for p in self.parts if p.kind == kind), None)

    @property
    def in_expansion(self) -> bool:
        """Whether the expansion part has opened."""
        expansion = self.part(Part.Kind.EXPANSION)
        return expansion is not None and expansion.opened_at is not None

    @property
    def escalation(self) -> DoseTally:
        """The tally that the next dose is decided on: the escalation part only."""
        return self.counts(self.in_escalation)

    @property
    def pooled(self) -> DoseTally:
        """The tally that toxicity is monitored on in expansion: both parts."""
        return self.counts(self.standings)

    def counts(self, standings: Iterable[PatientStanding]) -> DoseTally:
        """n and y per dose level of these patients."""
        counted = [s for s in standings if s.counts]
        return DoseTally(treated=self._per_level(counted), dlts=self._per_level(s for s in counted if s.has_dlt))

    @property
    def pending(self) -> tuple[int, ...]:
        """Pending patients of the escalation part, per dose level."""
        return self._per_level(s for s in self.in_escalation if s.standing == Standing.PENDING)

    @property
    def current_dose(self) -> int:
        """The dose of the newest cohort in which somebody was registered; the newest cohort's while nobody was."""
        if not self.cohorts:
            return self.version.protocol.escalation.start_level
        used = {slot_of(s).cohort_id for s in self.standings}
        newest = next((c for c in reversed(self.cohorts) if c.pk in used), self.cohorts[-1])
        return newest.level.ordinal

    @property
    def of_cohort(self) -> tuple[PatientStanding, ...]:
        """The patients of the newest cohort."""
        return tuple(s for s in self.standings if self.cohort and slot_of(s).cohort_id == self.cohort.pk)

    @property
    def free_slots(self) -> tuple[Slot, ...]:
        """The newest cohort's slots that somebody can still take, while it is open.

        The place for the replacement of a patient who counts after all is none: it is neither waited for nor given out.
        """
        if self.open_cohort is None:
            return ()
        counting = {slot_of(s).pk for s in self.standings if s.counts}
        return tuple(s for s in self.slots if s.used_at is None and s.replaces_id not in counting)

    @property
    def reserved_slots(self) -> tuple[Slot, ...]:
        return tuple(s for s in self.free_slots if s.reserved_until is not None and s.reserved_until > self.moment)

    @cached_property
    def _codes_by_slot(self) -> dict[int, str]:
        return {slot_of(s).pk: s.patient.code for s in self.standings}

    def replaced_by(self, standing: PatientStanding) -> str:
        """The code of the patient who took the replacement's place; empty while nobody has."""
        if not standing.replaced:
            return ""
        return self._codes_by_slot.get(slot_of(standing).replaced_by.pk, "")

    def _per_level(self, standings: Iterable[PatientStanding]) -> tuple[int, ...]:
        ordinals = [level_of(s).ordinal for s in standings]
        return tuple(ordinals.count(level.ordinal) for level in self.levels)


def tally_now(study: Study, moment: dt.datetime) -> TrialTally:
    """The tally of a study at a moment; each patient's window is looked at on the day of the patient's site.

    Before the study is live it is empty, over the levels of the newest draft.
    """
    people = patients_with_dlt_data(study)
    cohorts = tuple(study.cohorts.select_related("part", "level").order_by("number"))
    slots = Slot.objects.filter(cohort=cohorts[-1]) if cohorts else Slot.objects.none()
    return TrialTally(
        study=study,
        version=_version_in_force(study),
        moment=moment,
        levels=tuple(study.levels.order_by("ordinal")),
        parts=tuple(study.parts.all()),
        cohorts=cohorts,
        slots=tuple(slots.select_related("reserved_for_site", "cohort").order_by("number")),
        standings=tuple(standing_of(p, day_of(moment, p.site.time_zone)) for p in people),
    )


def _version_in_force(study: Study) -> ProtocolVersion:
    live = [v for v in study.versions.order_by("number") if v.status == ProtocolVersion.Status.LIVE]
    return live[0] if live else study.versions.latest("number")


def level_of(standing: PatientStanding) -> DoseLevel:
    """The level a registered patient was assigned."""
    assert standing.patient.assigned_level is not None
    return standing.patient.assigned_level


def part_of(standing: PatientStanding) -> Part:
    assert standing.patient.part is not None
    return standing.patient.part


def slot_of(standing: PatientStanding) -> Slot:
    assert standing.patient.slot is not None
    return standing.patient.slot
