"""What every part of a study file has in common."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
Days = Annotated[int, Field(ge=0, le=3650)]
PartKind = Literal["escalation", "expansion"]


class FilePart(BaseModel):
    """Base of every part of a study file: frozen, no unknown keys, may be marked as assumed."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    assumed: bool = False
    note: str = ""


class Window(FilePart):
    """Days allowed before and after the planned day."""

    before: Days = 0
    after: Days = 0
