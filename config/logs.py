"""Log lines as events with ids: who, which request, which record; never a patient's data."""

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import structlog

SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def without_values(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """An exception as its kind and the lines it came through. Its message may quote a row, or what was typed."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_told(error))
    return event


def _told(error: BaseException) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _told(before)
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    diag = getattr(error, "diag", None)  # of psycopg: the kind of error and the rule that was broken, not the row
    named = [getattr(diag, name, None) for name in ("sqlstate", "table_name", "constraint_name")]
    yield " ".join([f"{type(error).__module__}.{type(error).__qualname__}", *(said for said in named if said)])


class NothingTyped(logging.Filter):
    """What Django and Celery say about a request or a task, without what somebody typed into an address or a form."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if request is not None and isinstance(record.args, tuple):
            match = getattr(request, "resolver_match", None)
            route = match.route if match else "(no such address)"
            record.args = tuple(route if argument == request.path else argument for argument in record.args)
        if record.name.startswith("celery") and isinstance(record.args, dict) and "exc" in record.args:
            kept = {"exc": "an error, told below", "traceback": ""}
            record.args = {name: kept.get(name, value) for name, value in record.args.items()}
        return True


def logging_settings(*, level: str, as_json: bool) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING: JSON lines in production, plain lines elsewhere."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    last = (
        [without_values, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "event": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED_PROCESSORS,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            }
        },
        "filters": {"careful": {"()": "config.logs.NothingTyped"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "event", "filters": ["careful"]}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {"django.server": {"handlers": ["console"], "level": level, "propagate": False}},
    }
