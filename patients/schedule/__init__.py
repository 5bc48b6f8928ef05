"""What is planned for a patient, worked out from what has happened. Nothing is stored or queried here.

The rows are passed in or already loaded: `patient` with its `version`, `part`, `assigned_level` and, where
there is one, `continuation_review`; with `reductions`, `discontinuations`, `follow_up_visits` and the
`versions` that its `site` follows prefetched.
`cycles` are the patient's started cycles by number, the lead-in among them as number 0. Days are calendar days at the
patient's site; day 1 of a cycle is its start.
"""

from patients.schedule.cycles import (
    cycle_end,
    cycle_numbered,
    dlt_protocol,
    dlt_window,
    first_cycle,
    lowest_rung_so_far,
    next_cycle,
    next_number,
    place_in_cycle,
    planned_cycles,
    planned_dose_days,
    rung_on,
    start_of_cycle,
    start_rung,
)
from patients.schedule.ending import (
    continuation_review_day,
    continuation_review_due,
    discontinuation_in_force,
    first_day,
    is_dropped,
    review_of,
    treatment_ended_on,
)
from patients.schedule.follow_up import follow_up_visits, next_follow_up
from patients.schedule.planned import (
    FollowUpDue,
    Occurrence,
    PlannedCycle,
    PlannedDay,
    add_months,
    cycle_title,
    cycle_words,
    protocol_of,
)
from patients.schedule.timepoints import (
    WITHOUT_A_CYCLE,
    anchor_number,
    days_after_start,
    lies_before_its_anchor,
    occurrences,
    timepoint_day,
    visits,
)
from patients.schedule.versions import (
    found_on,
    planned_under,
    protocol_on,
    registered_under,
    version_on,
    versions_of,
)

__all__ = [
    "WITHOUT_A_CYCLE",
    "FollowUpDue",
    "Occurrence",
    "PlannedCycle",
    "PlannedDay",
    "add_months",
    "anchor_number",
    "continuation_review_day",
    "continuation_review_due",
    "cycle_end",
    "cycle_numbered",
    "cycle_title",
    "cycle_words",
    "days_after_start",
    "discontinuation_in_force",
    "dlt_protocol",
    "dlt_window",
    "first_cycle",
    "first_day",
    "follow_up_visits",
    "found_on",
    "is_dropped",
    "lies_before_its_anchor",
    "lowest_rung_so_far",
    "next_cycle",
    "next_follow_up",
    "next_number",
    "occurrences",
    "place_in_cycle",
    "planned_cycles",
    "planned_dose_days",
    "planned_under",
    "protocol_of",
    "protocol_on",
    "registered_under",
    "review_of",
    "rung_on",
    "start_of_cycle",
    "start_rung",
    "timepoint_day",
    "treatment_ended_on",
    "version_on",
    "versions_of",
    "visits",
]
