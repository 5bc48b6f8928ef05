"""What has been seen so far: evaluable patients and patients with a DLT, per dose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dosing.engine.validation import refuse, whole_number


def counts(name: str, values: object) -> tuple[int, ...]:
    """A tuple of whole numbers of at least 0."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise refuse(name, values, "a sequence of whole numbers of at least 0, one per dose")
    return tuple(whole_number(f"{name}[{i}]", value, 0) for i, value in enumerate(values))


@dataclass(frozen=True)
class DoseTally:
    """Evaluable patients and patients with a DLT, per dose, lowest dose first.

    `treated[j]` is the number n of evaluable patients at dose j + 1, `dlts[j]` the number y of them with a
    DLT, 0 <= y <= n. Untried doses are (0, 0): the length of the tally is the number of doses on the ladder.
    Raises ValueError for an empty ladder, unequal lengths, negative counts or more DLTs than patients.
    """

    treated: tuple[int, ...]
    dlts: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "treated", counts("treated", self.treated))
        object.__setattr__(self, "dlts", counts("dlts", self.dlts))
        if not self.treated:
            raise refuse("treated", self.treated, "a count for each of at least one dose")
        if len(self.dlts) != len(self.treated):
            raise refuse("dlts", self.dlts, f"as long as treated, {len(self.treated)} doses")
        for i, (n, y) in enumerate(zip(self.treated, self.dlts, strict=True)):
            if y > n:
                raise refuse(f"dlts[{i}]", y, f"a whole number from 0 to the {n} treated at that dose")

    @classmethod
    def empty(cls, doses: int) -> DoseTally:
        """Nobody treated yet on a ladder of `doses` doses."""
        size = whole_number("doses", doses, 1)
        return cls(treated=(0,) * size, dlts=(0,) * size)

    @property
    def doses(self) -> int:
        """Number of doses on the ladder."""
        return len(self.treated)

    @property
    def total_treated(self) -> int:
        """Evaluable patients at all doses."""
        return sum(self.treated)

    @property
    def total_dlts(self) -> int:
        """Patients with a DLT at all doses."""
        return sum(self.dlts)

    def at(self, dose: int) -> tuple[int, int]:
        """(n, y) at `dose`, numbered from 1."""
        number = whole_number("dose", dose, 1, self.doses)
        return self.treated[number - 1], self.dlts[number - 1]

    def plus(self, treated: Iterable[int], dlts: Iterable[int]) -> DoseTally:
        """The tally after `treated` more patients with `dlts` more DLTs, both per dose."""
        more_treated, more_dlts = counts("treated", treated), counts("dlts", dlts)
        for name, more in (("treated", more_treated), ("dlts", more_dlts)):
            if len(more) != self.doses:
                raise refuse(name, more, f"one count for each of the {self.doses} doses")
        return DoseTally(
            treated=tuple(a + b for a, b in zip(self.treated, more_treated, strict=True)),
            dlts=tuple(a + b for a, b in zip(self.dlts, more_dlts, strict=True)),
        )

    def after_cohort(self, dose: int, size: int, dlts: int) -> DoseTally:
        """The tally after a cohort of `size` patients at `dose`, `dlts` of them with a DLT."""
        chosen = whole_number("dose", dose, 1, self.doses)
        places = range(1, self.doses + 1)
        return self.plus((size * (d == chosen) for d in places), (dlts * (d == chosen) for d in places))
