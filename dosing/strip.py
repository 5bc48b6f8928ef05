"""The boundary strip: for n evaluable patients, what each number of patients with a DLT would mean."""

from dataclasses import dataclass

WORDS = {"up": "escalate", "stay": "stay", "down": "de-escalate", "out": "eliminate"}


@dataclass(frozen=True)
class Cell:
    dlts: int
    kind: str
    here: bool

    @property
    def word(self) -> str:
        return WORDS[self.kind]


@dataclass(frozen=True)
class LegendEntry:
    kind: str
    word: str
    counts: str


@dataclass(frozen=True)
class Strip:
    n: int
    cells: tuple[Cell, ...]
    legend: tuple[LegendEntry, ...]


def boundary_strip(
    *,
    n: int,
    escalate_if_at_most: int | None,
    de_escalate_if_at_least: int | None,
    eliminate_if_at_least: int | None,
    here: int | None = None,
) -> Strip:
    """Cells for 0 to n patients with a DLT; None where the design has no such boundary at n.

    here: the number of patients with a DLT there are now. Raises ValueError when n is below 1 or `here` is not in 0..n.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    if here is not None and not 0 <= here <= n:
        raise ValueError(f"here must lie between 0 and {n}, not {here}")

    def kind(dlts: int) -> str:
        if eliminate_if_at_least is not None and dlts >= eliminate_if_at_least:
            return "out"
        if de_escalate_if_at_least is not None and dlts >= de_escalate_if_at_least:
            return "down"
        if escalate_if_at_most is not None and dlts <= escalate_if_at_most:
            return "up"
        return "stay"

    cells = tuple(Cell(dlts, kind(dlts), dlts == here) for dlts in range(n + 1))
    return Strip(n, cells, tuple(_legend(cells, n)))


def _legend(cells: tuple[Cell, ...], n: int) -> list[LegendEntry]:
    entries = []
    for kind, word in WORDS.items():
        counts = [cell.dlts for cell in cells if cell.kind == kind]
        if not counts:
            continue
        low, high = counts[0], counts[-1]
        words = str(low) if low == high else f"{low} to {high}"
        if high == n and low < n and kind in ("down", "out"):
            words = f"{low} or more"
        entries.append(LegendEntry(kind, word, words))
    return entries
