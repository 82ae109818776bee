"""Row ids taken from blocks that are reserved in the database.

With the id known before the insert, `click_id` needs no round trip, and a transaction whose outcome got lost can be
written again under the same ids without ever counting twice.
"""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Dialect, bindparam, update

from db.database import WriteConnection
from db.statements import compiled
from db.tables import IdBlock

# A block costs one small transaction; ids that a stopped gateway had left over are skipped for good.
BLOCK = 1000


class IdBlocks:
    """The unused rest of this process's current block, for each kind of row."""

    def __init__(self, dialect: Dialect) -> None:
        take = update(IdBlock).where(IdBlock.name == bindparam("kind"))
        take = take.values(next_id=IdBlock.next_id + bindparam("size", type_=BigInteger))
        self._take = compiled(dialect, take.returning(IdBlock.next_id), ("kind", "size"))
        self._left: dict[str, range] = {}

    async def ensure(self, connection: WriteConnection, needed: Mapping[str, int]) -> None:
        """Reserve a new block, in a transaction of its own, for each kind of which fewer are left than needed."""
        short = {kind: n for kind, n in needed.items() if len(self._left.get(kind, ())) < n}
        if not short:
            return
        await connection.begin()
        for kind, count in sorted(short.items()):
            size = max(BLOCK, count)
            ((end,),) = await connection.fetch(self._take, [(kind, size)])
            short[kind] = end - size
        await connection.commit()
        for kind, start in short.items():
            self._left[kind] = range(start, start + max(BLOCK, needed[kind]))

    def take(self, kind: str, count: int) -> range:
        """Return ids that no other row of this kind has or will have. `ensure` comes first."""
        left = self._left.get(kind, range(0))
        self._left[kind] = left[count:]
        return left[:count]
