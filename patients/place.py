"""Where a patient stands in treatment on a day, in words: in the lead-in days are counted down, without a day 0."""

from patients.models import Cycle
from patients.schedule import cycle_words
from trials.protocol import Protocol
from trials.protocol_schedule import signed_words


def place_words(protocol: Protocol, cycle: Cycle, day: int) -> str:
    """'cycle 2, day 5 of 28', 'lead-in, day −17 (5 of 21)', 'after cycle 2'. day: counted from 1 in the cycle."""
    length = protocol.cycle_length(cycle.number)
    if day > length:
        return f"after {cycle_words(cycle.number)}"
    if cycle.number == 0 and protocol.lead_in is not None:
        return f"lead-in, day {signed_words(protocol.lead_in.day_at(day))} ({day} of {length})"
    return f"cycle {cycle.number}, day {day} of {length}"
