"""The log's form: one line an entry, as JSON for machines or coloured text for a terminal, on standard error.

The storeys below log with the standard library, and so do the server and the migrations; structlog renders them all.
"""

import logging
import sys

import structlog

from gateway.settings import Settings


def configure(settings: Settings) -> None:
    """Send every logger's entries to standard error in the form that the settings ask for."""
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _without_colour, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    # Its lines about each migration are for whoever runs one by hand.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Their lines about each WebSocket, and each that is refused, would let anybody fill the log.
    logging.getLogger("gateway.protocol").setLevel(logging.WARNING)
    logging.getLogger("strawberry.ws").setLevel(logging.ERROR)


def _without_colour(_logger: object, _method: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    entry.pop("color_message", None)  # the server says everything twice, once with terminal codes
    return entry
