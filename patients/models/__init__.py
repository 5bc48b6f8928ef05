"""Patients and what happens to them. One module per subject; every name is here."""

from patients.models.course import ActivityRecord, FollowUpVisit, OutcomeValue
from patients.models.doses import Administration, BodyMeasurement
from patients.models.events import AdverseEvent, Attribution, DltAssessment, WindowAssessment
from patients.models.people import Consent, EligibilityCheck, Patient, PatientQuerySet, versions_at_sites
from patients.models.treatment import (
    ContinuationReview,
    Cycle,
    Discontinuation,
    DoseReduction,
    DosesTaken,
    Interruption,
)

__all__ = [
    "ActivityRecord",
    "Administration",
    "AdverseEvent",
    "Attribution",
    "BodyMeasurement",
    "Consent",
    "ContinuationReview",
    "Cycle",
    "Discontinuation",
    "DltAssessment",
    "DoseReduction",
    "DosesTaken",
    "EligibilityCheck",
    "FollowUpVisit",
    "Interruption",
    "OutcomeValue",
    "Patient",
    "PatientQuerySet",
    "WindowAssessment",
    "versions_at_sites",
]
