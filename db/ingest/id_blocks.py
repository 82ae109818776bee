"""Row ids taken from blocks that are reserved in the database.

With the id known before the insert, `click_id` needs no round trip, and a transaction whose outcome got lost can be
written again under the same ids without ever counting twice.
"""

from collections.abc import Mapping
from time import monotonic

from sqlalchemy import BigInteger, Dialect, bindparam, update

from db.engine.backend.protocol import WriteConnection
from db.schema.id_blocks import IdBlock
from db.sql.batch_statements import BatchStatement, compiled

EVENTS, TEST_EVENTS, CUSTOMERS = "click_events", "click_test_events", "customers"
LEADS, SALES, REFUNDS, COMMISSIONS = "leads", "sales", "refunds", "commissions"
TEST_CONVERSIONS = "conversion_test_events"
"""The names of the blocks."""

# A block costs a transaction that clicks wait for; ids that a stopped gateway had left over are skipped for good. So
# each is twice as large as the one before: a busy gateway soon takes one every few seconds, a quiet one skips few.
FIRST_BLOCK = 1000
LARGEST_BLOCK = 64_000
# Those who follow events by their ids wait for the rest of a block once another gateway has taken a later one; so it is
# given up then.
HELD_SECONDS = 2
SMALLEST_BLOCK = 100


def take_block(dialect: Dialect) -> BatchStatement:
    """Return the statement that takes so many ids of a kind, and returns the id after them."""
    take = update(IdBlock).where(IdBlock.name == bindparam("kind"))
    take = take.values(next_id=IdBlock.next_id + bindparam("size", type_=BigInteger))
    return compiled(dialect, take.returning(IdBlock.next_id), ("kind", "size"))


class IdBlocks:
    """The unused rest of this process's current block, for each kind of row."""

    def __init__(self, dialect: Dialect) -> None:
        self._take = take_block(dialect)
        self._left: dict[str, range] = {}
        self._next_sizes: dict[str, int] = {}
        self._blocks: dict[str, tuple[range, float]] = {}
        """The whole of each current block, and when it was taken."""

    async def ensure(self, connection: WriteConnection, needed: Mapping[str, int]) -> None:
        """Reserve a new block, in a transaction of its own, for each kind of which fewer are left than needed."""
        short = {kind: count for kind, count in needed.items() if len(self._left.get(kind, ())) < count}
        if not short:
            return
        sizes = {kind: max(self._next_sizes.get(kind, FIRST_BLOCK), count) for kind, count in short.items()}
        blocks: dict[str, range] = {}
        await connection.begin()
        for kind, size in sorted(sizes.items()):
            ((end,),) = await connection.fetch(self._take, [(kind, size)])
            blocks[kind] = range(end - size, end)
        await connection.commit()
        self._left |= blocks
        self._blocks |= {kind: (block, monotonic()) for kind, block in blocks.items()}
        self._next_sizes |= {kind: min(2 * size, LARGEST_BLOCK) for kind, size in sizes.items()}

    def take(self, kind: str, count: int) -> range:
        """Return ids that no other row of this kind has or will have. `ensure` comes first."""
        left = self._left.get(kind, range(0))
        self._left[kind] = left[count:]
        return left[:count]

    def first(self, kind: str) -> int | None:
        """Return the lowest id that is left; None if there is none, and the next one comes from a block to be taken."""
        left = self._left.get(kind)
        return left[0] if left else None

    def holds_up(self, kind: str, next_id: int) -> bool:
        """Return whether ids that are left hold up those who follow a kind of row by its ids, while `next_id` is where
        the next block would begin."""
        if not self._left.get(kind):
            return False
        block, taken_at = self._blocks[kind]
        return next_id > block.stop and monotonic() - taken_at > HELD_SECONDS

    def give_up(self, kind: str) -> None:
        """Leave unused what is left; the next block is made to last about as long as this one was held."""
        if left := self._left.pop(kind, None):
            used = left.start - self._blocks[kind][0].start
            self._next_sizes[kind] = min(max(2 * used, SMALLEST_BLOCK), LARGEST_BLOCK)
