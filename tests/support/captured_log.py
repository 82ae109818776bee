"""What a test's gateways log. A gateway replaces the handlers of the root logger, among them those of pytest."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = [logging.getLogger(name) for name in ("db", "graph", "rest", "gateway")]


class Log(logging.Handler):
    """What the gateways of a test log, but for what the server does."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def complaints(self) -> list[str]:
        """What the click writer says; nothing in the log has a traceback."""
        assert not [record for record in self.records if record.exc_info]
        return [record.getMessage() for record in self.records if record.name == "db.ingest.writer"]


@contextmanager
def listening() -> Iterator[Log]:
    """Collect what is logged meanwhile."""
    log = Log()
    for logger in LOGGERS:
        logger.addHandler(log)
    yield log
    for logger in LOGGERS:
        logger.removeHandler(log)
