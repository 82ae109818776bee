"""What storage reports to those above it.

StoreError
├── Unavailable        not known to be recorded; worth sending again, with the same event_id
│   ├── WriterQueueFull      more clicks are waiting than the writer may hold
│   └── DatabaseUnavailable   the database cannot be reached, does not answer in time, or records nothing
├── RowRefused         the database refuses one row; sending it again does not help
├── ClickFailed        an unclassified error kept a click from being recorded; the log has it
├── WriterGone         others took this writer for dead; it has to register again
├── SchemaOutdated     the database's schema is not the one this version works with
├── FileInUse          another process has a SQLite file open that must be left alone for a while
└── UnusableDatabase   the configured database cannot serve, whatever its state
"""


class StoreError(Exception):
    """Anything storage reports on purpose."""


class Unavailable(StoreError):
    """The click is not known to be recorded: it was not, unless the answer to its commit got lost on the way."""


class WriterQueueFull(Unavailable):
    """More clicks are waiting than the writer may hold."""


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached, does not answer in time, or records nothing, for lack of space or permission for
    instance. The message has the driver's words, in one line; `reason` is for everybody."""

    def __init__(self, message: str = "", reason: str = "the database cannot be reached") -> None:
        super().__init__(message)
        self.reason = reason

    def __str__(self) -> str:
        return f"the database is away: {super().__str__()}"


class RowRefused(StoreError):
    """The database refuses one row. The message names the error and the constraint, and none of the row's values."""


class ClickFailed(StoreError):
    """An unclassified error, or the database's refusal of its row, kept a click from being recorded. The log has it
    under `fault`; nothing is left to be logged."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"the click could not be recorded, see {fault} in the log")
        self.fault = fault


class WriterGone(StoreError):
    """A writer's row is not there any more, see `db.ingest.registration`; nothing was committed."""


class SchemaOutdated(StoreError):
    """The database's schema is not the one that this version works with; the message says what to do."""


class FileInUse(StoreError):
    """Another process has the SQLite file open; the message says what to do."""


class UnusableDatabase(StoreError):
    """The configured database cannot serve, whatever its state; the message says why."""
