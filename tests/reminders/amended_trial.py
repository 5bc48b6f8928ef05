"""A trial before its amendment: one patient in the middle of cycle 2, another in cycle 1 at the other site."""

import datetime as dt
from typing import Any

from accounts.models import User
from dosing.operations import go_live
from labs.operations import collect_sample
from tests.cast import moment
from tests.dosing.steps import as_if_committed, decide, evaluated, on_treatment
from tests.patients.steps import day, start
from trials.models import ProtocolVersion, Study
from trials.operations import edit_section

APPROVED = day(40)  # A-001 is in the middle of cycle 2, days 29 to 56
LATER = day(60)  # when site B follows


def with_windows(samples: dict[str, Any], days: int) -> dict[str, Any]:
    """The samples with so many days before and after, where they hang on the end of a cycle."""
    points = [
        {**point, "window": {"before": days, "after": days}} if point["anchor"] == "cycle-end" else point
        for point in samples["timepoints"]
    ]
    return {**samples, "timepoints": points}


def change(study: Study, section: str, content: Any, by: User, on: dt.date) -> ProtocolVersion:
    """One section of the draft, as it shall be."""
    seen = study.versions.latest("number").sha256
    return edit_section(study=study, section=section, content=content, by=by, at=moment(on), seen_sha256=seen)


def with_narrow_windows(draft_study: Study, by: User, at: dt.datetime) -> Study:
    """Live with cohorts of one and windows of three days around each sample after a cycle."""
    samples = draft_study.versions.get().definition["samples"]
    change(draft_study, "samples", with_windows(samples, 3), by, at.date())
    go_live(study=draft_study, by=by, at=at)
    return Study.objects.get(pk=draft_study.pk)


def in_cycle_2(study: Study, coordinator_a: User, coordinator_b: User) -> Study:
    """A-001 in cycle 2 with two samples collected, B-001 in cycle 1 of cohort 2. Those who sign have their roles."""
    as_if_committed()
    first, after = evaluated(study, coordinator_a, day(1))
    for timepoint, on in (("pre-treatment", day(1)), ("after-1", day(27))):
        collect_sample(
            patient=first, timepoint=timepoint, collected_on=on, tubes=["edta"], by=coordinator_a, at=moment(day(29))
        )
    start(first, day(29), coordinator_a)
    decide(study, after)
    on_treatment(study, coordinator_b, day(30), site="B")
    return study
