"""Large simulations: any number of workers take block after block, each held by its lock (ADR 12)."""

from __future__ import annotations

import datetime as dt
from enum import Enum

import structlog
from django.db import connection

from accounts.models import DatabaseClock, User
from audit.context import operation
from dosing.engine import ENGINE_VERSION, SimulationSums
from dosing.models import Simulation, SimulationBlock
from dosing.workbench.question import Question
from dosing.workbench.simulated import Block, blocks_of, simulate
from trials.errors import Refused

log = structlog.get_logger(__name__)
Status = Simulation.Status
FEWEST_TRIALS, MOST_TRIALS = 10_000, 10_000_000
HIGHEST_SEED = 999_999_999
MOST_RUNNING = 2
# A worker whose machine is gone without a word holds its block for no longer than this.
HELD_AT_MOST = "300s"


class Left(Enum):
    """What a worker finds after its turn."""

    MORE = "there may be more blocks to take"
    WITH_OTHERS = "all blocks that are not done are with other workers"
    NOTHING = "the simulation has ended"


@operation
def start_simulation(*, question: Question, trials: int, seed: int, by: User, at: dt.datetime) -> Simulation:
    """Write down a simulation of `trials` trials of each design, with its blocks; workers can take them from now on."""
    _must_be_in_reach(trials, seed)
    # Two starts of one person at the same moment come one after the other, so that both are counted.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if Simulation.objects.of(by).running().count() >= MOST_RUNNING:
        raise Refused(
            "too-many-simulations",
            f"{MOST_RUNNING} simulations of yours are running. Wait until one has ended, or cancel one.",
        )
    simulation = Simulation.objects.create(
        question=question.to_dict(), trials=trials, seed=seed, engine_version=ENGINE_VERSION, started_by=by
    )
    SimulationBlock.objects.bulk_create(
        SimulationBlock(simulation=simulation, design=block.design, number=block.number, size=block.size)
        for block in blocks_of(question, trials)
    )
    return simulation


def _must_be_in_reach(trials: int, seed: int) -> None:
    if not FEWEST_TRIALS <= trials <= MOST_TRIALS:
        sentence = f"{trials:,} trials are not possible here: choose from {FEWEST_TRIALS:,} to {MOST_TRIALS:,}."
        raise Refused("trials-out-of-reach", sentence, field="trials")
    if not 0 <= seed <= HIGHEST_SEED:
        sentence = f"A seed is a whole number from 0 to {HIGHEST_SEED:,}."
        raise Refused("seed-out-of-range", sentence, field="seed")


def work_on_simulation(*, simulation_id: int, by: User, at: dt.datetime) -> Left:
    """Work out one block that nobody has, and end the simulation where no block is left to do.

    Not one transaction on purpose: a block is committed before anybody looks whether it was the last one. Of two
    workers who finish the last two blocks at the same moment, the later one then sees both.
    """
    worked = work_out_block(simulation_id=simulation_id, by=by, at=at)
    if end_simulation(simulation_id=simulation_id, by=by, at=at):
        return Left.NOTHING
    if worked:
        return Left.MORE
    return Left.WITH_OTHERS if Simulation.objects.running().filter(pk=simulation_id).exists() else Left.NOTHING


@operation
def work_out_block(*, simulation_id: int, by: User, at: dt.datetime) -> bool:
    """Take the next block of a running simulation and write its sums; False where none is to be had.

    The block is locked from taking it to committing its sums. Whatever ends the worker ends the lock, and the block
    is anybody's again.
    """
    block = _take_block(simulation_id)
    if block is None:
        return False
    try:
        sums = _sums_of(block)
    except Exception as fault:  # whatever it is: the same block would meet it again and again
        log.exception("simulation_failed", simulation=simulation_id, design=block.design, number=block.number)
        _fail(block, f"{_described(block)} could not be simulated ({type(fault).__name__}: {fault}).")
        return False
    # Of a simulation that was cancelled meanwhile nothing more is kept.
    still = SimulationBlock.objects.filter(pk=block.pk, simulation__status=Status.RUNNING)
    return bool(still.update(sums=sums.to_dict(), done_at=DatabaseClock()))


def _take_block(simulation_id: int) -> SimulationBlock | None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{HELD_AT_MOST}'")
    blocks = SimulationBlock.objects.that_nobody_has().filter(simulation=simulation_id)
    running = blocks.filter(simulation__status=Status.RUNNING).select_related("simulation")
    return running.order_by("number", "design").first()


def _sums_of(block: SimulationBlock) -> SimulationSums:
    simulation = block.simulation
    if simulation.engine_version != ENGINE_VERSION:
        raise RuntimeError(f"it began with engine {simulation.engine_version}, and now there is {ENGINE_VERSION}")
    question = Question.from_dict(simulation.question)
    return simulate(question, Block(block.design, block.number, block.size), simulation.seed)


def _described(block: SimulationBlock) -> str:
    name = block.simulation.question["designs"][block.design]["name"]
    return f"A block of {block.size:,} trials of design {block.design + 1} ({name})"


def _fail(block: SimulationBlock, sentence: str) -> None:
    running = Simulation.objects.running().filter(pk=block.simulation_id)
    running.update(status=Status.FAILED, failure=sentence, ended_at=DatabaseClock())


@operation
def end_simulation(*, simulation_id: int, by: User, at: dt.datetime) -> bool:
    """End a running simulation all of whose blocks are done, by one conditional UPDATE; whether it did."""
    finished = Simulation.objects.running().with_all_blocks_done().filter(pk=simulation_id)
    ended = finished.update(status=Status.DONE, ended_at=DatabaseClock())
    if ended:
        log.info("simulation_done", simulation=simulation_id)
    return bool(ended)


@operation
def cancel_simulation(*, simulation: Simulation, by: User, at: dt.datetime) -> bool:
    """Cancel a running simulation; workers take no further block. False where it had ended already."""
    running = Simulation.objects.of(by).running().filter(pk=simulation.pk)
    return bool(running.update(status=Status.CANCELLED, ended_at=DatabaseClock()))
