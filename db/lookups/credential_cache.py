"""A cache of credentials, tokens and sessions, each valid for a second, which also records when they were last used.

A dashboard sends its credential with each request, and looking it up every time would cost more than many of the
requests.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from sqlalchemy import bindparam, or_, update

from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.lookups.tokens import hashed
from db.schema.sessions import WebSession
from db.schema.tokens import ApiToken
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Ids, among
from db.tasks import end

logger = logging.getLogger(__name__)

# Every gateway must reject a revoked token, and a session that has ended, within a second.
KNOWN_FOR = timedelta(seconds=1)
RENEW_SECONDS = 0.5
LOOK_UP_SECONDS = 5
# Guessing secrets can only evict entries, which are looked up again.
MOST_KNOWN = 4096
# `last_used_at` shows people what is in use. More precision would cost more writes.
NOTE_EVERY = timedelta(minutes=1)
NOTE_SECONDS = 0.5

Clock: TypeAlias = Callable[[], datetime]


class Known(Protocol):
    """A credential that is not revoked, at most a second out of date."""

    @property
    def id(self) -> int: ...

    def is_valid(self, now: datetime) -> bool:
        """Return whether it has not expired."""


K = TypeVar("K", bound=Known)


@dataclass(frozen=True, slots=True)
class Kind(Generic[K]):
    """A kind of credential: its table, and what finds its rows by the parameters `hash` and `ids`."""

    table: type[ApiToken | WebSession]
    known: Callable[..., K]
    by_hash: CompiledQuery
    by_ids: CompiledQuery


class _Seen(NamedTuple, Generic[K]):
    """The result of looking up a secret, and when."""

    at: datetime
    found: K | None


class CredentialCache(Generic[K]):
    """The credentials of one kind that were used recently. `clock` returns the current time in UTC."""

    def __init__(self, store: Store, clock: Clock, kind: Kind[K]) -> None:
        self._store = store
        self._clock = clock
        self._kind = kind
        self._known: OrderedDict[str, _Seen[K]] = OrderedDict()
        self._in_use: dict[int, str] = {}
        self._noted: dict[int, datetime] = {}
        self._used: dict[int, datetime] = {}
        self._is_noting = True
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start renewing cached credentials and recording their use in the background."""
        table = self._kind.table.__tablename__
        self._tasks = [
            asyncio.create_task(_repeatedly(self._renew, RENEW_SECONDS), name=f"{table} renewal"),
            asyncio.create_task(_repeatedly(self._write_notes, NOTE_SECONDS), name=f"{table} use"),
        ]

    async def close(self) -> None:
        """Record the remaining uses, and stop."""
        await end(*self._tasks)
        if self._tasks:
            await self._write_notes()

    async def find(self, secret: str) -> K | None:
        """Return what a secret belongs to, or None if it is unknown, revoked or expired. Raises
        `DatabaseUnavailable`."""
        now, secret_hash = self._clock(), hashed(secret)
        seen = self._known.get(secret_hash)
        if seen is None or not seen.at <= now < seen.at + KNOWN_FOR:
            found = next(iter(await self._look_up(self._kind.by_hash, hash=secret_hash)), None)
            self._learn(secret_hash, _Seen(now, found))
        else:
            found = seen.found
        if found is None or not found.is_valid(now):
            return None
        self._in_use[found.id] = secret_hash
        self.note(found.id)
        return found

    async def is_good(self, id: int) -> bool:
        """Return whether a credential is neither revoked nor expired. Raises `DatabaseUnavailable`."""
        return any(found.is_valid(self._clock()) for found in await self._look_up(self._kind.by_ids, ids=[id]))

    def note(self, id: int) -> None:
        """Note that a credential is used now."""
        now = self._clock()
        if id not in self._noted or now - self._noted[id] >= NOTE_EVERY:
            self._noted[id] = self._used[id] = now

    def forget(self, secret: str) -> None:
        """Look a secret up when it is used again."""
        self._known.pop(hashed(secret), None)

    async def _look_up(self, query: CompiledQuery, **values: Any) -> Sequence[K]:
        with self._store.outages():
            async with asyncio.timeout(LOOK_UP_SECONDS):
                return [self._kind.known(*row) for row in await self._store.fetch(query, values)]

    def _learn(self, secret_hash: str, seen: _Seen[K]) -> None:
        self._known[secret_hash] = seen
        self._known.move_to_end(secret_hash)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    async def _renew(self) -> None:
        """Look up all that was used since the last renewal with one query, before requests need it one by one."""
        in_use, self._in_use = self._in_use, {}
        if not in_use:
            return
        now = self._clock()
        try:
            found = {each.id: each for each in await self._look_up(self._kind.by_ids, ids=list(in_use))}
        except DatabaseUnavailable:
            return  # the next request that needs one reports it
        for id, secret_hash in in_use.items():
            self._learn(secret_hash, _Seen(now, found.get(id)))

    async def _write_notes(self) -> None:
        """Record when credentials were used. Uses during an outage are dropped, since they are only informational."""
        used, self._used = self._used, {}
        if not used:
            return
        # All with the latest timestamp: the differences are smaller than the interval between two writes.
        at, table = max(used.values()), self._kind.table
        later = or_(table.last_used_at.is_(None), table.last_used_at < at)
        noted = update(table).where(among(table.id, bindparam("ids", type_=Ids())), later)
        try:
            async with self._store.write() as connection:
                await connection.execute(noted.values(last_used_at=at), {"ids": sorted(used)})
            self._is_noting = True
        except asyncio.CancelledError:
            # The gateway is stopping; `close` writes the rest.
            self._used = used | self._used
            raise
        except DatabaseUnavailable as error:
            if self._is_noting:  # log an outage once, not twice a second
                logger.warning("the use of %s is not being recorded: %s", table.__tablename__, error)
            self._is_noting = False


async def _repeatedly(step: Callable[[], Awaitable[None]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await step()
        except Exception:
            logger.exception("renewing cached credentials or recording their use failed")
