"""Asks a running web server whether it is well: `python -m config.healthcheck`, for containers.

The server answers only to the names in ALLOWED_HOSTS, so the question is put in the name of PUBLIC_URL's host.
"""

import os
import sys
import urllib.request
from urllib.parse import urlsplit


def is_well(address: str, host: str) -> bool:
    """Whether http://`address`/healthz answers 200, asked as `host`."""
    request = urllib.request.Request(f"http://{address}/healthz", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=4) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    port = os.environ.get("BIND", ":8000").rpartition(":")[2]
    host = urlsplit(os.environ.get("PUBLIC_URL", "")).hostname or "localhost"
    sys.exit(0 if is_well(f"127.0.0.1:{port}", host) else 1)
