"""Dose paths as a tree to look at and to read: what is advised after each outcome of the next cohorts. Pure.

`read_tree` puts the engine's tree into words; `draw_tree` lays the same branches out from left to right.
templates/dosing/design/tree.html draws what comes out, with the same branches as nested lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb

from dosing.engine import Action, Advice, Cohort, DosePaths, DoseTally, PathNode, StopReason
from dosing.engine.validation import dose_labels, probabilities, refuse

MOST_DRAWN = 64  # boxes in the last column of the picture; a larger tree has its lists only
MOST_UNFOLDED = 16  # ends of the lists that are all shown at once
WIDE = 1000
NOBODY = "nobody treated yet"
BOX_HEIGHT, ROW, TOP = 44, 52, 4
BOLD_CHARACTER, CHARACTER = 7.7, 6.7  # average widths, generous: text must stay within its box
NARROWEST, WIDEST, PADDING = 120.0, 300.0, 23.0
TURN = 14  # from a box to where its lines part

KINDS = {Action.ESCALATE: "up", Action.STAY: "stay", Action.DE_ESCALATE: "down", Action.SUSPEND: "stay"}
VERBS = {Action.ESCALATE: "Escalate to", Action.STAY: "Stay at", Action.DE_ESCALATE: "De-escalate to"}


@dataclass(frozen=True)
class Branch:
    """An outcome of a cohort and what is then advised; neighbouring outcomes at the end with the same advice are one.

    cohort: with the fewest DLTs of those outcomes, None at the root; most: the most DLTs. n, y: the tally at its dose
    with the fewest; name: that dose's. standing: the whole tally in words, at the root only. advice: in words; kind:
    its colour (up, stay, down, out, or "" where the trial ends with an MTD). closed: the dose that this closes, if
    any. probability: of coming here, by all ways, None without a true toxicity.
    """

    cohort: Cohort | None
    most: int
    n: int
    y: int
    name: str
    standing: str
    advice: str
    kind: str
    closed: str
    reason: str
    probability: float | None
    branches: tuple[Branch, ...]

    @property
    def fewest(self) -> int:
        return self.cohort.dlts if self.cohort else 0

    @property
    def seen(self) -> str:
        """'2 of 6 at 15 mg', '2 or 3 of 6 at 15 mg'; at the root the whole tally."""
        if self.cohort is None:
            return self.standing
        return f"{span(self.y, self.y + self.most - self.fewest)} of {self.n} at {self.name}"

    @property
    def outcome(self) -> str:
        """'no DLT', '1 DLT', '2 or 3 DLTs'; empty at the root."""
        return "" if self.cohort is None else dlt_words(self.fewest, self.most)

    @property
    def ends(self) -> int:
        """Number of branches at the end."""
        return sum(branch.ends for branch in self.branches) or 1

    @property
    def under(self) -> str:
        """The second line of its box."""
        if self.cohort is None:
            return "now"
        if not self.closed:
            return self.seen
        return f"{self.seen}, closed" if self.closed == self.name else f"{self.seen}; {self.closed} closed"

    @property
    def percent(self) -> str:
        if self.probability is None or self.cohort is None:
            return ""
        return "<0.1 %" if 0 < self.probability < 0.0005 else f"{self.probability:.1%}".replace("%", " %")


@dataclass(frozen=True)
class Box:
    """A branch in the picture: its upper left corner and width, the texts that fit in it."""

    branch: Branch
    x: float
    y: float
    width: float
    advice: str
    under: str

    @property
    def middle(self) -> float:
        return self.y + BOX_HEIGHT / 2


@dataclass(frozen=True)
class Edge:
    """From a box to the next: the line, and the outcome written on it, ending at (x, y)."""

    line: str
    x: float
    y: float
    words: str


@dataclass(frozen=True)
class Tree:
    """boxes and edges: the picture, empty where it would be too large. nodes: how many the engine's tree has."""

    root: Branch
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    width: float
    height: float
    nodes: int
    with_probabilities: bool

    box_height: int = BOX_HEIGHT

    @property
    def is_drawn(self) -> bool:
        return bool(self.boxes)

    @property
    def folds(self) -> bool:
        """Whether the lists are long enough to be folded."""
        return self.root.ends > MOST_UNFOLDED

    @property
    def is_wide(self) -> bool:
        """Whether the picture is wider than most screens, so that it may be drawn a little smaller."""
        return self.width > WIDE

    @property
    def title(self) -> str:
        return f"Dose paths: what follows each outcome, from {self.root.standing}"

    @property
    def opening(self) -> str:
        """'After 1 of 6 at 15 mg', 'With nobody treated yet'."""
        return f"{'With' if self.root.standing == NOBODY else 'After'} {self.root.standing}"


def draw_tree(paths: DosePaths, labels: Sequence[str], toxicity: Sequence[float] | None = None) -> Tree:
    """The tree in words and as a picture.

    labels: the doses' names, lowest first. toxicity: the true probability of a DLT per dose, for the probability of
    each path. Raises ValueError where these are not one per dose.
    """
    root = read_tree(paths, labels, toxicity)
    drawing = _Drawing(root)
    if root.ends <= MOST_DRAWN:
        drawing.place(root, 0)
    return Tree(
        root=root,
        boxes=tuple(drawing.boxes),
        edges=tuple(drawing.edges),
        width=round(drawing.lefts[-1] + drawing.widths[-1] + 2, 1),
        height=drawing.next_row * ROW + TOP,
        nodes=paths.nodes,
        with_probabilities=toxicity is not None,
    )


def read_tree(paths: DosePaths, labels: Sequence[str], toxicity: Sequence[float] | None = None) -> Branch:
    """The engine's tree in words; arguments and errors as `draw_tree`."""
    names = dose_labels(labels, paths.root.tally.doses)
    rates = None if toxicity is None else probabilities("toxicity", toxicity)
    if rates is not None and len(rates) != len(names):
        raise refuse("toxicity", toxicity, f"{len(names)} probabilities, one per dose")
    return _Reading(names, rates).branch(paths.root, None, None if rates is None else 1.0)


@dataclass(frozen=True)
class _Reading:
    """Names of the doses, and their true toxicity where it is known."""

    names: tuple[str, ...]
    rates: tuple[float, ...] | None

    def branch(self, node: PathNode, before: Advice | None, probability: float | None) -> Branch:
        """before: the advice at the node above; probability: of coming here."""
        advice, cohort = node.advice, node.cohort
        closed = self._newly_closed(advice, before)
        children = [self.branch(child, advice, self._chance(child, probability)) for child in node.children]
        n, y = node.tally.at(cohort.dose) if cohort else (0, 0)
        return Branch(
            cohort=cohort,
            most=cohort.dlts if cohort else 0,
            n=n,
            y=y,
            name=self.names[cohort.dose - 1] if cohort else "",
            standing="" if cohort else self._standing(node.tally),
            advice=_advice_words(advice, node.tally, self.names),
            kind="out" if closed else _kind(advice),
            closed=closed,
            reason=advice.reason,
            probability=probability,
            branches=tuple(_merged(children)),
        )

    def _chance(self, child: PathNode, before: float | None) -> float | None:
        if before is None or self.rates is None or child.cohort is None:
            return None
        size, dlts, p = child.cohort.size, child.cohort.dlts, self.rates[child.cohort.dose - 1]
        return before * comb(size, dlts) * p**dlts * (1.0 - p) ** (size - dlts)

    def _newly_closed(self, advice: Advice, before: Advice | None) -> str:
        new = [] if before is None else [dose for dose in advice.eliminated if dose not in before.eliminated]
        return self.names[new[0] - 1] if new else ""

    def _standing(self, tally: DoseTally) -> str:
        counts = [(name, *tally.at(dose)) for dose, name in enumerate(self.names, 1)]
        return "; ".join(f"{y} of {n} at {name}" for name, n, y in counts if n) or NOBODY


def read_advice(advice: Advice, tally: DoseTally, names: Sequence[str]) -> tuple[str, str]:
    """Advice on a tally in words, and the colour that repeats it: ("Stay at 15 mg", "stay")."""
    return _advice_words(advice, tally, names), _kind(advice)


def _advice_words(advice: Advice, tally: DoseTally, names: Sequence[str]) -> str:
    if advice.action is Action.SUSPEND:
        return "Wait for pending patients"
    if advice.next_dose is None:
        unsafe = advice.stop_reason is not None and advice.stop_reason.no_dose_is_safe
        return "No dose is safe" if unsafe else "The MTD is selected"
    name = names[advice.next_dose - 1]
    untried = advice.action is Action.STAY and tally.at(advice.next_dose)[0] == 0
    return f"Treat at {name}" if untried else f"{VERBS[advice.action]} {name}"


def _kind(advice: Advice) -> str:
    if advice.action is not Action.STOP:
        return KINDS[advice.action]
    return "out" if StopReason(advice.stop_reason or "").no_dose_is_safe else ""


def _merged(branches: Sequence[Branch]) -> list[Branch]:
    """Neighbours that end there with the same advice are one."""
    merged: list[Branch] = []
    for branch in branches:
        if merged and _ends_alike(merged[-1], branch):
            merged[-1] = _together(merged[-1], branch)
        else:
            merged.append(branch)
    return merged


def _ends_alike(one: Branch, other: Branch) -> bool:
    alike = (one.advice, one.kind, one.closed) == (other.advice, other.kind, other.closed)
    return alike and not one.branches and not other.branches


def _together(one: Branch, other: Branch) -> Branch:
    probability = None
    if one.probability is not None and other.probability is not None:
        probability = one.probability + other.probability
    return replace(one, most=other.most, probability=probability)


def span(low: int, high: int) -> str:
    """'2', '2 or 3', '2 to 4'."""
    if low == high:
        return str(low)
    return f"{low} or {high}" if high == low + 1 else f"{low} to {high}"


def dlt_words(low: int, high: int) -> str:
    """'no DLT', '1 DLT', '0 or 1 DLT', '2 or 3 DLTs'."""
    if high == 0:
        return "no DLT"
    return f"{span(low, high)} DLT{'s' if high > 1 else ''}"


def _columns(root: Branch) -> list[list[Branch]]:
    """The branches of each column, the root's first."""
    columns = [[root]]
    while below := [branch for above in columns[-1] for branch in above.branches]:
        columns.append(below)
    return columns


def _box_width(column: Sequence[Branch]) -> float:
    longest = max(
        max(BOLD_CHARACTER * len(one.advice), CHARACTER * len(one.under) + _percent_room(one)) for one in column
    )
    return round(min(WIDEST, max(NARROWEST, longest + PADDING)), 1)


def _percent_room(branch: Branch) -> float:
    return CHARACTER * (len(branch.percent) + 2) if branch.percent else 0.0


class _Drawing:
    """Places boxes: an end takes the next row, every other branch stands in the middle of its own."""

    def __init__(self, root: Branch) -> None:
        columns = _columns(root)
        self.widths = [_box_width(column) for column in columns]
        self.lefts = [1.0]
        for width, column in zip(self.widths, columns[1:], strict=False):
            gap = CHARACTER * max(len(branch.outcome) for branch in column) + TURN + 12
            self.lefts.append(self.lefts[-1] + width + gap)
        self.next_row = 0
        self.boxes: list[Box] = []
        self.edges: list[Edge] = []

    def place(self, branch: Branch, column: int) -> Box:
        below = [self.place(one, column + 1) for one in branch.branches]
        if below:
            y = (below[0].y + below[-1].y) / 2
        else:
            y, self.next_row = float(self.next_row * ROW + TOP), self.next_row + 1
        width = self.widths[column]
        room = width - PADDING
        box = Box(
            branch=branch,
            x=round(self.lefts[column], 1),
            y=round(y, 1),
            width=width,
            advice=_fit(branch.advice, room / BOLD_CHARACTER),
            under=_fit(branch.under, (room - _percent_room(branch)) / CHARACTER),
        )
        self.boxes.append(box)
        self.edges += [self._edge(box, to) for to in below]
        return box

    def _edge(self, start: Box, to: Box) -> Edge:
        out = start.x + start.width
        line = f"M{out:.1f} {start.middle:.1f}H{out + TURN:.1f}V{to.middle:.1f}H{to.x:.1f}"
        return Edge(line, round(to.x - 7, 1), round(to.middle - 6, 1), to.branch.outcome)


def _fit(text: str, characters: float) -> str:
    most = int(characters + 0.5)
    return text if len(text) <= most else f"{text[: max(1, most - 1)].rstrip()}…"
