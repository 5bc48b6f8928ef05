"""Dose paths: every outcome of the next cohorts, as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb

from dosing.engine.advice import Advice
from dosing.engine.lookahead import Advises
from dosing.engine.tally import DoseTally
from dosing.engine.validation import probabilities, refuse, whole_number

MOST_NODES = 20_000


@dataclass(frozen=True)
class Cohort:
    """`size` patients treated at `dose`, `dlts` of them with a DLT."""

    dose: int
    size: int
    dlts: int

    def __str__(self) -> str:
        """In the field's notation, DLTs last: 2NNT is one DLT among three patients at dose 2."""
        return f"{self.dose}{'N' * (self.size - self.dlts)}{'T' * self.dlts}"


@dataclass(frozen=True)
class PathNode:
    """A point on the way. cohort: the one that led here (None at the root); tally: after it; advice: on it.

    children: one for each number of DLTs in the next cohort, fewest first; none where the trial stops or the
    tree ends.
    """

    cohort: Cohort | None
    tally: DoseTally
    advice: Advice
    children: tuple[PathNode, ...]


@dataclass(frozen=True)
class DosePath:
    """One way through the tree: its cohorts, and the tally and advice at its end."""

    cohorts: tuple[Cohort, ...]
    tally: DoseTally
    advice: Advice

    def __str__(self) -> str:
        """Such as "1NNN 2NNT"."""
        return " ".join(str(cohort) for cohort in self.cohorts)

    def probability(self, toxicity: Sequence[float]) -> float:
        """Probability of this way when dose j has the true toxicity toxicity[j - 1]."""
        rates = probabilities("toxicity", toxicity)
        if len(rates) != self.tally.doses:
            raise refuse("toxicity", toxicity, f"{self.tally.doses} probabilities, one per dose")
        product = 1.0
        for cohort in self.cohorts:
            p = rates[cohort.dose - 1]
            ways = comb(cohort.size, cohort.dlts)
            product *= ways * p**cohort.dlts * (1.0 - p) ** (cohort.size - cohort.dlts)
        return product


@dataclass(frozen=True)
class DosePaths:
    """The tree of the next cohorts from `root`; iterate over it for the paths, lowest numbers of DLTs first."""

    root: PathNode

    def __iter__(self) -> Iterator[DosePath]:
        return _paths(self.root, ())

    @property
    def nodes(self) -> int:
        """Number of nodes, the root included."""
        return _size(self.root)


def _paths(node: PathNode, before: tuple[Cohort, ...]) -> Iterator[DosePath]:
    cohorts = before if node.cohort is None else (*before, node.cohort)
    if not node.children:
        yield DosePath(cohorts, node.tally, node.advice)
    for child in node.children:
        yield from _paths(child, cohorts)


def _size(node: PathNode) -> int:
    return 1 + sum(_size(child) for child in node.children)


def dose_paths(
    design: Advises,
    tally: DoseTally,
    current_dose: int,
    cohorts: int,
    *,
    cohort_sizes: Sequence[int] | None = None,
    labels: tuple[str, ...] | None = None,
) -> DosePaths:
    """Every outcome of the next `cohorts` cohorts after `tally`, each treated where the design advises.

    cohort_sizes: patients of each of those cohorts, cut to what the design's maximum leaves; the design's own
    sizes unless given. labels: names of the doses for the reasons. Raises ValueError for sizes that are not one
    per cohort or a tree of more than 20,000 nodes.
    """
    depth = whole_number("cohorts", cohorts, 1)
    sizes: list[int | None] = [None] * depth
    if cohort_sizes is not None:
        if len(cohort_sizes) != depth:
            raise refuse("cohort_sizes", cohort_sizes, f"one size for each of the {depth} cohorts")
        sizes = [whole_number(f"cohort_sizes[{i}]", size, 1) for i, size in enumerate(cohort_sizes)]
    return DosePaths(_Tree(design, sizes, labels).node(None, tally, current_dose, 0))


class _Tree:
    """Grows the tree, and gives up where it becomes too large."""

    def __init__(self, design: Advises, sizes: list[int | None], labels: tuple[str, ...] | None) -> None:
        self.design, self.sizes, self.labels, self.grown = design, sizes, labels, 0

    def node(self, cohort: Cohort | None, tally: DoseTally, current_dose: int, depth: int) -> PathNode:
        self.grown += 1
        if self.grown > MOST_NODES:
            raise refuse("cohorts", len(self.sizes), f"few enough for a tree of {MOST_NODES:,} nodes")
        advice = self.design.advise(tally, current_dose, self.labels)
        children: tuple[PathNode, ...] = ()
        if advice.next_dose is not None and depth < len(self.sizes):
            children = self.after(tally, advice.next_dose, self.size(advice, tally, depth), depth)
        return PathNode(cohort, tally, advice, children)

    def size(self, advice: Advice, tally: DoseTally, depth: int) -> int:
        wanted = self.sizes[depth]
        if wanted is None:
            return advice.next_cohort_size
        most = self.design.most_patients(tally.doses)
        return min(wanted, most - tally.total_treated)

    def after(self, tally: DoseTally, dose: int, size: int, depth: int) -> tuple[PathNode, ...]:
        cohorts = [Cohort(dose, size, dlts) for dlts in range(size + 1)]
        return tuple(self.node(c, tally.after_cohort(dose, size, c.dlts), dose, depth + 1) for c in cohorts)
