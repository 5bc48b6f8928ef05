"""The requirements of docs/validation/requirements.yaml, each with what Rung says about it."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from config.environment import BASE_DIR

FILE = BASE_DIR / "docs" / "validation" / "requirements.yaml"


@dataclass(frozen=True)
class Requirement:
    """One requirement. `rung` is what Rung claims to do, `open` what it does not, `duty` what is the organisation's."""

    id: str
    says: str
    rung: str = ""
    documented: list[str] = field(default_factory=list)
    open: str = ""
    duty: str = ""

    @property
    def standing(self) -> str:
        if self.rung:
            return "Rung, and the organisation" if self.duty else "Rung"
        return "open" if self.open else "the organisation's own duty"


@dataclass(frozen=True)
class Rule:
    """One of the rules, or a part of one, with its requirements in its own order."""

    title: str
    requirements: list[Requirement]


def read_rules(path: Path = FILE) -> list[Rule]:
    """Raises TypeError where an entry has a key that is not known or lacks its id or what it says."""
    return [
        Rule(title=rule["title"], requirements=[Requirement(**entry) for entry in rule["requirements"]])
        for rule in yaml.safe_load(path.read_text())
    ]


def requirements(path: Path = FILE) -> dict[str, Requirement]:
    return {each.id: each for rule in read_rules(path) for each in rule.requirements}
