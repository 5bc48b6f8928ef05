"""Nobody is registered while a recommendation waits to be decided, or a decision for signatures, on the data of now."""

import datetime as dt

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.models import User
from audit.context import acting
from dosing.errors import DataChanged
from dosing.models import Decision, Recommendation
from dosing.operations import issue_recommendation, withdraw_decision
from patients.models import Patient
from patients.operations import assess_dlt
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import (
    decide,
    evaluated,
    on_treatment,
    propose,
    registered,
    sign_all,
    sign_as,
    walk,
    window_closed,
    with_dlt,
)
from tests.patients.steps import again
from trials.errors import Refused
from trials.models import Slot, Study

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
Choice = Decision.Choice


@pytest.fixture
def waiting(trial: Study, pi: User, coordinator_a: User) -> tuple[Recommendation, dt.date]:
    """Three places are open at 15 mg when a late DLT at 10 mg asks for a decision anew."""
    first, on = evaluated(trial, coordinator_a, DAY_ONE)
    decide(trial, on, size=3)
    with_dlt(first, coordinator_a, DAY_ONE + 5 * DAY)
    on += DAY
    return issue_recommendation(study=trial, by=pi, at=moment(on)), on


def _refused(trial: Study, by: User, on: dt.date) -> str:
    with pytest.raises(Refused) as refused:
        registered(trial.sites.get(code="A"), by, on)
    return refused.value.code


@pytest.mark.req("P11-10f")
def test_nobody_is_registered_until_everybody_has_signed(
    trial: Study, waiting: tuple[Recommendation, dt.date], pi: User, coordinator_a: User
) -> None:
    issued, on = waiting
    assert _refused(trial, coordinator_a, on) == "decision-waits"
    decision = propose(issued, on)
    withdraw_decision(decision=decision, reason="rather two patients", by=pi, at=moment(on))
    assert _refused(trial, coordinator_a, on) == "decision-waits"
    decision = sign_as(propose(issued, on, size=2), "medical_monitor", on)
    assert _refused(trial, coordinator_a, on) == "decision-waits"
    decision = sign_as(decision, "principal_investigator", on)
    assert registered(trial.sites.get(code="A"), coordinator_a, on).assigned_level == decision.level


def test_a_signed_hold_says_so_itself(
    trial: Study, waiting: tuple[Recommendation, dt.date], coordinator_a: User
) -> None:
    issued, on = waiting
    sign_all(propose(issued, on, Choice.HOLD, comment="look at the DLT first"), on)
    assert _refused(trial, coordinator_a, on) == "accrual-suspended"


def test_a_recommendation_on_data_that_changed_stops_nobody(
    trial: Study, waiting: tuple[Recommendation, dt.date], pi: User, coordinator_a: User
) -> None:
    """The DLT was none after all: 15 mg goes on as it was signed, without a new recommendation."""
    _, on = waiting
    [event] = Patient.objects.get(study=trial, code="A-001").adverse_events.all()
    assess_dlt(event=event, is_dlt=False, rationale="no fever was measured", by=pi, at=moment(on))
    assert registered(trial.sites.get(code="A"), coordinator_a, on).assigned_level.ordinal == 2


def test_a_signature_refused_for_changed_data_that_must_wait_lets_registration_go_on(
    trial: Study, waiting: tuple[Recommendation, dt.date], pi: User, coordinator_a: User
) -> None:
    issued, on = waiting
    decision = propose(issued, on)
    [event] = Patient.objects.get(study=trial, code="A-001").adverse_events.all()
    assess_dlt(event=event, is_dlt=False, rationale="no fever was measured", by=pi, at=moment(on))
    with pytest.raises(DataChanged):
        sign_as(decision, "medical_monitor", on)
    assert Study.objects.get(pk=trial.pk).decision_waits_since is None
    assert registered(trial.sites.get(code="A"), coordinator_a, on).registered_at


def test_in_expansion_a_boundary_that_is_crossed_stops_registration_until_it_is_decided(
    trial: Study, pi: User, coordinator_a: User
) -> None:
    on = walk(trial, coordinator_a, "NNNNNTNNTNNT")
    one, two = on_treatment(trial, coordinator_a, on), on_treatment(trial, coordinator_a, on)
    with_dlt(one, coordinator_a, on + 5 * DAY)
    issued = issue_recommendation(study=trial, by=pi, at=moment(on + 5 * DAY))
    assert issued.kind == Recommendation.Kind.MONITORING
    assert _refused(trial, coordinator_a, on + 5 * DAY) == "decision-waits"
    on = window_closed(again(two), coordinator_a)  # 4 of 12 cross it no more, so there is nothing to decide
    assert registered(trial.sites.get(code="A"), coordinator_a, on).registered_at


@pytest.mark.req("P11-10f", "EMA-4.1")
def test_the_database_gives_no_place_out_while_a_decision_waits(
    trial: Study, waiting: tuple[Recommendation, dt.date], rung: User
) -> None:
    free = Slot.objects.unused().filter(study=trial, cohort__number=2)
    with pytest.raises(DatabaseError, match="while a decision waits"), acting(rung, "script"), transaction.atomic():
        free.update(used_at=timezone.now())
