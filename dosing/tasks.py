"""Large simulations on workers. Each task is one call of an operation; arguments are ids."""

from typing import Any

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from accounts.models import User
from dosing.models import Simulation, SimulationBlock
from dosing.operations.simulations import Left
from dosing.operations.simulations import work_on_simulation as work_on
from trials import clock

log = structlog.get_logger(__name__)
MOST_AT_ONCE = 4  # workers on one simulation
LOOK_AGAIN = 2  # seconds
SWEEP = 60  # seconds; the beat of config.celery


@shared_task(ignore_result=True)
def work_on_simulation(simulation_id: int) -> None:
    """Work out one block and queue up again behind others (and behind all other tasks: config.celery)."""
    left = work_on(simulation_id=simulation_id, by=User.objects.system(), at=clock.now())
    if left is Left.MORE:
        work_on_simulation.delay(simulation_id)
    elif left is Left.WITH_OTHERS:
        work_on_simulation.apply_async((simulation_id,), countdown=LOOK_AGAIN)


@shared_task(ignore_result=True)
def look_for_abandoned_simulations() -> None:
    """Hand out again what nothing has come of lately. It expires with the next look, so that nothing piles up."""
    for simulation_id in Simulation.objects.abandoned(clock.now()).values_list("pk", flat=True):
        log.warning("simulation_abandoned", simulation=simulation_id)
        hand_out(simulation_id, expires=SWEEP)


def hand_out(simulation_id: int, **how: Any) -> None:
    """Ask as many workers as are of use. Where the queue cannot be reached, the look for abandoned ones does it."""
    to_do = SimulationBlock.objects.to_do().filter(simulation=simulation_id).count()
    try:
        for _ in range(min(max(to_do, 1), MOST_AT_ONCE)):
            work_on_simulation.apply_async((simulation_id,), **how)
    except OperationalError as error:
        log.warning("simulation_not_handed_out", simulation=simulation_id, error=type(error).__name__)
