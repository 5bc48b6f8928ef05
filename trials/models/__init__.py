"""A study and its people, its cohorts, and the record of REST writes. One module per subject; every name is here."""

from trials.models.cohorts import Cohort, CohortQuerySet, DoseLevel, Part, Slot, SlotQuerySet
from trials.models.study import (
    Boundary,
    Membership,
    MembershipQuerySet,
    PersonCheck,
    PersonCheckQuerySet,
    ProtocolVersion,
    Role,
    Site,
    Study,
    StudyQuerySet,
    TodayIn,
    VersionAtSite,
)
from trials.models.write_request import WriteRequest

__all__ = [
    "Boundary",
    "Cohort",
    "CohortQuerySet",
    "DoseLevel",
    "Membership",
    "MembershipQuerySet",
    "Part",
    "PersonCheck",
    "PersonCheckQuerySet",
    "ProtocolVersion",
    "Role",
    "Site",
    "Slot",
    "SlotQuerySet",
    "Study",
    "StudyQuerySet",
    "TodayIn",
    "VersionAtSite",
    "WriteRequest",
]
