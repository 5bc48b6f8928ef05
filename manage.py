#!/usr/bin/env python
"""Django's command line for Rung."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from config.embedded import CannotStart, servers_for_this_command

    if sys.argv[1:2] == ["migrate"] and os.environ.get("RUNG_DATABASE_ROLE") != "owner":
        sys.exit("Tables are made as the database's owner: `make migrate`, or set RUNG_DATABASE_ROLE=owner.")
    try:
        with servers_for_this_command():
            execute_from_command_line(sys.argv)
    except (CannotStart, ImproperlyConfigured) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
