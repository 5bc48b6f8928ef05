"""The people of a demonstration, shown on its sign-in page. Empty everywhere else."""

import json
from typing import TypedDict

from django.conf import settings


class DemoPerson(TypedDict):
    username: str
    name: str
    role: str
    password: str


def demo_people() -> list[DemoPerson]:
    """Who can sign in to try it: what `load_demo` wrote, where this server was started as a demonstration."""
    if not settings.RUNG_DEMO or not settings.DEMO_PEOPLE_FILE.is_file():
        return []
    people: list[DemoPerson] = json.loads(settings.DEMO_PEOPLE_FILE.read_text())
    return people
