"""What can be done to a patient. One module per subject; every name is here."""

from patients.operations.activities import correct_activity, miss_activities, record_activities
from patients.operations.administrations import (
    correct_administration,
    record_administration,
    record_not_given,
)
from patients.operations.assessments import assess_dlt, assess_window, correct_window_assessment, replace_patient
from patients.operations.body_size import correct_measurement, record_measurement
from patients.operations.cycles import correct_cycle_start, record_cycle_doses, record_doses, start_cycle
from patients.operations.ending import correct_discontinuation, discontinue, review_continuation
from patients.operations.events import correct_adverse_event, record_adverse_event, resolve_adverse_event
from patients.operations.follow_up import correct_follow_up, record_follow_up
from patients.operations.interruptions import interrupt_dosing, resume_dosing
from patients.operations.outcomes import correct_outcome, record_outcome, record_outcomes
from patients.operations.reductions import reduce_dose, retreat
from patients.operations.registration import register_patient, release_reservation, reserve_for_patient
from patients.operations.screening import (
    check_eligibility,
    record_consent,
    record_screen_failure,
    screen_patient,
)

__all__ = [
    "assess_dlt",
    "assess_window",
    "check_eligibility",
    "correct_activity",
    "correct_administration",
    "correct_adverse_event",
    "correct_cycle_start",
    "correct_discontinuation",
    "correct_follow_up",
    "correct_measurement",
    "correct_outcome",
    "correct_window_assessment",
    "discontinue",
    "interrupt_dosing",
    "miss_activities",
    "record_activities",
    "record_administration",
    "record_adverse_event",
    "record_consent",
    "record_cycle_doses",
    "record_doses",
    "record_follow_up",
    "record_measurement",
    "record_not_given",
    "record_outcome",
    "record_outcomes",
    "record_screen_failure",
    "reduce_dose",
    "register_patient",
    "release_reservation",
    "replace_patient",
    "reserve_for_patient",
    "resolve_adverse_event",
    "resume_dosing",
    "retreat",
    "review_continuation",
    "screen_patient",
    "start_cycle",
]
