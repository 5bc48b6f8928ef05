"""`make bench`: how long the pages take with little data and with much. Figures to read, not a test that can fail.

The small database has one study of 20 patients, the large one fifty studies of 200.
"""

import logging
import os
import time

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.settings"
django.setup()

from django.db import connections  # noqa: E402

from tests import databases  # noqa: E402
from tests.bench.filling import copy_study, fill  # noqa: E402
from tests.bench.pages import Row, measure  # noqa: E402
from tests.settings import addresses, servers  # noqa: E402


def measured(patients: int, studies: int) -> list[Row]:
    """Make a database with so many studies of so many patients, and measure the pages of one of them."""
    start = time.perf_counter()
    with databases.clone(addresses, databases.template(servers, addresses)) as database:
        connections.settings["default"]["NAME"] = database.name
        study = fill("BENCH", patients, database.owner_url)
        copy_study(study, studies - 1, database.owner_url)
        print(f"{studies} × {patients} patients: made in {time.perf_counter() - start:.0f} s", flush=True)
        rows = measure(study)
        connections.close_all()
    return rows


def table(small: list[Row], large: list[Row]) -> str:
    """Both databases side by side: median and 95th percentile in milliseconds, queries, and how much slower."""
    columns = "median   p95  queries"
    lines = [f"{'':22}{'1 × 20':>24}{'50 × 200':>26}", f"{'page':22}{columns:>24}{columns:>26}{'ratio':>8}"]
    for one, two in zip(small, large, strict=True):
        lines.append(
            f"{one.name:22}{one.median:9.1f}{one.p95:7.1f}{one.queries:8}{two.median:11.1f}{two.p95:7.1f}{two.queries:8}"
            f"{two.median / one.median:8.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    logging.getLogger("rung.request").setLevel(logging.WARNING)  # a line per request would bury the table
    print(table(measured(20, 1), measured(200, 50)))


if __name__ == "__main__":
    main()
