"""Study files that a new study can begin with: of studies that a person may see, and those that come with Rung."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from accounts.models import User
from trials import protocol
from trials.models import Study
from trials.queries import study_for, version_to_read
from trials.study_file import parse_study_file

FOLDER = Path(protocol.__file__).parent / "protocols"


def shipped_files() -> list[tuple[str, str]]:
    """(name, title of its study) of each protocol that comes with Rung."""
    return [(name, str(content["study"]["title"])) for name, content in _shipped().items()]


@cache
def _shipped() -> dict[str, dict[str, Any]]:
    return {path.stem: parse_study_file(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))}


def studies_to_begin_with(user: User) -> list[Study]:
    """Studies in which the person has a role and whose protocol can be read."""
    return list(Study.objects.visible_to(user).filter(versions__isnull=False).distinct())


def study_file_at(source: str, user: User) -> dict[str, Any]:
    """The content of "study:KEY" or "file:NAME"; of "" nothing. Http404 for a study that the person may not see."""
    kind, _, name = source.partition(":")
    if kind == "study":
        return dict(version_to_read(study_for(user, name)).definition)
    return dict(_shipped()[name]) if kind == "file" else {}
