"""What storage reports to those above it.

StoreError
├── Unavailable        not known to be recorded; worth sending again, with the same event_id
│   ├── QueueFull      more clicks are waiting than the writer may hold
│   └── DatabaseAway   the database cannot be reached or does not answer in time
├── WriterGone         others took this writer for dead; it has to register again
├── SchemaOutdated     the database's schema is not the one this version works with
└── UnusableDatabase   the configured database cannot serve, whatever its state
"""


class StoreError(Exception):
    """Anything storage reports on purpose."""


class Unavailable(StoreError):
    """The click is not known to be recorded: it was not, unless the answer to its commit got lost on the way."""


class QueueFull(Unavailable):
    """More clicks are waiting than the writer may hold."""


class DatabaseAway(Unavailable):
    """The database cannot be reached, or does not answer in time; the message has the driver's words."""

    def __str__(self) -> str:
        return f"the database is away: {super().__str__()}"


class WriterGone(StoreError):
    """A writer's row is not there any more, see `db.registration`; nothing was committed."""


class SchemaOutdated(StoreError):
    """The database's schema is not the one that this version works with; the message says what to do."""


class UnusableDatabase(StoreError):
    """The configured database cannot serve, whatever its state; the message says why."""
