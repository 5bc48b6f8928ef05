"""Real workers on large simulations, killed with signal 9 while they work: the numbers are those of one run alone."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from redis import Redis

from accounts.models import User
from dosing.engine import BoinDesign, CountBased, TiteBoinDesign, simulate_trials
from dosing.models import ABANDONED_AFTER, Simulation
from dosing.operations.simulations import start_simulation
from dosing.tasks import MOST_AT_ONCE
from dosing.workbench.question import Question
from dosing.workbench.simulated import added_up
from tests.databases import Database
from tests.workers import Workers

Status = Simulation.Status
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

TRIALS, SEED = 2_000_000, 20_250
TOXICITY = (0.05, 0.15, 0.30, 0.45, 0.60)
LABELS = tuple(f"{amount} mg" for amount in (5, 10, 15, 20, 25))
BOIN = BoinDesign(target=0.30, max_patients=30)
# A block of these takes seconds, so that a worker is certainly killed inside one.
SLOW = TiteBoinDesign(target=0.30, max_patients=60, cohort_size=1)
LOWEST_PRIORITY = "celery\x06\x169"


@pytest.fixture
def workers(own_database: Database, own_redis: str, tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(own_database, own_redis, tmp_path)
    yield workers
    workers.kill_all()


def start(by: User, design: CountBased | TiteBoinDesign, trials: int) -> Simulation:
    question = Question(LABELS, TOXICITY, 0.30, (design,))
    return start_simulation(question=question, trials=trials, seed=SEED, by=by, at=dt.datetime.now(dt.UTC))


def hand_out(workers: Workers, simulation: Simulation) -> None:
    for _ in range(MOST_AT_ONCE):
        workers.ask("dosing.tasks.work_on_simulation", simulation.pk)


def has_ended(simulation: Simulation) -> bool:
    simulation.refresh_from_db()
    return simulation.status != Status.RUNNING


def numbers(simulation: Simulation) -> str:
    """Every number of the result to its last digit."""
    question = Question.from_dict(simulation.question)
    [mine] = added_up(question, simulation.seed, simulation.blocks.done().values_list("design", "sums"))
    assert mine is not None
    return repr(mine.to_dict())


def test_two_million_trials_on_two_workers_one_killed_half_way_are_those_of_one(
    workers: Workers, outsider: User
) -> None:
    simulation = start(outsider, BOIN, TRIALS)
    doomed, survivor = workers.start(), workers.start()
    hand_out(workers, simulation)
    workers.until(lambda: simulation.blocks.to_do().count() <= 20)
    workers.kill(doomed)
    assert not has_ended(simulation)
    workers.until(lambda: has_ended(simulation))
    assert simulation.status == Status.DONE

    alone = start(outsider, BOIN, TRIALS)
    assert workers.running == [survivor]
    hand_out(workers, alone)
    queue = Redis.from_url(workers.redis_url)
    workers.until(lambda: queue.llen(LOWEST_PRIORITY) == MOST_AT_ONCE - 1)
    workers.until(lambda: has_ended(alone))
    assert numbers(simulation) == numbers(alone)
    assert numbers(alone) == repr(simulate_trials(BOIN, TOXICITY, trials=TRIALS, seed=SEED).to_dict())


def test_the_block_of_a_killed_worker_is_free_at_once_and_what_nobody_works_on_is_handed_out_again(
    workers: Workers, outsider: User
) -> None:
    simulation = start(outsider, SLOW, 10_000)
    doomed = workers.start()
    workers.ask("dosing.tasks.work_on_simulation", simulation.pk)
    workers.until(lambda: held(simulation) == 1)
    workers.kill(doomed)
    workers.until(lambda: held(simulation) == 0)
    assert simulation.blocks.to_do().count() == 1

    long_ago = simulation.started_at - ABANDONED_AFTER
    Simulation.objects.filter(pk=simulation.pk).update(started_at=long_ago)
    workers.start()
    workers.ask("dosing.tasks.look_for_abandoned_simulations")
    workers.until(lambda: has_ended(simulation))
    timing = Question.from_dict(simulation.question).timing
    expected = simulate_trials(SLOW, TOXICITY, trials=10_000, seed=SEED, timing=timing)
    assert numbers(simulation) == repr(expected.to_dict())


def held(simulation: Simulation) -> int:
    """Blocks that are in some worker's hands."""
    return simulation.blocks.to_do().count() - len(free(simulation))


def free(simulation: Simulation) -> list[int]:
    with transaction.atomic():
        return list(simulation.blocks.that_nobody_has().values_list("pk", flat=True))
