"""Start, work, end, cancel, fail: the rules of a large simulation, one worker at a time."""

import datetime as dt
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from dosing import tasks
from dosing.engine import ENGINE_VERSION, BoinDesign, ThreePlusThreeDesign, simulate_trials
from dosing.models import ABANDONED_AFTER, Simulation, SimulationBlock
from dosing.operations import simulations
from dosing.operations.simulations import (
    HIGHEST_SEED,
    Left,
    cancel_simulation,
    end_simulation,
    start_simulation,
    work_on_simulation,
    work_out_block,
)
from dosing.workbench.question import Question
from dosing.workbench.simulated import added_up
from tests.cast import person
from trials.errors import Refused

Status = Simulation.Status
NOW = dt.datetime.now(dt.UTC)
TOXICITY = (0.05, 0.15, 0.30)
BOIN = BoinDesign(target=0.30, max_patients=12)
QUESTION = Question(("10 mg", "15 mg", "25 mg"), TOXICITY, 0.30, (BOIN, ThreePlusThreeDesign()))
pytestmark = pytest.mark.django_db


def start(by: User, trials: int = 60_000, seed: int = 7, question: Question = QUESTION) -> Simulation:
    return start_simulation(question=question, trials=trials, seed=seed, by=by, at=NOW)


def work(simulation: Simulation) -> Left:
    return work_on_simulation(simulation_id=simulation.pk, by=User.objects.system(), at=NOW)


def work_to_the_end(simulation: Simulation) -> Simulation:
    while work(simulation) is Left.MORE:
        pass
    simulation.refresh_from_db()
    return simulation


# --- works ---


def test_a_simulation_is_worked_off_block_by_block_and_has_the_numbers_of_one_run(outsider: User) -> None:
    simulation = start(outsider)
    assert simulation.status == Status.RUNNING
    assert simulation.engine_version == ENGINE_VERSION
    assert [(b.design, b.number, b.size) for b in simulation.blocks.order_by("number", "design")] == [
        (0, 0, 50_000), (1, 0, 50_000), (0, 5, 10_000), (1, 5, 10_000),
    ]  # fmt: skip
    assert [work(simulation) for _ in range(4)] == [Left.MORE] * 3 + [Left.NOTHING]
    simulation.refresh_from_db()
    assert simulation.status == Status.DONE
    assert simulation.ended_at is not None
    assert simulation.ended_at > simulation.started_at
    stored = simulation.blocks.values_list("design", "sums")
    for design, mine in zip(QUESTION.designs, added_up(QUESTION, 7, stored), strict=True):
        assert mine is not None
        alone = simulate_trials(design, TOXICITY, trials=60_000, seed=7, target=0.30)
        assert repr(mine.to_dict()) == repr(alone.to_dict())


def test_the_same_seed_gives_the_same_numbers_again(outsider: User) -> None:
    one, other = (work_to_the_end(start(outsider, 20_000)) for _ in range(2))
    assert list(one.blocks.values_list("sums", flat=True)) == list(other.blocks.values_list("sums", flat=True))


def test_progress_counts_the_trials_of_all_designs(outsider: User) -> None:
    simulation = start(outsider)
    work(simulation)
    shown = Simulation.objects.of(outsider).with_progress().get()
    assert (shown.simulated, shown.planned) == (50_000, 120_000)


# --- refused ---


@pytest.mark.parametrize("trials", [-1, 0, 9_999, 10_000_001])
def test_too_few_and_too_many_trials_are_refused(outsider: User, trials: int) -> None:
    with pytest.raises(Refused, match="choose from 10,000 to 10,000,000") as refused:
        start(outsider, trials)
    assert refused.value.field == "trials"
    assert not Simulation.objects.exists()


@pytest.mark.parametrize("seed", [-1, HIGHEST_SEED + 1])
def test_a_seed_out_of_range_is_refused(outsider: User, seed: int) -> None:
    with pytest.raises(Refused, match="from 0 to 999,999,999") as refused:
        start(outsider, seed=seed)
    assert refused.value.field == "seed"


@pytest.mark.parametrize("trials", [10_000, 10_000_000])
def test_the_fewest_and_the_most_trials_are_possible(outsider: User, trials: int) -> None:
    simulation = start(outsider, trials, seed=HIGHEST_SEED)
    assert sum(simulation.blocks.filter(design=0).values_list("size", flat=True)) == trials


def test_a_third_running_simulation_is_refused_and_possible_when_one_has_ended(outsider: User) -> None:
    first, second = start(outsider, 10_000), start(outsider, 10_000)
    with pytest.raises(Refused, match="Wait until one has ended, or cancel one"):
        start(outsider)
    start(person("another", "Ann Other"))
    cancel_simulation(simulation=first, by=outsider, at=NOW)
    start(outsider)
    assert second.status == Status.RUNNING


# --- cancelled ---


def test_a_cancelled_simulation_is_worked_on_no_more(outsider: User) -> None:
    simulation = start(outsider)
    work(simulation)
    assert cancel_simulation(simulation=simulation, by=outsider, at=NOW)
    assert work(simulation) is Left.NOTHING
    simulation.refresh_from_db()
    assert simulation.status == Status.CANCELLED
    assert simulation.ended_at is not None
    assert simulation.blocks.done().count() == 1


def test_what_a_worker_has_in_hand_when_it_is_cancelled_is_not_kept(outsider: User, monkeypatch: Any) -> None:
    simulation = start(outsider)

    def cancelled_meanwhile(*args: Any) -> Any:
        cancel_simulation(simulation=simulation, by=outsider, at=NOW)
        return computed(*args)

    computed = simulations.simulate
    monkeypatch.setattr(simulations, "simulate", cancelled_meanwhile)
    assert work(simulation) is Left.NOTHING
    assert simulation.blocks.done().count() == 0


def test_cancelling_one_that_has_ended_changes_nothing(outsider: User) -> None:
    simulation = work_to_the_end(start(outsider, 10_000))
    assert not cancel_simulation(simulation=simulation, by=outsider, at=NOW)
    simulation.refresh_from_db()
    assert simulation.status == Status.DONE


def test_nobody_cancels_somebody_elses(outsider: User) -> None:
    simulation = start(outsider)
    assert not cancel_simulation(simulation=simulation, by=person("another", "Ann Other"), at=NOW)
    simulation.refresh_from_db()
    assert simulation.status == Status.RUNNING


# --- a fault ---


def test_a_block_that_cannot_be_simulated_ends_it_with_a_sentence(outsider: User, monkeypatch: Any) -> None:
    simulation = start(outsider)
    work(simulation)

    def faulty(*args: Any) -> Any:
        raise MemoryError("no room for 10,000 trials")

    monkeypatch.setattr(simulations, "simulate", faulty)
    assert work(simulation) is Left.NOTHING
    simulation.refresh_from_db()
    assert simulation.status == Status.FAILED
    assert simulation.failure == (
        "A block of 50,000 trials of design 2 (three_plus_three) could not be simulated"
        " (MemoryError: no room for 10,000 trials)."
    )
    assert simulation.blocks.done().count() == 1


def test_trials_of_two_engines_are_never_added_up(outsider: User) -> None:
    simulation = start(outsider)
    Simulation.objects.update(engine_version="0.0.1")
    assert work(simulation) is Left.NOTHING
    simulation.refresh_from_db()
    assert simulation.status == Status.FAILED
    assert f"it began with engine 0.0.1, and now there is {ENGINE_VERSION}" in simulation.failure


@pytest.mark.parametrize(
    "fields", [{"status": "failed", "ended_at": NOW}, {"failure": "but it runs"}, {"status": "done"}, {"ended_at": NOW}]
)
def test_the_database_holds_that_an_end_has_its_time_and_a_failure_its_sentence(
    outsider: User, fields: dict[str, Any]
) -> None:
    simulation = start(outsider)
    with pytest.raises(IntegrityError), transaction.atomic():
        Simulation.objects.filter(pk=simulation.pk).update(**fields)


# --- several workers ---


@pytest.fixture
def two_at_work(outsider: User, monkeypatch: Any) -> Iterator[tuple[Simulation, threading.Event, threading.Thread]]:
    """A simulation one of whose blocks another worker holds, and will until the event is set."""
    simulation, goes_on, holds = start(outsider), threading.Event(), threading.Event()
    computed = simulations.simulate

    def slow(*args: Any) -> Any:
        if threading.current_thread() is other:
            holds.set()
            goes_on.wait(20)
        return computed(*args)

    def at_work() -> None:
        try:
            work(simulation)
        finally:
            connection.close()

    monkeypatch.setattr(simulations, "simulate", slow)
    other = threading.Thread(target=at_work)
    other.start()
    assert holds.wait(20)
    yield simulation, goes_on, other
    goes_on.set()
    other.join()


@pytest.mark.django_db(transaction=True)
def test_a_block_that_another_has_is_passed_over_and_the_last_one_done_ends_it(two_at_work: Any) -> None:
    simulation, goes_on, other = two_at_work
    assert [work(simulation) for _ in range(5)] == [Left.MORE] * 3 + [Left.WITH_OTHERS] * 2
    assert list(simulation.blocks.to_do().values_list("design", "number")) == [(0, 0)]
    goes_on.set()
    other.join()
    simulation.refresh_from_db()
    assert simulation.status == Status.DONE


@pytest.mark.django_db(transaction=True)
def test_cancelling_waits_for_no_worker(outsider: User, two_at_work: Any) -> None:
    simulation, goes_on, other = two_at_work
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '10s'")
    assert cancel_simulation(simulation=simulation, by=outsider, at=NOW)
    goes_on.set()
    other.join()
    assert simulation.blocks.done().count() == 0


@pytest.mark.django_db(transaction=True)
def test_whoever_comes_after_the_last_block_ends_what_its_worker_could_not(outsider: User) -> None:
    """A worker that is killed between its last block and the end of the simulation leaves it to anybody."""
    simulation, rung = start(outsider, 10_000), User.objects.system()
    while work_out_block(simulation_id=simulation.pk, by=rung, at=NOW):
        pass
    assert work(simulation) is Left.NOTHING
    simulation.refresh_from_db()
    assert simulation.status == Status.DONE
    assert not end_simulation(simulation_id=simulation.pk, by=rung, at=NOW)


# --- the tasks ---


@pytest.fixture
def queued(monkeypatch: Any) -> list[dict[str, Any]]:
    """What tasks were asked for, in place of the queue."""
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(
        tasks.work_on_simulation, "apply_async", lambda args, kwargs=None, **how: asked.append({"of": args[0], **how})
    )
    return asked


def test_no_more_workers_are_asked_than_there_are_blocks_and_never_more_than_four(
    outsider: User, queued: list[dict[str, Any]]
) -> None:
    small, large = start(outsider, 10_000), start(outsider, 1_000_000)
    tasks.hand_out(small.pk)
    assert queued == [{"of": small.pk}] * 2
    tasks.hand_out(large.pk)
    assert queued[2:] == [{"of": large.pk}] * 4


def test_a_task_works_one_block_and_queues_up_again_until_the_end(outsider: User, queued: list[dict[str, Any]]) -> None:
    simulation = start(outsider, 10_000)
    tasks.work_on_simulation(simulation.pk)
    assert queued == [{"of": simulation.pk}]
    assert simulation.blocks.done().count() == 1
    tasks.work_on_simulation(simulation.pk)
    assert len(queued) == 1


def test_where_all_blocks_are_with_others_it_looks_again_in_a_moment(
    outsider: User, queued: list[dict[str, Any]], monkeypatch: Any
) -> None:
    simulation = start(outsider)
    monkeypatch.setattr(tasks, "work_on", lambda **given: Left.WITH_OTHERS)
    tasks.work_on_simulation(simulation.pk)
    assert queued == [{"of": simulation.pk, "countdown": tasks.LOOK_AGAIN}]


def time_passes() -> None:
    for block in SimulationBlock.objects.done():
        SimulationBlock.objects.filter(pk=block.pk).update(done_at=block.done_at - ABANDONED_AFTER)
    for simulation in Simulation.objects.all():
        Simulation.objects.filter(pk=simulation.pk).update(started_at=simulation.started_at - ABANDONED_AFTER)


def test_the_look_hands_out_what_nothing_has_come_of_lately(outsider: User, queued: list[dict[str, Any]]) -> None:
    left, ended = start(outsider), start(outsider, 10_000)
    work(left)
    work_to_the_end(ended)
    tasks.look_for_abandoned_simulations()
    assert queued == []
    time_passes()
    tasks.look_for_abandoned_simulations()
    assert queued == [{"of": left.pk, "expires": tasks.SWEEP}] * 3
    work(left)
    tasks.look_for_abandoned_simulations()
    assert len(queued) == 3


def test_beat_looks_for_abandoned_ones() -> None:
    from config.celery import app

    looks = [
        entry for entry in app.conf.beat_schedule.values() if entry["task"] == tasks.look_for_abandoned_simulations.name
    ]
    assert [entry["schedule"] for entry in looks] == [tasks.SWEEP]
