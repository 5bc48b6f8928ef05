"""What a study file says about doses: how much, when, how it is computed and how giving it is recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from trials.protocol_base import Code, Days, FilePart, Window

FORMULA_NAMES = {"mosteller": "Mosteller", "dubois": "Du Bois"}
PER_BODY_SIZE = {"mg/m2": "m²", "mg/kg": "kg"}


class Dose(FilePart):
    """One agent's dose: amount, unit, route and the days of the cycle on which it is given.

    An oral agent is taken in courses: its doses are counted. One that is infused or injected is given dose by dose:
    each is an administration. `loading_amount`, in the same unit, is given instead of `amount` the first time that
    the patient is given the agent.
    """

    agent: Code
    amount: Annotated[Decimal, Field(gt=0)]
    loading_amount: Annotated[Decimal, Field(gt=0)] | None = None
    unit: Literal["mg", "mg/m2", "mg/kg", "g", "µg"]
    route: Literal["oral", "intravenous", "subcutaneous"]
    days: Annotated[tuple[Annotated[int, Field(ge=1, le=365)], ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _days_as_ranges(cls, value: Any) -> Any:
        if isinstance(value, dict) and "days" in value:
            value = {**value, "days": expand_days(value["days"])}
        return value

    @property
    def by_body_size(self) -> bool:
        """Whether the dose to give follows from the patient's height or weight."""
        return self.unit in PER_BODY_SIZE

    @property
    def given_singly(self) -> bool:
        """Whether each dose is recorded as an administration, not counted with the others of its cycle."""
        return self.route != "oral"

    @property
    def unit_words(self) -> str:
        return self.unit.replace("m2", "m²")

    @property
    def amount_unit(self) -> str:
        """The unit of what is given: mg for mg/m² and mg/kg."""
        return self.unit.partition("/")[0]

    @property
    def amount_words(self) -> str:
        """'10 mg', or '250 mg/m² (400 mg/m² the first time)'."""
        usual = f"{self.amount.normalize():f} {self.unit_words}"
        if self.loading_amount is None:
            return usual
        return f"{usual} ({self.loading_amount.normalize():f} {self.unit_words} the first time)"

    @property
    def days_words(self) -> str:
        """'days 1–21' or 'days 1, 8, 15, 22'."""
        days = self.days
        if len(days) > 2 and days == tuple(range(days[0], days[-1] + 1)):
            return f"days {days[0]}–{days[-1]}"
        return ("day " if len(days) == 1 else "days ") + ", ".join(map(str, days))


class Rounding(FilePart):
    """To which step an agent's computed dose is rounded; `nearest` rounds halves up."""

    agent: Code
    to: Annotated[Decimal, Field(gt=0, le=1000)]
    direction: Literal["nearest", "down"] = "nearest"


class Calculation(FilePart):
    """How doses by body size are computed.

    The body surface is rounded to `bsa_decimals` and no larger than `bsa_cap_m2`. A dose goes on being computed with
    the same weight until one differs from it by more than `weight_change_percent`. `measurement_days`: a measurement
    older than that on the day of dosing is out of date.
    """

    bsa_formula: Literal["mosteller", "dubois"] | None = None
    bsa_decimals: Annotated[int, Field(ge=1, le=4)] = 2
    bsa_cap_m2: Annotated[Decimal, Field(ge=1, le=3)] | None = None
    weight_change_percent: Annotated[Decimal, Field(ge=0, le=50)]
    measurement_days: Annotated[Days, Field(ge=1)] | None = None
    rounding: Annotated[tuple[Rounding, ...], Field(min_length=1)]


class Administrations(FilePart):
    """Recording each infusion: the days allowed around its day, and how far from the dose to give needs no reason."""

    window: Window = Window()
    tolerance_percent: Annotated[Decimal, Field(ge=0, le=50)] = Decimal(0)


def expand_days(days: object) -> object:
    """'1-21' or [1, 8, '15-17'] as a list of days; anything else is returned as it is, for the validation to refuse."""
    if isinstance(days, int) and not isinstance(days, bool):
        return [days]
    parts = days.split(",") if isinstance(days, str) else days
    if not isinstance(parts, list | tuple):
        return days
    found: list[object] = []
    for part in parts:
        text = str(part).strip()
        first, dash, last = text.partition("-")
        if dash and first.isdigit() and last.isdigit() and 0 < int(first) <= int(last) <= 365:
            found.extend(range(int(first), int(last) + 1))
        else:
            found.append(int(text) if text.isdigit() else part)
    return found
