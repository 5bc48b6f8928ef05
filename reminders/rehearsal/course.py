"""What happens to one invented patient, in cycles and days of cycles. Nothing here names a dose level or a date."""

from dataclasses import dataclass

from patients.models import Attribution

RELATED = Attribution.Relation.PROBABLE
UNLIKELY = Attribution.Relation.UNLIKELY


@dataclass(frozen=True)
class Happening:
    """An adverse event on a day of a cycle. dlt: judged so; None where no rule asks for a judgement."""

    cycle: int
    day: int
    term: str
    grade: int
    dlt: bool | None = None
    relation: str = RELATED
    lasts: int | None = 9
    serious: bool = False
    reduces: bool = False
    ends_treatment: bool = False


@dataclass(frozen=True)
class Body:
    """Height in cm, and weight in kg as treatment starts; `change_kg` a cycle."""

    height_cm: float
    weight_kg: float
    change_kg: float = 0.0


@dataclass(frozen=True)
class Course:
    """One patient: the site, the doses taken in the DLT window, and what happens on the way.

    taken: of the agent whose exposure counts, None for all of them. late: cycle → days that it starts late.
    leaves: (cycle, day, reason) of a discontinuation without an event. improves: how far outcome measures move towards
    the better end, 0 to 1.
    """

    site: str
    taken: int | None = None
    events: tuple[Happening, ...] = ()
    late: tuple[tuple[int, int], ...] = ()
    leaves: tuple[int, int, str] | None = None
    improves: float = 0.3
    missed_samples: tuple[str, ...] = ()
    body: Body = Body(172, 71)
