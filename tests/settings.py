"""Settings of the tests: the real ones, with servers of the tests' own.

The tests' servers are shared by everything that runs tests from this folder at the time, and are never those of the
demo: a demo that starts or stops meanwhile is not noticed.
"""

import atexit
import os

from config.embedded import Servers
from config.environment import VAR_DIR

servers = Servers(VAR_DIR / "test-servers", durable=False)
addresses = servers.start()
atexit.register(servers.leave)
os.environ.update(addresses.environment())
os.environ["RUNG_ENV"] = "local"

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE  # noqa: E402

DATABASES["default"]["CONN_MAX_AGE"] = 0

# A page that asks one query per row fails its test.
INSTALLED_APPS = ["zeal", *INSTALLED_APPS]
MIDDLEWARE = ["zeal.middleware.zeal_middleware", *MIDDLEWARE]

# What a demo published of its own trail says nothing about the tests' databases.
AUDIT_PUBLISHED_DIR = VAR_DIR / "test-audit"

# Real hashing takes its time on purpose; tests sign in hundreds of times.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Everything comes from one address here; the tests of the limits set their own.
RATE_LIMITS = {}
# Files are found where they are; there is no folder of collected ones to warn about.
STATIC_ROOT = None
# Signing out reads the session twice, by Django's own code.
ZEAL_ALLOWLIST = [{"model": "sessions.Session", "field": "*"}]
