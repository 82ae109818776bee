"""A cache of API tokens, each valid for a second, which also records when tokens were last used.

A dashboard sends its token with each request, and looking it up every time would cost more than many of the requests.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, or_, select, update

from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.lookups.tokens import TokenRole, hashed
from db.schema.tokens import ApiToken
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Ids, among
from db.tasks import end

logger = logging.getLogger(__name__)

# Every gateway must reject a revoked token within a second.
KNOWN_FOR = timedelta(seconds=1)
RENEW_SECONDS = 0.5
LOOK_UP_SECONDS = 5
# Guessing secrets can only evict entries, which are looked up again.
KEPT_TOKENS = 4096
# `last_used_at` shows people which tokens are in use. More precision would cost more writes.
NOTE_EVERY = timedelta(minutes=1)
NOTE_SECONDS = 0.5

_TOKENS = select(ApiToken.id, ApiToken.role, ApiToken.program_id, ApiToken.partner_id, ApiToken.expires_at).where(
    ApiToken.revoked_at.is_(None)
)
BY_HASH = CompiledQuery(_TOKENS.where(ApiToken.token_hash == bindparam("token_hash")))
BY_IDS = CompiledQuery(_TOKENS.where(among(ApiToken.id, bindparam("ids", type_=Ids()))))


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that is not revoked, at most a second out of date."""

    id: int
    role: TokenRole
    program_id: int | None
    partner_id: int | None
    expires_at: datetime | None


class _Seen(NamedTuple):
    """The result of looking up a secret, and when."""

    at: datetime
    token: KnownToken | None


class TokenCache:
    """The tokens that were used recently. `clock` returns the current time in UTC."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, _Seen] = OrderedDict()
        self._in_use: dict[int, str] = {}
        self._noted: dict[int, datetime] = {}
        self._used: dict[int, datetime] = {}
        self._is_noting = True
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start renewing cached tokens and recording their use in the background."""
        self._tasks = [
            asyncio.create_task(_repeatedly(self._renew, RENEW_SECONDS), name="token renewal"),
            asyncio.create_task(_repeatedly(self._write_notes, NOTE_SECONDS), name="token use"),
        ]

    async def close(self) -> None:
        """Record the remaining uses, and stop."""
        await end(*self._tasks)
        if self._tasks:
            await self._write_notes()

    async def find(self, secret: str) -> KnownToken | None:
        """Return the token for a secret, or None if it is unknown, revoked or expired. Raises `DatabaseUnavailable`."""
        now, token_hash = self._clock(), hashed(secret)
        seen = self._known.get(token_hash)
        if seen is None or not seen.at <= now < seen.at + KNOWN_FOR:
            token = next(iter(await self._look_up(BY_HASH, token_hash=token_hash)), None)
            self._learn(token_hash, _Seen(now, token))
        else:
            token = seen.token
        if token is None or _is_expired(token, now):
            return None
        self._in_use[token.id] = token_hash
        if token.id not in self._noted or now - self._noted[token.id] >= NOTE_EVERY:
            self._noted[token.id] = self._used[token.id] = now
        return token

    async def is_good(self, token_id: int) -> bool:
        """Return whether a token is neither revoked nor expired. Raises `DatabaseUnavailable`."""
        found = await self._look_up(BY_IDS, ids=[token_id])
        return any(not _is_expired(token, self._clock()) for token in found)

    async def _look_up(self, query: CompiledQuery, **values: Any) -> Sequence[KnownToken]:
        with self._store.outages():
            async with asyncio.timeout(LOOK_UP_SECONDS):
                return [KnownToken(*row) for row in await self._store.fetch(query, values)]

    def _learn(self, token_hash: str, seen: _Seen) -> None:
        self._known[token_hash] = seen
        self._known.move_to_end(token_hash)
        if len(self._known) > KEPT_TOKENS:
            self._known.popitem(last=False)

    async def _renew(self) -> None:
        """Look up all tokens used since the last renewal with one query, before requests need them one by one."""
        in_use, self._in_use = self._in_use, {}
        if not in_use:
            return
        now = self._clock()
        try:
            tokens = {token.id: token for token in await self._look_up(BY_IDS, ids=list(in_use))}
        except DatabaseUnavailable:
            return  # the next request that needs a token reports it
        for token_id, token_hash in in_use.items():
            self._learn(token_hash, _Seen(now, tokens.get(token_id)))

    async def _write_notes(self) -> None:
        """Record when tokens were used. Uses during an outage are dropped, since they are only informational."""
        used, self._used = self._used, {}
        if not used:
            return
        # All with the latest timestamp: the differences are smaller than the interval between two writes.
        at = max(used.values())
        later = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at < at)
        noted = update(ApiToken).where(among(ApiToken.id, bindparam("ids", type_=Ids())), later)
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
                logger.warning("the use of tokens is not being recorded: %s", error)
            self._is_noting = False


async def _repeatedly(step: Callable[[], Awaitable[None]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await step()
        except Exception:
            logger.exception("renewing cached tokens or recording their use failed")


def _is_expired(token: KnownToken, now: datetime) -> bool:
    return token.expires_at is not None and token.expires_at <= now
