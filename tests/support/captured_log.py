"""The log of a test's gateways, captured although a gateway replaces the root logger's handlers, pytest's included."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = [logging.getLogger(name) for name in ("db", "graph", "rest", "gateway")]


class Log(logging.Handler):
    """The log records of a test's gateways, except those of the server."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def text(self) -> str:
        """Everything that was logged, with tracebacks."""
        formatter = logging.Formatter("%(message)s %(args)s")
        return "\n".join(formatter.format(record) for record in self.records)

    @property
    def complaints(self) -> list[str]:
        """The click writer's messages. Checks that no record has a traceback."""
        assert not [record for record in self.records if record.exc_info]
        return [
            record.getMessage()
            for record in self.records
            if record.name in ("db.ingest.availability", "db.ingest.writer")
        ]


@contextmanager
def listening() -> Iterator[Log]:
    """Collect what is logged during the block."""
    log = Log()
    for logger in LOGGERS:
        logger.addHandler(log)
    yield log
    for logger in LOGGERS:
        logger.removeHandler(log)
