"""The words of the history: what each table is called, which of its columns are told, and what they are called."""

from dataclasses import dataclass

from django.db import models


class Subject(models.TextChoices):
    """What the history can be narrowed to."""

    REGISTRATION = "registration", "Screening and registration"
    TREATMENT = "treatment", "Cycles, doses and reductions"
    EVENTS = "events", "Adverse events and DLTs"
    SAMPLES = "samples", "Samples"
    ACTIVITIES = "activities", "Visits and activities"
    OUTCOMES = "outcomes", "Outcomes and event monitoring"
    DECISIONS = "decisions", "Dose decisions"
    STUDY = "study", "Study, sites and people"


@dataclass(frozen=True)
class Words:
    """noun: what a row is. told: the columns that are told when it is recorded, in order."""

    noun: str
    subject: Subject
    told: tuple[str, ...] = ()


_S = Subject
WORDS: dict[str, Words] = {
    "patients_patient": Words("Patient", _S.REGISTRATION, ("site_id", "status", "screened_on")),
    "patients_consent": Words("Consent", _S.REGISTRATION, ("signed_on", "form_version")),
    "patients_eligibilitycheck": Words("Eligibility", _S.REGISTRATION, ("eligible", "answers", "checked_on")),
    "patients_cycle": Words("Cycle", _S.TREATMENT, ("number", "dose_label", "started_on", "due_on")),
    "patients_dosestaken": Words("Doses taken", _S.TREATMENT, ("cycle_id", "agent", "taken", "planned")),
    "patients_bodymeasurement": Words("Height and weight", _S.TREATMENT, ("height_cm", "weight_kg", "measured_on")),
    "patients_administration": Words(
        "Infusion",
        _S.TREATMENT,
        ("cycle_id", "agent", "day", "outcome", "given_amount", "unit", "given_on", "amount_to_give", "reason"),
    ),
    "patients_interruption": Words("Interruption", _S.TREATMENT, ("cycle_id", "agent", "from_day", "to_day", "reason")),
    "patients_dosereduction": Words(
        "Dose reduction",
        _S.TREATMENT,
        ("number", "from_rung", "to_rung", "effective_on", "cause", "event_id", "explanation"),
    ),
    "patients_discontinuation": Words("Discontinuation", _S.TREATMENT, ("reason_code", "on", "event_id", "detail")),
    "patients_continuationreview": Words(
        "Continuation review", _S.TREATMENT, ("continues", "reviewed_on", "explanation")
    ),
    "patients_adverseevent": Words(
        "Adverse event", _S.EVENTS, ("term", "detail", "grade", "onset_on", "resolved_on", "serious")
    ),
    "patients_attribution": Words("Attribution", _S.EVENTS, ("event_id", "agent", "relation")),
    "patients_dltassessment": Words(
        "DLT judgement", _S.EVENTS, ("event_id", "is_dlt", "rule", "rationale", "confirmed")
    ),
    "patients_windowassessment": Words("DLT window", _S.EVENTS, ("taken", "planned", "closed_on")),
    "patients_activityrecord": Words(
        "Activity",
        _S.ACTIVITIES,
        ("activity", "timepoint", "cycle", "outcome", "done_on", "out_of_window_reason", "missed_reason"),
    ),
    "labs_collection": Words(
        "Sample", _S.SAMPLES, ("timepoint", "outcome", "collected_on", "out_of_window_reason", "missed_reason")
    ),
    "labs_tube": Words("Tube", _S.SAMPLES, ("kind", "label", "collected")),
    "patients_outcomevalue": Words("Outcome", _S.OUTCOMES, ("measure", "timepoint", "value", "measured_on")),
    "patients_followupvisit": Words(
        "Event-monitoring visit", _S.OUTCOMES, ("number", "done_on", "alive", "died_on", "progressed_on")
    ),
    "dosing_recommendation": Words("Recommendation", _S.DECISIONS, ("number", "kind", "action", "level_id", "reason")),
    "dosing_decision": Words(
        "Decision", _S.DECISIONS, ("recommendation_id", "choice", "level_id", "cohort_size", "comment")
    ),
    "dosing_comparison": Words("Comparison of designs", _S.STUDY, ("title", "note")),
    "accounts_signature": Words("Signature", _S.DECISIONS, ("printed_name", "role", "meaning")),
    "accounts_declinedsignature": Words("Declined signature", _S.DECISIONS, ("printed_name", "role", "reason")),
    "trials_cohort": Words("Cohort", _S.DECISIONS, ("number", "part_id", "level_id", "size")),
    "trials_slot": Words("Slot", _S.DECISIONS, ("cohort_id", "number", "replaces_id")),
    "trials_doselevel": Words("Dose level", _S.STUDY, ("ordinal", "label")),
    "trials_study": Words("Study", _S.STUDY, ("key", "title", "time_zone")),
    "trials_protocolversion": Words("Protocol version", _S.STUDY, ("number", "status")),
    "trials_versionatsite": Words("Protocol version at a site", _S.STUDY, ("version_id", "site_id", "from_day")),
    "trials_part": Words("Part", _S.STUDY, ("kind", "planned_patients")),
    "trials_site": Words("Site", _S.STUDY, ("code", "name", "time_zone")),
    "reminders_rehearsal": Words("Rehearsal", _S.STUDY, ("source_id", "started_on", "seed")),
    "trials_membership": Words("Role", _S.STUDY, ("user_id", "role", "site_id", "from_day", "to_day")),
    "trials_personcheck": Words("Check of a person", _S.STUDY, ("user_id", "kind", "version_id", "done_on", "how")),
}

# What an update says more clearly than "changed": (table, column) → the words, where the column was empty before.
FILLED = {
    ("patients_patient", "registered_at"): "Registered",
    ("patients_discontinuation", "retreated_on"): "Re-treatment started",
    ("patients_adverseevent", "resolved_on"): "Resolved",
    ("trials_slot", "used_at"): "Slot used",
    ("trials_slot", "reserved_until"): "Slot reserved",
    ("trials_cohort", "closed_at"): "Cohort closed",
    ("trials_doselevel", "closed_at"): "Dose level closed",
    ("trials_study", "accrual_suspended_at"): "Accrual suspended",
    ("trials_protocolversion", "live_at"): "Protocol version live",
    ("trials_part", "opened_at"): "Part opened",
    ("trials_part", "ended_at"): "Part ended",
    ("trials_membership", "ended_at"): "Role ended",
    ("dosing_decision", "signed_at"): "Decision signed by all",
    ("dosing_decision", "withdrawn_at"): "Decision withdrawn",
    ("dosing_comparison", "put_away_at"): "Comparison of designs put away",
}

# The same where the column is emptied.
EMPTIED = {
    ("trials_slot", "reserved_until"): "Reservation ended",
    ("trials_study", "accrual_suspended_at"): "Accrual resumed",
    ("patients_adverseevent", "resolved_on"): "Not resolved after all",
}

# Columns that say nothing to a reader: the trail's own who and when stand beside them, or another column says it.
_UNTOLD = """
    id study_id patient_id recorded_at recorded_by_id assessed_at assessed_by_id screened_at screened_by_id
    registered_at registered_by_id created_at created_by_id granted_at granted_by_id opened_at opened_by_id
    loaded_at loaded_by_id proposed_at proposed_by_id issued_at issued_by_id signed_at used_at version_id sha256
    definition inputs inputs_sha256 shown engine_version record_json record_sha256 record_kind record_key
    components_checked signer_id statement accrual_suspended_by_id accrual_suspended_at reserved_by_id live_at
    closed_at withdrawn_at roles_required ended_at slot_id reserved_slot_id part_id opened_cohort_id
    calculation decision_waits_since decision_waits_on question saved_at saved_by_id put_away_at set_at set_by_id
    scenario started_by_id
"""
UNTOLD = frozenset(_UNTOLD.split())

_NAMES = {
    "alive": "alive",
    "amount_to_give": "to give",
    "agent": "agent",
    "assigned_level_id": "dose level",
    "choice": "choice",
    "collected_on": "on",
    "from_rung": "from",
    "to_rung": "to",
    "closed_reason": "why",
    "cohort_size": "cohort size",
    "died_on": "death",
    "due_on": "due",
    "dose_label": "dose",
    "effective_on": "on",
    "event_id": "event",
    "from_day": "from",
    "given_amount": "given",
    "given_on": "given on",
    "height_cm": "height in cm",
    "is_loading": "first dose",
    "to_day": "to",
    "is_dlt": "DLT",
    "onset_on": "onset",
    "ordinal": "dose level",
    "on": "last day of treatment",
    "progressed_on": "progression",
    "reason_code": "reason",
    "replaces_id": "instead of",
    "reserved_for_site_id": "reserved for",
    "reserved_slot_id": "reserved slot",
    "reserved_until": "reserved until",
    "resolved_on": "resolved",
    "retreated_on": "re-treatment",
    "screened_on": "screened",
    "signed_on": "signed",
    "source_id": "copy of",
    "started_on": "start",
    "timepoint": "time point",
    "user_id": "person",
    "weight_kg": "weight in kg",
    "accrual_suspended_reason": "why accrual is suspended",
    "held_reason": "why registration is held",
    "rehearsal_day": "day of the rehearsal",
    "withdrawn_reason": "why withdrawn",
    "closed_on": "last day of the window",
}


def column_words(column: str) -> str:
    """A column in words: its own where it has some, else its name without the ending that only a database needs."""
    if column in _NAMES:
        return _NAMES[column]
    for ending in ("_id", "_on", "_at"):
        column = column.removesuffix(ending)
    return column.replace("_", " ")
