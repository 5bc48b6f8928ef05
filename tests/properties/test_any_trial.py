"""Both reference trials, driven by random valid and invalid actions: every rule about patients holds at each step.

A walk is a list of numbers, each a step; Hypothesis draws them and shrinks a walk that fails. A walk that has failed
is kept below, so that what it found stays mended. RUNG_PROPERTY_STEPS: steps per trial, for a longer run.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cast import ANTI_MAG
from tests.patients.cetuximab import CETUXIMAB
from tests.properties.trial import Cast
from tests.properties.walk import walk

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

STEPS = int(os.environ.get("RUNG_PROPERTY_STEPS", "400"))
OF_A_WALK = 200  # an escalation is over after some 300
NUMBERS = st.integers(0, 999_999)  # 0 is no step, so that a walk that fails shrinks to what matters
WALKS = st.lists(NUMBERS, min_size=OF_A_WALK, max_size=OF_A_WALK)
RARE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


LONGER = "RUNG_PROPERTY_STEPS" in os.environ
SETTINGS = settings(
    max_examples=1 + max(1, STEPS // OF_A_WALK),  # the first that is drawn is the simplest: no step at all
    derandomize=not LONGER,
    database=None,
    deadline=None,
    suppress_health_check=RARE,
)


@pytest.fixture(params=[ANTI_MAG, CETUXIMAB], ids=["anti-mag", "cetuximab"])
def cast(request: pytest.FixtureRequest, db: None) -> Cast:
    path: Path = request.param
    return Cast.of(path)


def go(cast: Cast, steps: list[int]) -> None:
    """One walk from the study's first day, undone afterwards."""
    with transaction.atomic():
        walk(cast, steps)
        transaction.set_rollback(True)


@pytest.mark.req("P11-10a", "R3-4.3.4", "EMA-A5.2.1", "P11-10f")
@given(steps=WALKS)
@SETTINGS
def test_every_rule_holds_at_each_step(cast: Cast, steps: list[int]) -> None:
    go(cast, steps)
