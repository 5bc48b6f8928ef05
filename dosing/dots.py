"""A patient, or a slot, as a dot: what it says and how it is drawn. Shared by the ladder and the path."""

from dataclasses import dataclass
from enum import StrEnum


class DotStatus(StrEnum):
    NO_DLT = "no_dlt"
    DLT = "dlt"
    PENDING = "pending"
    NOT_EVALUABLE = "not_evaluable"
    RESERVED = "reserved"
    OPEN = "open"


WORDS = {
    DotStatus.NO_DLT: "no DLT",
    DotStatus.DLT: "DLT",
    DotStatus.PENDING: "in the DLT window",
    DotStatus.NOT_EVALUABLE: "not evaluable, does not count",
    DotStatus.RESERVED: "reserved slot",
    DotStatus.OPEN: "open slot",
}


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One patient or slot.

    code: the patient's code; empty for a slot. elapsed: how much of the DLT window is over, 0 to 1, for PENDING only.
    url: the patient's page, if the reader may open it.
    Raises ValueError when elapsed is outside 0 to 1, or given for another status.
    """

    status: DotStatus
    code: str = ""
    elapsed: float | None = None
    url: str = ""

    def __post_init__(self) -> None:
        if self.elapsed is None:
            return
        if self.status is not DotStatus.PENDING:
            raise ValueError(f"elapsed is for a pending patient only, not for {self.status}")
        if not 0 <= self.elapsed <= 1:
            raise ValueError(f"elapsed must lie between 0 and 1, not {self.elapsed}")

    @property
    def words(self) -> str:
        """What the dot says, such as "in the DLT window, 40 % of it over"."""
        if self.elapsed is None:
            return WORDS[self.status]
        return f"{WORDS[self.status]}, {self.elapsed:.0%} of it over".replace("%", " %")

    @property
    def sentence(self) -> str:
        return f"{self.code}: {self.words}" if self.code else self.words


@dataclass(frozen=True, kw_only=True)
class DrawnDot:
    """A dot with its place: centre and radius in the drawing's units, and the parts that the shapes need."""

    dot: Dot
    x: float
    y: float
    r: float
    linked: bool

    @property
    def kind(self) -> str:
        return self.dot.status.value

    @property
    def cross(self) -> float:
        """Half the side of the cross that marks a DLT."""
        return round(self.r * 0.42, 1)

    @property
    def stroke(self) -> float:
        return round(max(1.2, self.r * 0.2), 1)

    @property
    def ring(self) -> float:
        """Stroke of the arc that shows how much of the window is over, `arc` of 100 parts."""
        return round(self.r * 0.36, 1)

    @property
    def ring_r(self) -> float:
        return round(self.r - self.ring / 2, 1)

    @property
    def ring_edge(self) -> float:
        """Radius of the thin circle around the arc: the whole window."""
        return round(self.r - 0.6, 1)

    @property
    def arc(self) -> int:
        return round(100 * (self.dot.elapsed or 0))

    @property
    def hit(self) -> float:
        """Radius of what can be touched: at least 24 units across."""
        return max(self.r + 2, 12)
