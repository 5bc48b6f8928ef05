"""What can be done to a study."""

from trials.operations.accrual import (
    decision_waits_no_more,
    end_hold,
    hold_registration,
    resume_accrual,
    suspend_accrual,
    wait_for_decision,
)
from trials.operations.adopting import adopt_protocol
from trials.operations.amend import (
    approve_amendment,
    faults_of_amendment,
    follow_version,
    start_amendment,
    withdraw_amendment,
)
from trials.operations.cohorts import add_replacement_slot, close_cohort, close_levels_from, end_part, open_cohort
from trials.operations.people import (
    add_site,
    end_role,
    grant_role,
    record_identity_check,
    record_training,
    require_set_up,
)
from trials.operations.rehearsal import move_rehearsal_day
from trials.operations.setup import copy_study, edit_draft, edit_section, start_study
from trials.operations.slots import expire_reservations, release_slot, reserve_slot
from trials.operations.start import BoundaryRow, go_live, sign_set_up

__all__ = [
    "BoundaryRow",
    "add_replacement_slot",
    "add_site",
    "adopt_protocol",
    "approve_amendment",
    "close_cohort",
    "close_levels_from",
    "copy_study",
    "decision_waits_no_more",
    "edit_draft",
    "edit_section",
    "end_hold",
    "end_part",
    "end_role",
    "expire_reservations",
    "faults_of_amendment",
    "follow_version",
    "go_live",
    "grant_role",
    "hold_registration",
    "move_rehearsal_day",
    "open_cohort",
    "record_identity_check",
    "record_training",
    "release_slot",
    "require_set_up",
    "reserve_slot",
    "resume_accrual",
    "sign_set_up",
    "start_amendment",
    "start_study",
    "suspend_accrual",
    "wait_for_decision",
    "withdraw_amendment",
]
