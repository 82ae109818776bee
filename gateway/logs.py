"""Logging configuration: one line per entry on standard error, as JSON or as coloured text for a terminal.

All layers, the server and the migrations log through the standard library; structlog renders their entries.
"""

import logging
import sys
import traceback

import structlog

from db.engine.redaction import masked
from gateway.configuration.settings import Settings


def configure(settings: Settings) -> None:
    """Send every logger's entries to standard error in the format that the settings select."""
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_colour,
                _with_masked_traceback,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    # At level `debug`, aiosqlite logs each statement with its values.
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    # Alembic logs each migration, which is of interest only when it is run by hand.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # SQLAlchemy logs there for a class of pools that is ours.
    logging.getLogger("db.engine.sqlite.pooled_connection").setLevel(logging.WARNING)
    # These log every WebSocket and every refused one, which would let any client fill the log.
    logging.getLogger("gateway.server.websocket").setLevel(logging.WARNING)
    logging.getLogger("strawberry.ws").setLevel(logging.ERROR)


def _without_colour(_logger: object, _method: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    entry.pop("color_message", None)  # uvicorn adds a second copy of each message, with terminal codes
    return entry


def _with_masked_traceback(
    _logger: object, _method: str, entry: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Format an entry's exception without row values, which drivers include in their messages."""
    exc_info = entry.pop("exc_info", None)
    if exc_info:
        error = exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1] if exc_info is True else exc_info
        if isinstance(error, BaseException):
            entry["exception"] = masked("".join(traceback.format_exception(error)).rstrip(), error)
            entry["event"] = masked(str(entry["event"]), error)
    return entry
