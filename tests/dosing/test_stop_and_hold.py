"""What a signed stop and a signed hold leave behind: nobody is let in, and neither is a dead end."""

import datetime as dt

import pytest

from accounts.models import User
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation
from dosing.queries import Stage, where_we_stand
from patients.models import Patient
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import (
    decide,
    evaluated,
    on_treatment,
    propose,
    registered,
    sign_all,
    walk,
    window_closed,
    with_dlt,
)
from trials.errors import Refused
from trials.models import Study
from trials.operations import resume_accrual, suspend_accrual

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
Choice, Kind = Decision.Choice, Recommendation.Kind


@pytest.fixture
def places_open(trial: Study, coordinator_a: User) -> dt.date:
    """Cohort 2 has three places open at 15 mg when the patient at 10 mg turns out to have had a DLT."""
    first, on = evaluated(trial, coordinator_a, DAY_ONE)
    decide(trial, on, size=3)
    with_dlt(first, coordinator_a, DAY_ONE + 5 * DAY)
    return on + DAY


def _nobody_gets_in(trial: Study, by: User, on: dt.date) -> None:
    with pytest.raises(Refused):
        registered(trial.sites.get(code="A"), by, on)


def test_a_stop_closes_the_open_cohort_and_the_mtd_comes_next(
    trial: Study, places_open: dt.date, pi: User, coordinator_a: User
) -> None:
    decide(trial, places_open, Choice.STOP, comment="too toxic, we stop")
    assert not trial.cohorts.open().exists()
    _nobody_gets_in(trial, coordinator_a, places_open)
    assert issue_recommendation(study=trial, by=pi, at=moment(places_open)).kind == Kind.MTD


def test_a_stop_after_a_hold_lets_nobody_in(trial: Study, places_open: dt.date, coordinator_a: User) -> None:
    decide(trial, places_open, Choice.HOLD, comment="look at the DLT first")
    decide(trial, places_open + DAY, Choice.STOP, comment="too toxic, we stop")
    _nobody_gets_in(trial, coordinator_a, places_open + DAY)


def test_a_hold_after_a_stop_does_not_undo_the_stop(trial: Study, places_open: dt.date, pi: User) -> None:
    decide(trial, places_open, Choice.STOP, comment="too toxic, we stop")
    held = decide(trial, places_open, Choice.HOLD, comment="the MTD is settled next week")
    assert held.recommendation.kind == Kind.MTD
    assert where_we_stand(trial, moment(places_open)).kind == Kind.MTD


@pytest.fixture
def held_expansion(trial: Study, coordinator_a: User) -> tuple[Patient, dt.date]:
    """Held at 25 mg for 4 of 11 with a DLT, while another patient is in the DLT window."""
    on = walk(trial, coordinator_a, "NNNNNTNNTNNT")
    one, two = on_treatment(trial, coordinator_a, on), on_treatment(trial, coordinator_a, on)
    with_dlt(one, coordinator_a, on + 5 * DAY)
    decide(trial, on + 6 * DAY, Choice.HOLD, comment="wait for the other patient")
    return two, on + 6 * DAY


def test_a_hold_in_expansion_ends_with_a_decision_to_go_on(
    trial: Study, held_expansion: tuple[Patient, dt.date], pi: User, coordinator_a: User
) -> None:
    """4 of 12 no longer cross the boundary: there is a recommendation to stay, and its acceptance ends the hold."""
    two, _ = held_expansion
    on = window_closed(two, coordinator_a)
    assert where_we_stand(trial, moment(on)).stage == Stage.HELD
    issued = issue_recommendation(study=trial, by=pi, at=moment(on))
    assert (issued.kind, issued.action) == (Kind.MONITORING, "stay")
    sign_all(propose(issued, on), on)
    assert Study.objects.get(pk=trial.pk).accrual_suspended_at is None
    assert where_we_stand(trial, moment(on)).stage == Stage.EXPANSION


def test_one_person_does_not_end_a_signed_hold(trial: Study, held_expansion: tuple[Patient, dt.date], pi: User) -> None:
    _, on = held_expansion
    with pytest.raises(Refused) as refused:
        resume_accrual(study=trial, reason="go on", by=pi, at=moment(on + DAY))
    assert refused.value.code == "held-by-decision"


def test_a_hold_signed_during_a_persons_suspension_outlives_it_and_leaves_it(
    trial: Study, places_open: dt.date, pi: User, coordinator_a: User
) -> None:
    """The person cannot resume while the decision holds; and the end of the hold does not end what the person did."""
    on = places_open
    suspend_accrual(study=trial, reason="No drug supply.", by=pi, at=moment(on))
    decide(trial, on, Choice.HOLD, comment="look at the DLT first")
    with pytest.raises(Refused) as held:
        resume_accrual(study=trial, reason="drug has come", by=pi, at=moment(on))
    assert held.value.code == "held-by-decision"
    with pytest.raises(Refused, match=r"No drug supply\. Decision 2: hold registration\. look at the DLT first"):
        registered(trial.sites.get(code="A"), coordinator_a, on)

    decide(trial, on + DAY)
    with pytest.raises(Refused, match=r"No drug supply\. Wait"):
        registered(trial.sites.get(code="A"), coordinator_a, on + DAY)
    resume_accrual(study=trial, reason="drug has come", by=pi, at=moment(on + DAY))
    assert registered(trial.sites.get(code="A"), coordinator_a, on + DAY).slot
