"""Settings of the bench: those of the tests, without what watches queries and takes time to do so."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "zeal"]
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("zeal.")]
