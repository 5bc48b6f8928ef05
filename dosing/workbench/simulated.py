"""Large simulations, in blocks that can be worked out anywhere and added up in any order. No database, no request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any, NamedTuple

from dosing.engine import (
    OperatingCharacteristics,
    SimulatedCharacteristics,
    SimulationSums,
    Timing,
    TiteBoinDesign,
    simulate_block,
    simulated_characteristics,
    simulation_blocks,
)
from dosing.workbench.question import Question
from dosing.workbench.results import answers

# How many of the engine's streams of random numbers a block takes: enough that handing it out costs little beside it,
# and so few that a person who waits for a cancelled simulation, or a reminder for a worker, hardly notices.
STREAMS, STREAMS_IN_TIME = 5, 1


class Block(NamedTuple):
    """Some trials of one design. design: index in the question. number: of its first stream. size: trials."""

    design: int
    number: int
    size: int


def timing_of(question: Question) -> Timing | None:
    """How patients come, where one of the designs asks for it; then every design is simulated in time, so that how
    long their trials last can be compared."""
    return question.timing if question.needs_time else None


def blocks_of(question: Question, trials: int) -> Iterator[Block]:
    """The blocks of `trials` trials of each design, in the order in which they are worked on: the designs in turn."""
    streams = simulation_blocks(trials)
    taken = STREAMS_IN_TIME if question.needs_time else STREAMS
    for number in range(0, len(streams), taken):
        for design in range(len(question.designs)):
            yield Block(design, number, sum(streams[number : number + taken]))


def simulate(question: Question, block: Block, seed: int) -> SimulationSums:
    """Work out one block: the same sums whoever does it, and in whatever company."""
    return reduce(add, _streams(question, block, seed))


def _streams(question: Question, block: Block, seed: int) -> Iterator[SimulationSums]:
    for place, size in enumerate(simulation_blocks(block.size)):
        yield simulate_block(
            question.designs[block.design],
            question.toxicity,
            seed=seed,
            block=block.number + place,
            size=size,
            timing=timing_of(question),
            target=question.target,
        )


def added_up(
    question: Question, seed: int, stored: Iterable[tuple[int, Any]]
) -> tuple[SimulatedCharacteristics | None, ...]:
    """The characteristics of each design from what is stored of its blocks, (design, sums) each; None where nothing is.

    With all blocks of `blocks_of` it is what `simulate_trials` gives for the same seed and number of trials.
    """
    sums: dict[int, SimulationSums] = {}
    for design, written in stored:
        block = SimulationSums.from_dict(written)
        sums[design] = sums[design] + block if design in sums else block
    timed = timing_of(question) is not None
    return tuple(
        simulated_characteristics([sums[i]], [question.toxicity], seed=seed, target=question.target, timed=timed)
        if i in sums
        else None
        for i in range(len(question.designs))
    )


def exact_beside(question: Question) -> tuple[OperatingCharacteristics | None, ...]:
    """The exact characteristics of each design; None where it depends on time or has too many states."""
    return tuple(
        None if isinstance(design, TiteBoinDesign) else answers(replace(question, designs=(design,)))[0].characteristics
        for design in question.designs
    )
