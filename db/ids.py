"""Row ids taken from blocks that are reserved in the database.

With the id known before the insert, `click_id` needs no round trip, and a transaction whose outcome got lost can be
written again under the same ids without ever counting twice.
"""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Dialect, bindparam, update

from db.database import WriteConnection
from db.statements import compiled
from db.tables import IdBlock

# A block costs a transaction that clicks wait for; ids that a stopped gateway had left over are skipped for good. So
# each is twice as large as the one before: a busy gateway soon takes one every few seconds, a quiet one skips few.
FIRST_BLOCK = 1000
LARGEST_BLOCK = 64_000


class IdBlocks:
    """The unused rest of this process's current block, for each kind of row."""

    def __init__(self, dialect: Dialect) -> None:
        take = update(IdBlock).where(IdBlock.name == bindparam("kind"))
        take = take.values(next_id=IdBlock.next_id + bindparam("size", type_=BigInteger))
        self._take = compiled(dialect, take.returning(IdBlock.next_id), ("kind", "size"))
        self._left: dict[str, range] = {}
        self._next_sizes: dict[str, int] = {}

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
        self._next_sizes |= {kind: min(2 * size, LARGEST_BLOCK) for kind, size in sizes.items()}

    def take(self, kind: str, count: int) -> range:
        """Return ids that no other row of this kind has or will have. `ensure` comes first."""
        left = self._left.get(kind, range(0))
        self._left[kind] = left[count:]
        return left[:count]
