"""One patient on one day, with all that the patient's page says about it worked out once."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

from labs.queries import samples_of
from labs.schedule import DueCollection
from patients import schedule
from patients.activities import DueActivity, due_activities
from patients.evaluability import PatientStanding, standing_of
from patients.models import Consent, Cycle, EligibilityCheck, Patient
from patients.schedule import FollowUpDue, PlannedCycle, protocol_on
from trials.permissions import Permission
from trials.protocol import Protocol


@dataclass(frozen=True)
class PatientCase:
    """today: at the patient's site. allowed: what the reader may do there. The patient comes from `whole_patient`."""

    patient: Patient
    today: dt.date
    allowed: frozenset[Permission]

    @property
    def key(self) -> str:
        return self.patient.study.key

    @cached_property
    def protocol(self) -> Protocol:
        """What the patient follows today. What happened has the protocol of its own day."""
        return protocol_on(self.patient, self.today)

    def protocol_of_cycle(self, cycle: Cycle) -> Protocol:
        """What holds for a cycle: its length and its doses are those of the day on which it started."""
        return protocol_on(self.patient, cycle.started_on)

    @cached_property
    def cycles(self) -> list[Cycle]:
        return list(self.patient.cycles.all())

    @cached_property
    def samples(self) -> list[DueCollection]:
        return samples_of(self.patient, self.today)

    @cached_property
    def activities(self) -> list[DueActivity]:
        return due_activities(self.patient, self.cycles, self.patient.activities.all(), self.today)

    @cached_property
    def standing(self) -> PatientStanding | None:
        """None before registration."""
        return standing_of(self.patient, self.today) if self.registered else None

    @cached_property
    def planned(self) -> list[PlannedCycle]:
        return schedule.planned_cycles(self.patient, self.cycles, self.today)

    @property
    def next_cycle(self) -> PlannedCycle | None:
        return schedule.next_cycle(self.patient, self.cycles)

    @cached_property
    def follow_ups(self) -> list[FollowUpDue]:
        return schedule.follow_up_visits(self.patient) if self.registered else []

    @property
    def registered(self) -> bool:
        return self.patient.registered_at is not None

    @property
    def on_treatment(self) -> bool:
        return self.patient.status == Patient.Status.ON_TREATMENT

    @property
    def consent(self) -> Consent | None:
        return getattr(self.patient, "consent", None)

    @property
    def eligibility(self) -> EligibilityCheck | None:
        return getattr(self.patient, "eligibility", None)

    @property
    def ended_on(self) -> dt.date | None:
        return schedule.treatment_ended_on(self.patient)

    @property
    def place(self) -> tuple[Cycle, int] | None:
        """The started cycle of today and the day in it."""
        return schedule.place_in_cycle(self.cycles, self.today)

    def may(self, permission: Permission) -> bool:
        return permission in self.allowed

    @property
    def dose_now(self) -> str:
        """The label of the rung in force today; for a registered patient."""
        return self.protocol.reductions.ladder[schedule.rung_on(self.patient, self.today)].label
