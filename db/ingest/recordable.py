"""What the writer records, and what it knows of it: nothing but this.

A kind of record, such as a click, is a `Recordable`, and a `Recorder` writes batches of it. Adding one takes both, and
naming the recorder in `gateway/services.py`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from db.engine.backend.protocol import WriteConnection
from db.sql.batch_statements import StatementRows

Outcome_co = TypeVar("Outcome_co", covariant=True)
R = TypeVar("R", bound="Recordable[Any]")
E = TypeVar("E", bound="Pending")

TakeIds: TypeAlias = Callable[[str, int], range]
"""Returns so many ids of a block, which nothing else has or will have."""

ShiftIds: TypeAlias = Callable[[str, int], Awaitable[int]]
"""Returns the first of so many new ids of a block, whose row is locked, so that no other gateway reserves them."""

PROBE_URL = "https://clickgate.invalid/"


class Recordable(Struct, Generic[Outcome_co], frozen=True, gc=False):
    """Something that happened and is to be recorded, with the outcome that its sender gets once it is committed.

    `received_at` is when the gateway received it. The writer moves it up a little where the clock went back: it records
    nothing of before a moment that others may have read up to.
    """

    noun: ClassVar[str] = "record"
    """What the log calls it."""

    received_at: datetime


class Pending(Protocol):
    """A record in a batch: the ids reserved for it, and its outcome, which is None as long as it has none."""

    outcome: Any


class Recorder(Protocol[R, E]):
    """Writes batches of one kind of record in an open or a coming transaction, which it neither opens nor ends. Holds
    no state between batches. All of them take their locks in the same order, so that two gateways never wait for each
    other in a circle."""

    @property
    def records(self) -> Sequence[type[R]]:
        """The types of the records."""

    @property
    def needs_transaction(self) -> bool:
        """Whether `write` takes an open transaction, because it locks rows before it changes them. Otherwise a batch
        may be a single statement that is a transaction by itself."""

    def needed_ids(self, records: Sequence[R]) -> Mapping[str, int]:
        """Return how many ids of each block the records take."""

    def numbers(self, records: Sequence[R], take: TakeIds) -> Sequence[Any]:
        """Take the ids of each record. A later try of the same records keeps them."""

    def pending(self, records: Sequence[R], numbers: Sequence[Any]) -> Sequence[E]:
        """Return the records with their ids, in the same order, as yet without an outcome."""

    async def find_committed(self, connection: WriteConnection, entries: Sequence[E]) -> None:
        """Give their outcomes to the entries that are recorded already: an earlier try, whose answer got lost, was
        committed after all."""

    async def write(
        self, connection: WriteConnection, entries: Sequence[E], *, one_by_one: bool
    ) -> Sequence[StatementRows]:
        """Give the entries that have no outcome yet their own, and return the work that records them and appends them
        to the outbox.

        A row that the database refuses fails the whole transaction, unless the entries go `one_by_one`: then they are
        written at once, and a refused one has the error as its outcome.
        """

    async def probe(self, connection: WriteConnection, shift: ShiftIds) -> None:
        """Record something in the open transaction, to see whether it can be. All of it is undone. Raises what the
        driver does."""
