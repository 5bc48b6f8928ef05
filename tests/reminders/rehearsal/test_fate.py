"""What happens to invented patients follows from the seed, and from the protocol's own rules."""

import pytest

from patients.dlt_rules import rule_that_fires
from reminders.rehearsal.course import RELATED
from reminders.rehearsal.fate import Scenario, _toxicities, arrivals_on
from reminders.rehearsal.scenario import check_scenario, usual_toxicity
from tests.reminders.rehearsal.conftest import definition_of
from trials.errors import Refused
from trials.protocol import Protocol


@pytest.mark.parametrize("name", ["anti-mag-lenalidomide", "lenalidomide-cetuximab"])
def test_every_toxicity_that_can_be_drawn_fires_a_rule_and_kills_nobody(name: str) -> None:
    protocol = Protocol.model_validate(definition_of(name))
    relations = {agent.code: RELATED for agent in protocol.agents}
    drawn = list(_toxicities(protocol))
    assert len(drawn) >= 8
    for term, grade in drawn:
        assert grade < 5
        assert rule_that_fires(protocol, term, grade, relations) is not None
        assert rule_that_fires(protocol, term, grade - 1, relations) is None


def test_as_many_patients_come_as_was_said() -> None:
    scenario = Scenario(toxicity=(0.1,), patients_per_week=1.5)
    came = [arrivals_on(scenario, 7, day) for day in range(7 * 1000)]
    assert sum(came) / 1000 == pytest.approx(1.5, abs=0.12)
    assert max(came) > 1


def test_who_comes_on_a_day_follows_from_the_seed() -> None:
    scenario = Scenario(toxicity=(0.1,), patients_per_week=3.5)
    first, again, other = ([arrivals_on(scenario, seed, day) for day in range(60)] for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("scenario", "seed", "field"),
    [
        (Scenario((0.1, 1.2, 0.3)), 1, "toxicity_2"),
        (Scenario((0.1, float("nan"), 0.3)), 1, "toxicity_2"),
        (Scenario((0.1, 0.2)), 1, "toxicity"),
        (Scenario((0.1, 0.2, 0.3), patients_per_week=0), 1, "patients_per_week"),
        (Scenario((0.1, 0.2, 0.3), missed_doses=0.9), 1, "missed_doses"),
        (Scenario((0.1, 0.2, 0.3), late_starts=-0.1), 1, "late_starts"),
        (Scenario((0.1, 0.2, 0.3)), -1, "seed"),
    ],
)
def test_what_cannot_be_true_is_refused_at_its_field(scenario: Scenario, seed: int, field: str) -> None:
    with pytest.raises(Refused) as refused:
        check_scenario(scenario, seed, levels=3)
    assert refused.value.field == field


def test_the_scenario_that_is_offered_rises_and_has_the_target_in_it() -> None:
    assert usual_toxicity(3, 0.30) == [0.18, 0.30, 0.42]
    assert usual_toxicity(1, 0.25) == [0.25]
    offered = usual_toxicity(8, 0.30)
    assert offered == sorted(offered)
    assert 0 < offered[0] <= offered[-1] < 1
