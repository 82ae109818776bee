"""Remembers which programs' sites load the tracker script, with one write for each program an hour at most.

A fetch of the script only notes its host in memory. A task in the background looks up whose domain it is.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.schema.integrations import TrackerSighting
from db.schema.programs import Program
from db.tasks import end

logger = logging.getLogger(__name__)

WRITE_SECONDS = 1
# A host that is no program's domain is looked up again after a minute: the program may be created by then.
LOOK_UP_AGAIN, WRITE_AGAIN = timedelta(minutes=1), timedelta(hours=1)
# Anybody can name any host; more than these are not looked up in one go, or forgotten.
MOST_WAITING, MOST_KNOWN = 100, 10_000


class TrackerSightings:
    """The hosts whose pages loaded the script recently. `clock` returns the current time in UTC."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._waiting: set[str] = set()
        self._due: OrderedDict[str, datetime] = OrderedDict()
        """When a host is to be looked up again."""
        self._written: dict[tuple[int, str], datetime] = {}
        """When a program was last written, with its domain."""
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start writing in the background."""
        self._task = asyncio.create_task(self._write_regularly(), name="tracker sightings")

    async def close(self) -> None:
        """Stop writing."""
        if self._task is not None:
            await end(self._task)

    def note(self, host: str) -> None:
        """Note that a page of a host, in lower case and with its port if that is unusual, loads the script."""
        due = self._due.get(host)
        if (due is None or due <= self._clock()) and len(self._waiting) < MOST_WAITING:
            self._waiting.add(host)

    async def write(self) -> None:
        """Write what was noted. In an outage, it is dropped: pages load the script again. Raises only unexpected
        errors."""
        async with self._lock:
            waiting, self._waiting = self._waiting, set()
            if waiting:
                try:
                    await self._write(waiting)
                except DatabaseUnavailable:
                    return

    async def _write(self, hosts: Collection[str]) -> None:
        domains = {domain for host in hosts for domain in domains_of(host)}
        async with self._store.read() as connection:
            named = select(Program.id, Program.domain).where(Program.domain.in_(sorted(domains))).order_by(Program.id)
            found = [(id, domain or "") for id, domain in await connection.execute(named)]
        now = self._clock()
        unwritten = [one for one in found if one not in self._written or self._written[one] <= now - WRITE_AGAIN]
        if unwritten:
            await self._upsert([{"program_id": id, "domain": domain, "seen_at": now} for id, domain in unwritten])
            self._written |= dict.fromkeys(unwritten, now)
        known = {domain for _, domain in found}
        for host in hosts:
            self._learn(host, now + (LOOK_UP_AGAIN if known.isdisjoint(domains_of(host)) else WRITE_AGAIN))

    async def _upsert(self, rows: list[dict[str, object]]) -> None:
        insert = (sqlite.insert if self._store.is_sqlite else postgresql.insert)(TrackerSighting)
        changed = {"domain": insert.excluded.domain, "seen_at": insert.excluded.seen_at}
        async with self._store.write() as connection:
            await connection.execute(insert.on_conflict_do_update(index_elements=["program_id"], set_=changed), rows)

    def _learn(self, host: str, due: datetime) -> None:
        self._due[host] = due
        self._due.move_to_end(host)
        if len(self._due) > MOST_KNOWN:
            self._due.popitem(last=False)

    async def _write_regularly(self) -> None:
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            try:
                await self.write()
            except Exception:
                logger.exception("noting which sites load the tracker failed")


def domains_of(host: str) -> Iterator[str]:
    """Yield the domains whose site a host can be: itself, without its port, and those that it is a subdomain of."""
    yield host
    name, _, port = host.rpartition(":")
    if port.isdigit() and name:
        yield name
    else:
        name = host
    labels = name.split(".")
    if not labels[-1].isdigit():  # an address has no subdomains
        yield from (".".join(labels[at:]) for at in range(1, len(labels) - 1))
