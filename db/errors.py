"""The exceptions that storage raises, as one tree. Callers catch these and never a driver's own.

StoreError
├── Unavailable             the click may not have been recorded; retry it with the same event_id
│   ├── WriterQueueFull     the click writer's queue is full
│   └── DatabaseUnavailable the database is unreachable, too slow to answer, or unable to write
├── RowRefused              the database rejects one row; retrying does not help
├── RecordFailed             a click was not recorded; the log has the error
├── WriterGone              another process removed this writer's registration; it has to register again
├── SchemaOutdated          the database's schema is not the one this version works with
├── SegmentDamaged          a segment is not what was stored; reports are made without it
├── ClicksNeeded            clicks cannot be dropped, because they are still needed or are being copied
├── NoCluster               the tables cannot be distributed: something is missing, or somebody else alters them
├── FileInUse               another process has the SQLite file open
└── UnusableDatabase        the configured database cannot be used at all
"""


class StoreError(Exception):
    """The root of the tree."""


class Unavailable(StoreError):
    """The click may not have been recorded: it was only if the reply to its commit was lost."""


class WriterQueueFull(Unavailable):
    """The click writer's queue is full."""


class DatabaseUnavailable(Unavailable):
    """The database is unreachable, does not answer in time, or cannot write (for lack of space or permission, say).

    The message repeats the driver's on one line, for operators; `reason` is safe to show to anyone."""

    def __init__(self, message: str = "", reason: str = "the database cannot be reached") -> None:
        super().__init__(message)
        self.reason = reason

    def __str__(self) -> str:
        return f"the database is unavailable: {super().__str__()}"


class RowRefused(StoreError):
    """The database rejects one row. The message names the error and the constraint, never the row's values."""


class RecordFailed(StoreError):
    """A click was not recorded, because of an unclassified error or because the database rejects its row.

    The error is in the log already, under the id `fault`; callers do not log it again."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"the click could not be recorded: see {fault} in the log")
        self.fault = fault


class WriterGone(StoreError):
    """The writer's row no longer exists, see `db.ingest.registration`; nothing was committed."""


class SchemaOutdated(StoreError):
    """The database's schema is not the one this version works with; the message says what to do."""


class SegmentDamaged(StoreError):
    """A segment is missing, or is not what was stored; the message says what is wrong with it."""


class ClicksNeeded(StoreError):
    """Clicks cannot be dropped; the message says why, and what can be."""


class NoCluster(StoreError):
    """The tables cannot be distributed; the message says why, and what to do."""


class FileInUse(StoreError):
    """Another process has the SQLite file open; the message says what to do."""


class UnknownConsumer(StoreError):
    """The outbox has no consumer of this name."""


class UnusableDatabase(StoreError):
    """The configured database cannot be used, whatever its state; the message says why."""
