"""In expansion the dose only goes down, also where the MTD is settled anew."""

import datetime as dt

import pytest

from accounts.models import User
from dosing.models import Recommendation
from dosing.queries.choices import options
from dosing.queries.replay import replay
from patients.models import Patient
from patients.operations import correct_window_assessment
from tests.cast import moment
from tests.dosing.steps import decide, on_treatment, registered, walk, with_dlt
from trials.models import Study

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


def test_the_mtd_settled_anew_does_not_go_back_to_a_dose_that_was_left(trial: Study, coordinator_a: User) -> None:
    """4 of 11 at 25 mg in both parts de-escalate; then a patient at 10 mg turns out not to count."""
    on = walk(trial, coordinator_a, "NNNNNTNNTNNT")
    one = on_treatment(trial, coordinator_a, on)
    with_dlt(one, coordinator_a, on + 5 * DAY)
    left = decide(trial, on + 6 * DAY)
    assert left.level is not None
    assert (left.recommendation.kind, left.level.ordinal) == (Recommendation.Kind.MONITORING, 2)
    first = Patient.objects.get(study=trial, code="A-001")
    on += 7 * DAY
    correct_window_assessment(
        assessment=first.window_assessment, taken=3, reason="diary", by=coordinator_a, at=moment(on)
    )

    anew = decide(trial, on).recommendation
    assert anew.kind == Recommendation.Kind.MTD
    assert anew.level is not None
    assert anew.level.ordinal <= 2
    assert "25 mg is above the dose of the expansion" in anew.reason
    above = next(o for o in options(anew, list(trial.levels.all())) if o.level and o.level.ordinal == 3)
    assert above.code == "higher-than-recommended"
    assert replay(trial) == []
    someone = registered(trial.sites.get(code="A"), coordinator_a, on)
    assert someone.assigned_level.ordinal <= 2
