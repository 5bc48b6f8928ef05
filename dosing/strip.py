"""The boundary strip: for n evaluable patients, what each number of patients with a DLT would mean."""

from collections.abc import Mapping
from dataclasses import dataclass

WORDS = {"up": "escalate", "stay": "stay", "down": "de-escalate", "out": "eliminate"}
# Of a design that completes three or six patients, and then goes on or back.
COUNTING_WORDS = {"up": "escalate", "stay": "treat more", "down": "go back", "out": "too many"}
EXPANSION_WORDS = {**COUNTING_WORDS, "stay": "go on"}


@dataclass(frozen=True)
class Cell:
    dlts: int
    kind: str
    here: bool
    word: str


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
    words: Mapping[str, str] = WORDS,
) -> Strip:
    """Cells for 0 to n patients with a DLT; None where the design has no such boundary at n.

    here: the number of patients with a DLT there are now. words: what each kind of cell means.
    Raises ValueError when n is below 1 or `here` is not in 0..n.
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

    cells = tuple(Cell(dlts, kind(dlts), dlts == here, words[kind(dlts)]) for dlts in range(n + 1))
    return Strip(n, cells, tuple(_legend(cells, n, words)))


def _legend(cells: tuple[Cell, ...], n: int, words: Mapping[str, str]) -> list[LegendEntry]:
    entries = []
    for kind, word in words.items():
        counts = [cell.dlts for cell in cells if cell.kind == kind]
        if not counts:
            continue
        low, high = counts[0], counts[-1]
        which = str(low) if low == high else f"{low} to {high}"
        if high == n and low < n and kind in ("down", "out"):
            which = f"{low} or more"
        entries.append(LegendEntry(kind, word, which))
    return entries
