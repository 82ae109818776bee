"""The link directory: every link and program in memory, so that a click finds its link without asking the database.

It stays fresh by a version that the database counts up with each change of a link or a program, by whomever: a change
is known to every gateway within a second, and a link that is not known yet is asked for when first clicked.
"""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.errors import DatabaseAway
from db.store import Store
from db.tables import DirectoryVersion, Program, ReferralLink

logger = logging.getLogger(__name__)

# Twice a second keeps the promise of one second with room for the reading itself.
REFRESH_SECONDS = 0.5
LOOK_UP_SECONDS = 5
# Enough for the typos and probes of a day; a scanner that tries more is answered from the database.
UNKNOWN_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class KnownProgram:
    """A program, as far as a click needs it."""

    id: int
    cookie_window_days: int


@dataclass(frozen=True, slots=True)
class KnownLink:
    """A link, as far as a click needs it."""

    id: int
    code: str
    is_active: bool
    program_id: int | None
    partner_id: int | None


class LinkDirectory:
    """Links by code and programs by id, as of at most a second ago."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = _Known({}, {}, {})
        self._unknown: OrderedDict[str | int, None] = OrderedDict()
        self._version = -1
        self._asking: dict[str | int, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read everything, then keep it fresh. Raises `DatabaseAway`."""
        await self.refresh()
        self._task = asyncio.create_task(self._keep_fresh(), name="link directory")

    async def close(self) -> None:
        """Stop refreshing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def find(self, code: str) -> KnownLink | None:
        """Return the link of a code. Raises `DatabaseAway`, for a code that has to be asked for."""
        if code not in self._known.links:
            await self._ask(code, _LINKS.where(ReferralLink.code == code))
        return self._known.links.get(code)

    async def link(self, link_id: int) -> KnownLink | None:
        """Return a link by its id. Raises as `find` does."""
        if link_id not in self._known.codes:
            await self._look_up(_LINKS.where(ReferralLink.id == link_id))
        code = self._known.codes.get(link_id)
        return None if code is None else self._known.links[code]

    async def program(self, program_id: int) -> KnownProgram | None:
        """Return a program. Raises as `find` does."""
        if program_id not in self._known.programs:
            await self._ask(program_id, _PROGRAMS.where(Program.id == program_id))
        return self._known.programs.get(program_id)

    async def refresh(self) -> None:
        """Read what changed since the last time. Raises `DatabaseAway`."""
        async with self._store.read() as connection:
            row = (await connection.execute(select(DirectoryVersion.version, DirectoryVersion.reload_version))).one()
            if row.version == self._version:
                return
            # After a deletion, and at first, everything is read anew; clicks go on with what was known.
            everything = row.reload_version > self._version
            known = _Known({}, {}, {}) if everything else self._known
            since = -1 if everything else self._version
            await _read(connection, _PROGRAMS.where(Program.version > since), known)
            await _read(connection, _LINKS.where(ReferralLink.version > since), known)
        self._known, self._version = known, row.version
        self._unknown.clear()

    async def _keep_fresh(self) -> None:
        away = False
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
                away = False
            except DatabaseAway as error:
                if not away:
                    logger.warning("links cannot be refreshed, going on with those that are known: %s", error)
                away = True
            except Exception:
                logger.exception("links could not be refreshed")

    async def _ask(self, key: str | int, query: Select[*tuple[Any, ...]]) -> None:
        """Ask the database for one link or program, once, however many clicks want it."""
        if key in self._unknown:
            return
        if key not in self._asking:
            task = self._asking[key] = asyncio.create_task(self._read_one(key, query))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        await asyncio.shield(self._asking[key])

    async def _read_one(self, key: str | int, query: Select[*tuple[Any, ...]]) -> None:
        version = self._version
        found = await self._look_up(query)
        # What appeared while we asked is only remembered as unknown if nothing told us of a change meanwhile.
        if not found and version == self._version:
            self._unknown[key] = None
            if len(self._unknown) > UNKNOWN_KEYS:
                self._unknown.popitem(last=False)

    async def _look_up(self, query: Select[*tuple[Any, ...]]) -> int:
        """Learn what a query for one link or program finds; return how many. A visitor waits for it."""
        with self._store.outages():
            async with asyncio.timeout(LOOK_UP_SECONDS), self._store.read() as connection:
                return await _read(connection, query, self._known)


@dataclass(frozen=True, slots=True)
class _Known:
    links: dict[str, KnownLink]
    codes: dict[int, str]
    programs: dict[int, KnownProgram]

    def learn(self, known: KnownLink | KnownProgram) -> None:
        if isinstance(known, KnownProgram):
            self.programs[known.id] = known
            return
        former = self.codes.get(known.id)
        if former is not None and former != known.code:
            self.links.pop(former, None)
        self.links[known.code] = known
        self.codes[known.id] = known.code


_LINKS = select(
    ReferralLink.id, ReferralLink.code, ReferralLink.status, ReferralLink.program_id, ReferralLink.partner_id
)
_PROGRAMS = select(Program.id, Program.cookie_window_days)


async def _read(connection: AsyncConnection, query: Select[*tuple[Any, ...]], into: _Known) -> int:
    """Learn the links or programs that a query finds; return how many."""
    count = 0
    async for row in await connection.stream(query):
        count += 1
        if len(row) == 2:
            into.learn(KnownProgram(*row))
        else:
            id, code, status, program_id, partner_id = row
            into.learn(KnownLink(id, code, status == "active", program_id, partner_id))
    return count
