"""Past every operation: statements as the application's role, for what the database itself refuses."""

from django.db import connection

from accounts.models import User
from audit.context import acting


def by_hand(sql: str, parameters: list[object], by: User) -> None:
    """One statement as the application's role, with an actor and a reason."""
    with acting(by, "by hand"), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
