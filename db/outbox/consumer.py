"""What a consumer of the outbox has to offer. Reading the log and keeping the position is the runner's work."""

from collections.abc import Sequence, Set
from typing import NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.backend.protocol import WriteConnection


class Range(NamedTuple):
    """Events that one transaction recorded in one program: all events of a kind with these ids."""

    id: int
    """The position in the log."""
    kind: str
    program_id: int
    first_id: int
    last_id: int
    events: int


class Lot(NamedTuple):
    """How much a consumer waits for before it is run, because what it writes for a few events costs as much as for
    many: for so many events, or until the first one has waited for so long."""

    events: int
    seconds: float


class Changes(Protocol):
    """What a consumer has made of some ranges and has yet to write."""

    async def write(self, connection: WriteConnection) -> None:
        """Write the changes in the transaction that is open, which also moves the consumer's position: both are
        committed, or neither. On SQLite all other writers wait meanwhile."""


class Consumer(Protocol):
    """A named consumer. A range is handed to it at least once, and what it writes for the range is committed exactly
    once. Ranges come in the order in which they became visible, not in the order of their events."""

    @property
    def name(self) -> str:
        """Its name in the database, at most 64 characters. Consumers of one name share one position."""

    @property
    def kinds(self) -> Set[str]:
        """The kinds of events that it is given."""

    @property
    def lot(self) -> Lot | None:
        """What a running gateway waits for before it runs the consumer; None: for nothing."""

    @property
    def lists_at_once(self) -> bool:
        """Whether all events are in the log as soon as it is added or rewound, because its readers take what waits from
        there. That keeps other writers waiting in proportion to the events."""

    async def prepare(self, connection: WriteConnection, ranges: Sequence[Range]) -> Changes:
        """Read what there is to know about the ranges' events. May be repeated, and must not write anything."""

    async def reset(self, connection: AsyncConnection) -> None:
        """Remove whatever the consumer has written, in the transaction that is open: it starts from the beginning."""
