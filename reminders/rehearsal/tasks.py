"""One thing that a site does for an invented patient on a day."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Task:
    """Something to do on a day; `do` is an operation that is still to be given `at`.

    routine: it may be left undone in the last days of a demonstration. plain: it changes no other task of the patient
    and nothing that a dose is decided on; so does no routine one.
    """

    on: dt.date
    do: Callable[..., object]
    routine: bool = False
    plain: bool = False

    @property
    def changes_others(self) -> bool:
        return not (self.routine or self.plain)
