"""The link directory: all links and programs in memory, so that a click finds its link without a query.

The database increments a version with each change of a link, of a program or of who is suspended, whoever makes it,
and the directory polls it: every gateway sees a change within a second. An unknown code is looked up in the database
when it is first clicked. A change made by this process reaches the directory right after its commit, and so applies to
the very next click.
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
    known_membership,
    known_program,
    read_changed,
)
from db.schema.links import DirectoryVersion
from db.sql.compiled_queries import CompiledQuery
from db.tasks import end

logger = logging.getLogger(__name__)

# Changes must be visible within a second; this leaves half of it for reading them.
REFRESH_SECONDS = 0.5
LOOK_UP_SECONDS = 5
# Loading a million links takes a few seconds.
LOAD_SECONDS = 60
# Enough for a day's typos and probes. A scanner that tries more codes causes queries.
UNKNOWN_KEYS = 10_000

VERSION = CompiledQuery(select(DirectoryVersion.version, DirectoryVersion.reload_version))


class LinkDirectory:
    """Links by code and programs by id, at most a second out of date."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = LinkIndex()
        self._unknown: OrderedDict[str | int, None] = OrderedDict()
        self._version = self._settled = -1
        # Changes that arrived during a reload, whose snapshot may be older than they are.
        self._learned_during_reload: list[LinkIndex] | None = None
        self._generation = store.database.generation
        self._asking: dict[str | int, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load everything, then keep it up to date in the background. Raises `DatabaseUnavailable`."""
        await self.refresh()
        self._task = asyncio.create_task(self._keep_fresh(), name="link directory")

    async def close(self) -> None:
        """Stop refreshing, and give up the look-ups under way."""
        await end(*self._asking.values(), *(() if self._task is None else (self._task,)))

    @property
    def size(self) -> int:
        """The number of links in the directory."""
        return len(self._known.links)

    async def find(self, code: str) -> KnownLink | None:
        """Return the link with a code. Raises `DatabaseUnavailable` if the code has to be looked up."""
        if (link := self._known.links.get(code)) is not None:
            return link
        await self._ask(code, LINK_OF_CODE, code=code)
        # Not the lookup's own result: a newer change may have arrived since it was read.
        return self._known.links.get(code)

    async def link(self, link_id: int) -> KnownLink | None:
        """Return the link with an id. Raises the same as `find`."""
        if (link := self._known.link(link_id)) is not None:
            return link
        await self._look_up(LINK_OF_ID, id=link_id)
        return self._known.link(link_id)

    def takes_clicks(self, link: KnownLink) -> bool:
        """Return whether a link records clicks: it is active, and its partner is not suspended in the program."""
        return self._known.takes_clicks(link)

    async def program(self, program_id: int) -> KnownProgram | None:
        """Return the program with an id. Raises the same as `find`."""
        if (program := self._known.programs.get(program_id)) is not None:
            return program
        await self._ask(program_id, PROGRAM_OF_ID, id=program_id)
        return self._known.programs.get(program_id)

    def link_changed(self, row: Mapping[str, Any]) -> None:
        """Apply a link's row that this process just committed, so that the next click sees it."""
        self._learn(LinkIndex([known_link(row)]))

    def program_changed(self, row: Mapping[str, Any]) -> None:
        """Apply a program's row that this process just committed, so that the next click sees it."""
        self._learn(LinkIndex(programs=[known_program(row)]))

    def membership_changed(self, row: Mapping[str, Any]) -> None:
        """Apply a membership's row that this process just committed, so that the next click sees it."""
        self._learn(LinkIndex(memberships=[known_membership(row)]))

    async def refresh(self) -> None:
        """Read the changes since the last refresh. Must not run concurrently. Raises `DatabaseUnavailable`."""
        try:
            await self._refresh()
        finally:
            self._learned_during_reload = None

    async def _refresh(self) -> None:
        with self._store.outages():
            async with asyncio.timeout(LOOK_UP_SECONDS) as limit, self._store.snapshot() as source:
                ((version, reload_version),) = await source.fetch(VERSION, {})
                generation = self._store.database.generation
                if generation != self._generation:  # the file may have been replaced, and versions are not comparable
                    self._version = -1
                if version == self._version == self._settled:
                    return
                limit.reschedule(asyncio.get_running_loop().time() + LOAD_SECONDS)
                # Reload everything at first, after a deletion, and after a backup was restored.
                everything = reload_version > self._version or version < self._version
                self._learned_during_reload = [] if everything else None
                changed = await read_changed(source, since=-1 if everything else self._settled)
        if everything:
            for news in self._learned_during_reload or ():
                # Anything that is not newer is in the snapshot already, or was deleted.
                changed.learn(news.newer_than(version))
            self._known = changed
        else:
            self._known.learn(changed)
        # On a cluster, a version may show a moment before all that it is of: then that is read once more.
        self._settled = self._version if self._store.database.is_cluster else version
        self._version, self._generation = version, generation
        self._unknown.clear()

    async def _keep_fresh(self) -> None:
        complaint = ""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
                complaint = ""
            except Exception as error:
                if not complaint:  # log an outage once, not twice a second
                    complaint = str(error)
                    expected = isinstance(error, DatabaseUnavailable)
                    logger.warning(
                        "links are not being refreshed, clicks use the last known state: %s",
                        error,
                        exc_info=not expected,
                    )
                self._store.database.drop_idle()

    async def _ask(self, key: str | int, look_up: LookupQuery, **values: Any) -> None:
        """Look up a link or program in the database, with a single query however many clicks are waiting for it."""
        if key in self._unknown:
            return
        if key not in self._asking:
            task = self._asking[key] = asyncio.create_task(self._ask_once(key, look_up, **values))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        await asyncio.shield(self._asking[key])

    async def _ask_once(self, key: str | int, look_up: LookupQuery, **values: Any) -> None:
        version = self._version
        found = await self._look_up(look_up, **values)
        # Remember a code as unknown only if there was no refresh meanwhile, which might have found it.
        if not (found.links or found.programs) and version == self._version:
            self._unknown[key] = None
            if len(self._unknown) > UNKNOWN_KEYS:
                self._unknown.popitem(last=False)

    async def _look_up(self, look_up: LookupQuery, **values: Any) -> LinkIndex:
        """Read a link or program from the database and add it to the directory. A visitor is waiting for this."""
        with self._store.outages():
            async with asyncio.timeout(LOOK_UP_SECONDS):
                found = look_up.known(await self._store.fetch(look_up.query, values))
        self._learn(found)
        return found

    def _learn(self, news: LinkIndex) -> None:
        self._known.learn(news)
        if self._learned_during_reload is not None:
            self._learned_during_reload.append(news)
