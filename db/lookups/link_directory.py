"""The link directory: every link and program in memory, so that a click finds its link without asking the database.

It stays fresh by a version that the database counts up with each change of a link or a program, by whomever: a change
is known to every gateway within a second, and a link that is not known yet is asked for when first clicked. A change
made in this process is told to the directory once it is committed, so that it holds for the very next click.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.lookups.link_records import (
    LINK_OF_CODE,
    LINK_OF_ID,
    PROGRAM_OF_ID,
    KnownLink,
    KnownProgram,
    LinkIndex,
    LookupQuery,
    known_link,
    known_program,
    read_changed,
)
from db.schema.links import DirectoryVersion
from db.sql.compiled_queries import CompiledQuery

logger = logging.getLogger(__name__)

# Twice a second keeps the promise of one second with room for the reading itself.
REFRESH_SECONDS = 0.5
LOOK_UP_SECONDS = 5
# A million links take some seconds.
LOAD_SECONDS = 60
# Enough for the typos and probes of a day; a scanner that tries more is answered from the database.
UNKNOWN_KEYS = 10_000

VERSION = CompiledQuery(select(DirectoryVersion.version, DirectoryVersion.reload_version))


class LinkDirectory:
    """Links by code and programs by id, as of at most a second ago."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = LinkIndex()
        self._unknown: OrderedDict[str | int, None] = OrderedDict()
        self._version = -1
        # What was learned while everything is read anew, which may have been read before it.
        self._learned_meanwhile: list[LinkIndex] | None = None
        self._contents = store.database.contents
        self._asking: dict[str | int, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read everything, then keep it fresh. Raises `DatabaseUnavailable`."""
        await self.refresh()
        self._task = asyncio.create_task(self._keep_fresh(), name="link directory")

    async def close(self) -> None:
        """Stop refreshing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def size(self) -> int:
        """How many links are known."""
        return len(self._known.links)

    async def find(self, code: str) -> KnownLink | None:
        """Return the link of a code. Raises `DatabaseUnavailable`, for a code that has to be asked for."""
        if (link := self._known.links.get(code)) is not None:
            return link
        await self._ask(code, LINK_OF_CODE, code=code)
        # Not what was asked for: a change may have been learned of since that was read.
        return self._known.links.get(code)

    async def link(self, link_id: int) -> KnownLink | None:
        """Return a link by its id. Raises as `find` does."""
        if (link := self._known.link(link_id)) is not None:
            return link
        await self._look_up(LINK_OF_ID, id=link_id)
        return self._known.link(link_id)

    async def program(self, program_id: int) -> KnownProgram | None:
        """Return a program. Raises as `find` does."""
        if (program := self._known.programs.get(program_id)) is not None:
            return program
        await self._ask(program_id, PROGRAM_OF_ID, id=program_id)
        return self._known.programs.get(program_id)

    def link_changed(self, row: Mapping[str, Any]) -> None:
        """Take over a link's row as this process committed it: clicks that arrive from now on see it so."""
        self._learn(LinkIndex([known_link(row)]))

    def program_changed(self, row: Mapping[str, Any]) -> None:
        """Take over a program's row as this process committed it, as `link_changed` does a link's."""
        self._learn(LinkIndex(programs=[known_program(row)]))

    async def refresh(self) -> None:
        """Read what changed since the last time. Raises `DatabaseUnavailable`. One task at a time may call it."""
        try:
            await self._refresh()
        finally:
            self._learned_meanwhile = None

    async def _refresh(self) -> None:
        with self._store.outages():
            async with asyncio.timeout(LOOK_UP_SECONDS) as limit, self._store.snapshot() as source:
                ((version, reload_version),) = await source.fetch(VERSION, {})
                contents = self._store.database.contents
                if contents != self._contents:  # perhaps another database, with versions of its own
                    self._version = -1
                if version == self._version:
                    return
                limit.reschedule(asyncio.get_running_loop().time() + LOAD_SECONDS)
                # Everything is read anew at first, after a deletion, and after the database went back to a backup.
                everything = reload_version > self._version or version < self._version
                self._learned_meanwhile = [] if everything else None
                changed = await read_changed(source, since=-1 if everything else self._version)
        if everything:
            for news in self._learned_meanwhile or ():
                # What is not newer is in the snapshot already, unless it was deleted.
                changed.learn(news.newer_than(version))
            self._known = changed
        else:
            self._known.learn(changed)
        self._version, self._contents = version, contents
        self._unknown.clear()

    async def _keep_fresh(self) -> None:
        complaint = ""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
                complaint = ""
            except Exception as error:
                if not complaint:  # once, not twice a second
                    complaint = str(error)
                    foreseen = isinstance(error, DatabaseUnavailable)
                    logger.warning("links are not refreshed, clicks go on: %s", error, exc_info=not foreseen)
                self._store.database.drop_idle()

    async def _ask(self, key: str | int, look_up: LookupQuery, **values: Any) -> None:
        """Learn of one link or program from the database, which is asked once, however many clicks want it."""
        if key in self._unknown:
            return
        if key not in self._asking:
            task = self._asking[key] = asyncio.create_task(self._ask_once(key, look_up, **values))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        await asyncio.shield(self._asking[key])

    async def _ask_once(self, key: str | int, look_up: LookupQuery, **values: Any) -> None:
        version = self._version
        found = await self._look_up(look_up, **values)
        # What appeared while we asked is only remembered as unknown if nothing told us of a change meanwhile.
        if not (found.links or found.programs) and version == self._version:
            self._unknown[key] = None
            if len(self._unknown) > UNKNOWN_KEYS:
                self._unknown.popitem(last=False)

    async def _look_up(self, look_up: LookupQuery, **values: Any) -> LinkIndex:
        """Return, and learn, what there is of one link or program. A visitor waits for it."""
        with self._store.outages():
            async with asyncio.timeout(LOOK_UP_SECONDS):
                found = look_up.known(await self._store.fetch(look_up.query, values))
        self._learn(found)
        return found

    def _learn(self, news: LinkIndex) -> None:
        self._known.learn(news)
        if self._learned_meanwhile is not None:
            self._learned_meanwhile.append(news)
