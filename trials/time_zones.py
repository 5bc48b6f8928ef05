"""The time zones that a study or a site can be in, by their IANA names."""

from functools import cache
from zoneinfo import available_timezones


@cache
def time_zones() -> frozenset[str]:
    """Read once per process: the standard library looks for them in the file system at every call."""
    return frozenset(available_timezones())
