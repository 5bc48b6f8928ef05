"""How gunicorn serves Rung: `gunicorn --config config/gunicorn.py config.wsgi`."""

import os
import threading

bind = os.environ.get("BIND", "0.0.0.0:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
timeout = 60
graceful_timeout = 8
# Django is loaded once, before the workers are parted from it: they start at once and share memory.
preload_app = True
control_socket_disable = True
accesslog = None


def when_ready(server: object) -> None:
    """Load every page before the workers are parted from this process, so that the first visitor does not wait."""
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018 -- reading it is what loads it


def post_worker_init(worker: object) -> None:
    """Draw a first plot in each worker, in the background: it takes half a second once, and no visitor's."""
    threading.Thread(target=_draw_a_first_plot, daemon=True).start()


def _draw_a_first_plot() -> None:
    import vl_convert

    vl_convert.vegalite_to_svg({"data": {"values": [{"x": 1}]}, "mark": "point", "encoding": {"x": {"field": "x"}}})
