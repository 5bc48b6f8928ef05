"""Reference numbers of the established R packages, stored beside the tests."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def records(name: str) -> list[dict[str, Any]]:
    """The records of golden/<name>.json.gz; None stands for R's NA."""
    path = Path(__file__).parent / "golden" / f"{name}.json.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)["records"]
