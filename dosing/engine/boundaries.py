"""The decision table of a design: what the next dose is for every y of n at the current dose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from dosing.engine.posterior import NEVER, IntArray
from dosing.engine.validation import refuse


@dataclass(frozen=True)
class BoundaryRow:
    """The decisions for n evaluable patients at the current dose; None where a decision cannot occur.

    A number of DLTs of at least `eliminate_if_at_least` closes the dose and all above it (and de-escalates);
    otherwise at least `de_escalate_if_at_least` de-escalates, at most `escalate_if_at_most` escalates, and
    everything between stays. `stop_if_at_least` is the extra safety rule's earlier stop at the lowest dose.
    """

    n: int
    escalate_if_at_most: int | None
    de_escalate_if_at_least: int | None
    eliminate_if_at_least: int | None
    stop_if_at_least: int | None = None


@dataclass(frozen=True)
class BoundaryTable:
    """Rows for n = 1, 2, ...; iterate over it, index it, or take `rows`."""

    rows: tuple[BoundaryRow, ...]

    def __iter__(self) -> Iterator[BoundaryRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> BoundaryRow:
        return self.rows[place]

    def for_n(self, n: int) -> BoundaryRow:
        """The row for n patients."""
        if not 1 <= n <= len(self.rows):
            raise refuse("n", n, f"a whole number from 1 to {len(self.rows)}, the rows of the table")
        return self.rows[n - 1]

    def to_dicts(self) -> list[dict[str, int | None]]:
        """The rows as dictionaries, for JSON and CSV."""
        return [asdict(row) for row in self.rows]


@dataclass(frozen=True, eq=False)
class Limits:
    """The same table as arrays with an entry for each n = 0..max_n, for many tallies at once.

    escalate: most DLTs that escalate (-1: none); de_escalate, eliminate, stop: fewest that de-escalate,
    eliminate, or stop at the lowest dose (NEVER: none). n = 0 has no decision.
    """

    escalate: IntArray
    de_escalate: IntArray
    eliminate: IntArray
    stop: IntArray

    def row(self, n: int) -> BoundaryRow:
        """The row for n >= 1 patients."""
        return BoundaryRow(
            n=n,
            escalate_if_at_most=None if self.escalate[n] < 0 else int(self.escalate[n]),
            de_escalate_if_at_least=_reachable(self.de_escalate, n),
            eliminate_if_at_least=_reachable(self.eliminate, n),
            stop_if_at_least=_reachable(self.stop, n),
        )

    def table(self, max_n: int) -> BoundaryTable:
        """Rows for n = 1..max_n."""
        return BoundaryTable(tuple(self.row(n) for n in range(1, max_n + 1)))

    def open_doses(self, n: IntArray, y: IntArray) -> IntArray:
        """How many doses are open, from the lowest, for tallies of shape (..., doses)."""
        shut = np.logical_or.accumulate(y >= self.eliminate[n], axis=-1)
        return np.asarray((~shut).sum(axis=-1), dtype=np.int64)


def _reachable(limit: IntArray, n: int) -> int | None:
    return None if limit[n] == NEVER else int(limit[n])


def thresholds(limit: IntArray) -> dict[int, int]:
    """{n: fewest DLTs} for the n at which the boundary can be reached."""
    return {n: int(fewest) for n, fewest in enumerate(limit) if fewest != NEVER}
