"""A decision with something of everything: a DLT, a corrected event, a withdrawn proposal, a signed one."""

import datetime as dt

import pytest

from accounts.models import User
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation, withdraw_decision
from patients.operations.events import correct_adverse_event
from tests.cast import DAY_ONE, moment
from tests.dosing.conftest import trial  # noqa: F401  the study with everybody who signs
from tests.dosing.steps import evaluated, propose, sign_all, sign_as, walk
from trials.models import Study

COMMENT = '#panic("no") *bold* $x$ @ref <label> \\ "quoted" = µ'


@pytest.fixture
def signed(trial: Study, coordinator_a: User, pi: User) -> tuple[Recommendation, dt.date]:  # noqa: F811
    """Decision 2, after a DLT at 15 mg whose onset was corrected: first held (withdrawn), then accepted and signed."""
    on = walk(trial, coordinator_a, "N")
    patient, on = evaluated(trial, coordinator_a, on, dlt=True)
    event, earlier = patient.adverse_events.get(), on - dt.timedelta(days=1)
    correct_adverse_event(
        event=event, changes={"onset_on": earlier}, reason="the ward's chart says so", by=coordinator_a, at=moment(on)
    )
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    held = propose(issued, on, Decision.Choice.HOLD, comment=COMMENT)
    sign_as(held, "principal_investigator", on)
    withdraw_decision(decision=held, reason="the monitor wants to go on", by=pi, at=moment(on))
    sign_all(propose(issued, on), on)
    return issued, on


@pytest.fixture
def day_after(signed: tuple[Recommendation, dt.date]) -> dt.date:
    return signed[1] + dt.timedelta(days=1)


__all__ = ["DAY_ONE"]
