"""What the forms of a study file call its fields, in the field's words, and the hints beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

_DAYS = "Such as 1-21, or 1, 8, 15, 22."
_CODE = "Small letters, digits and hyphens. Records refer to it."


@dataclass(frozen=True)
class Words:
    """label; hint beside it; item: what one row of a list is called."""

    label: str
    hint: str = ""
    item: str = ""


SECTIONS: dict[str, Words] = {
    "study": Words("Heading", "The study's key stands in every address and cannot be changed later."),
    "agents": Words("Agents", "What is given, whether investigational or not.", "agent"),
    "lead_in": Words("Lead-in", "Treatment before cycle 1 with some of the agents alone. Toxicity in it is no DLT."),
    "cycle": Words("Cycle"),
    "calculation": Words("Doses by body size", "Needed where a dose is given per m² or per kg."),
    "administrations": Words("Recording of infusions"),
    "levels": Words("Dose levels", "The ladder, the lowest first.", "dose level"),
    "escalation": Words("Dose escalation"),
    "expansion": Words("Dose expansion"),
    "design": Words("Design", "The dose-finding design. Sizes and the starting level stand under Dose escalation."),
    "dlt": Words("Dose-limiting toxicity"),
    "signatures": Words("Signatures", "Each of the roles signs, each by another person."),
    "delegation": Words("Delegation", "What is recorded of a person before their role lets them act."),
    "eligibility": Words("Eligibility", "", "criterion"),
    "reductions": Words("Dose reductions"),
    "delay": Words("Delay"),
    "discontinuation": Words("Reasons for discontinuation", "", "reason"),
    "continuation_review": Words("Continuation review"),
    "retreatment": Words("Re-treatment"),
    "event_monitoring": Words("Event monitoring", "Follow-up of progression and survival after treatment has ended."),
    "visits": Words("Visits", "", "visit"),
    "activities": Words("Other activities", "Biopsies, safety assessments, procedures, imaging.", "activity"),
    "samples": Words("Samples"),
    "outcome_measures": Words("Outcome measures", "", "outcome measure"),
    "ctcae_version": Words("CTCAE version"),
}

FIELDS: dict[str, Words] = {
    "Heading.key": Words("Key", "Short, such as LEN-MAG-01."),
    "Heading.title": Words("Title"),
    "Heading.time_zone": Words("Time zone", "Of the study's own days, such as Europe/Berlin; each site has its own."),
    "Heading.objectives": Words("Objectives", "One a line."),
    "Agent.code": Words("Code", _CODE),
    "Agent.name": Words("Name"),
    "Agent.investigational": Words("Investigational"),
    "LeadIn.length_days": Words("Length in days", "With 21, from day −21 to day −1."),
    "LeadIn.agents": Words("Agents given alone"),
    "LeadIn.days": Words("Days", "Such as -21 to -1, or -21, -14, -7. Left empty: every day."),
    "LeadIn.start_window": Words("Window of its start"),
    "Window.before": Words("Days before"),
    "Window.after": Words("Days after"),
    "Cycle.length_days": Words("Length in days"),
    "Cycle.start_window": Words("Window of a cycle's start"),
    "Calculation.bsa_formula": Words("Formula of body surface", "Needed for doses per m²."),
    "Calculation.bsa_decimals": Words("Decimals of body surface"),
    "Calculation.bsa_cap_m2": Words("Largest body surface that counts, m²", "Left empty: no limit."),
    "Calculation.weight_change_percent": Words("Compute anew when weight has changed by more than, %"),
    "Calculation.measurement_days": Words("A measurement holds for, days", "Left empty: for ever."),
    "Calculation.rounding": Words("Rounding", "For each agent that is given by body size.", "rounding"),
    "Rounding.agent": Words("Agent"),
    "Rounding.to": Words("To a step of, mg"),
    "Rounding.direction": Words("Direction"),
    "Administrations.window": Words("Days allowed around the planned day"),
    "Administrations.tolerance_percent": Words("Deviation that needs no reason, %"),
    "Level.ordinal": Words("Number", "1 is the lowest."),
    "Level.label": Words("Label", "As people say it, such as 10 mg."),
    "Level.doses": Words("Regimen", "What is given at this level.", "dose"),
    "Dose.agent": Words("Agent"),
    "Dose.amount": Words("Amount"),
    "Dose.loading_amount": Words("Loading amount", "Given the first time instead. Left empty: none."),
    "Dose.unit": Words("Unit"),
    "Dose.route": Words("Route"),
    "Dose.days": Words("Days of the cycle", _DAYS),
    "Escalation.title": Words("Title"),
    "Escalation.maximum_patients": Words("Most patients"),
    "Escalation.cohort_size": Words("Patients in a cohort"),
    "Escalation.maximum_cohort_size": Words("Most that can be signed for a cohort"),
    "Escalation.start_level": Words("Starting level"),
    "Escalation.reservation_days": Words("A reservation of a slot lasts, days"),
    "Expansion.title": Words("Title"),
    "Expansion.patients": Words("Patients"),
    "Design.name": Words("Design"),
    "Design.parameters": Words("Parameters", "Left empty, each has the default that the design was published with."),
    "Dlt.window": Words("DLT window"),
    "Dlt.minimum_exposure": Words(
        "Minimum exposure", "Who had no DLT is evaluable only with at least this much of the planned doses."
    ),
    "Dlt.rules": Words("What is dose limiting", "A person judges; the rule that fires is shown.", "rule"),
    "DltWindow.cycle": Words("Cycle"),
    "DltWindow.from_day": Words("From day"),
    "DltWindow.to_day": Words("To day"),
    "MinimumExposure.agent": Words("Agent"),
    "MinimumExposure.fraction": Words("Fraction", "0.75 for three quarters."),
    "DltRule.code": Words("Code", _CODE),
    "DltRule.text": Words("Text, as the protocol has it"),
    "DltRule.minimum_grade": Words("From grade"),
    "DltRule.terms": Words("Only these CTCAE terms", "One a line. Left empty: all."),
    "DltRule.except_terms": Words("Not these CTCAE terms", "One a line."),
    "DltRule.related": Words("Only when related to an investigational agent"),
    "Signatures.dose_decision": Words("Dose decisions"),
    "Signatures.mtd": Words("The maximum tolerated dose"),
    "Signatures.set_up": Words("The set-up, and amendments"),
    "Criterion.code": Words("Code", _CODE),
    "Criterion.text": Words("Text"),
    "Criterion.kind": Words("Kind"),
    "Reductions.maximum": Words("Most reductions of a patient"),
    "Reductions.ladder": Words("Reduction ladder", "The highest first; a reduction goes one rung down.", "rung"),
    "LadderRung.label": Words("Label"),
    "LadderRung.level": Words("The regimen of dose level", "Or give doses of its own, below the lowest level."),
    "LadderRung.doses": Words("Doses of its own", "", "dose"),
    "Delay.limit_days": Words("A cycle may start late by at most, days"),
    "DiscontinuationReason.code": Words("Code", _CODE),
    "DiscontinuationReason.text": Words("Text, as the protocol has it"),
    "DiscontinuationReason.allows_retreatment": Words("Re-treatment is possible afterwards"),
    "ContinuationReview.after_months": Words("After months of treatment"),
    "ContinuationReview.question": Words("What is asked then"),
    "Delegation.identity_check": Words("Identity check", "Somebody has looked at who the person is."),
    "Delegation.training": Words("Training on the protocol version", "A new version asks for a new training."),
    "Retreatment.allowed": Words("Re-treatment at a lower dose is possible", "It counts as a reduction."),
    "EventMonitoring.every_days": Words("Every, days"),
    "EventMonitoring.for_days": Words("For, days"),
    "EventMonitoring.window": Words("Window of a visit"),
    "Timepoint.code": Words("Code", _CODE),
    "Timepoint.title": Words("Title"),
    "Timepoint.anchor": Words("Counted from"),
    "Timepoint.cycle": Words("Cycle", "Where it belongs to one cycle."),
    "Timepoint.day": Words("Day", "Where it is a day of a cycle or of the lead-in. There is no day 0."),
    "Timepoint.window": Words("Window"),
    "Timepoint.parts": Words("In"),
    "Activity.code": Words("Code", _CODE),
    "Activity.title": Words("Title"),
    "Activity.kind": Words("Kind"),
    "Activity.timepoints": Words("When", "", "time point"),
    "Samples.tubes": Words("Tubes", "Filled at every time point.", "tube"),
    "Samples.timepoints": Words("When", "", "time point"),
    "Tube.code": Words("Code", _CODE),
    "Tube.volume_ml": Words("Volume, ml"),
    "Tube.colour": Words("Colour of the cap"),
    "Tube.additive": Words("Additive"),
    "Tube.purpose": Words("Purpose"),
    "OutcomeMeasure.code": Words("Code", _CODE),
    "OutcomeMeasure.title": Words("Title"),
    "OutcomeMeasure.domain": Words("Domain"),
    "OutcomeMeasure.unit": Words("Unit"),
    "OutcomeMeasure.minimum": Words("Smallest value"),
    "OutcomeMeasure.maximum": Words("Largest value"),
    "OutcomeMeasure.better": Words("Better is"),
    "OutcomeMeasure.timepoints": Words("When", "", "time point"),
}

# What the choices of a field are called; others are called as the file writes them.
CHOICES: dict[str, dict[str, str]] = {
    "unit": {"mg/m2": "mg/m²"},
    "bsa_formula": {"mosteller": "Mosteller", "dubois": "DuBois"},
    "kind": {"inclusion": "inclusion criterion", "exclusion": "exclusion criterion"},
    "anchor": {
        "registration": "the day of registration",
        "pre-treatment": "the first day of treatment",
        "lead-in-start": "the first day of the lead-in",
        "lead-in-day": "a day of the lead-in",
        "cycle-start": "the first day of a cycle",
        "cycle-day": "a day of a cycle",
        "cycle-end": "the last day of a cycle",
        "every-cycle-start": "the first day of every cycle",
        "every-cycle-day": "a day of every cycle",
        "end-of-treatment": "the last day of treatment",
    },
    "parts": {"escalation": "dose escalation", "expansion": "dose expansion"},
}


def words_of(part: type[BaseModel] | None, name: str) -> Words:
    """What a field of a part is called; a section of the study file where no part is given."""
    if part is None:
        return SECTIONS.get(name, Words(_plainly(name)))
    return FIELDS.get(f"{part.__name__}.{name}", Words(_plainly(name)))


def item_words(place: int, row: Any) -> Words:
    """What a row is called: by its label, title or name where it has one."""
    said = row if isinstance(row, dict) else {}
    named = next((str(said[name]) for name in ("label", "title", "name", "agent", "code") if said.get(name)), "")
    return Words(named or f"{place + 1}")


def _plainly(name: str) -> str:
    return name.replace("_", " ").capitalize()
