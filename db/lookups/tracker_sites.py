"""Remembers which hosts of a program's site load the tracker script, with one write for each host an hour at most.

A fetch of the script only notes its host in memory. A task in the background looks up whose site it is.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.dialects import postgresql, sqlite

from db.engine.store import Store
from db.lookups.background_notes import BackgroundNotes
from db.lookups.site_programs import programs_of
from db.lookups.surplus import delete_surplus
from db.schema.integrations import TrackerSite

K = TypeVar("K", bound=Hashable)

# A host of no program is looked up again after a minute: the program may be created by then.
LOOK_UP_AGAIN, WRITE_AGAIN = timedelta(minutes=1), timedelta(hours=1)
# Anybody can name any host; more than these are not looked up in one go, remembered, or stored for a program.
MOST_WAITING, MOST_KNOWN, MOST_STORED = 100, 10_000, 20

KEY = (TrackerSite.program_id, TrackerSite.host)
# A program's domain itself stays, whatever others name below it.
ORDER = ((TrackerSite.host == TrackerSite.domain).desc(), TrackerSite.seen_at.desc(), TrackerSite.host)


class TrackerSites(BackgroundNotes):
    """The hosts whose pages loaded the script recently. `clock` returns the current time in UTC."""

    subject = "which sites load the tracker"

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._store = store
        self._clock = clock
        self._waiting: set[str] = set()
        self._due: OrderedDict[str, datetime] = OrderedDict()
        """When a host is to be looked up again."""
        self._written: OrderedDict[tuple[int, str], datetime] = OrderedDict()
        """When a program's host was last written."""

    def note(self, host: str) -> None:
        """Note that a page of a host, in lower case and with its port if that is unusual, loads the script."""
        due = self._due.get(host)
        if (due is None or due <= self._clock()) and len(self._waiting) < MOST_WAITING:
            self._waiting.add(host)

    async def flush(self) -> None:
        waiting, self._waiting = self._waiting, set()
        if waiting:
            await self._write(waiting)

    async def _write(self, hosts: Collection[str]) -> None:
        async with self._store.read() as connection:
            programs = await programs_of(connection, hosts)
        now = self._clock()
        found = {(id, host): domain for host, named in programs.items() for id, domain in named}
        unwritten = [key for key in found if key not in self._written or self._written[key] <= now - WRITE_AGAIN]
        if unwritten:
            await self._upsert([_row(*key, found[key], now) for key in unwritten])
            for key in unwritten:
                _learn(self._written, key, now)
        for host in hosts:
            _learn(self._due, host, now + (WRITE_AGAIN if host in programs else LOOK_UP_AGAIN))

    async def _upsert(self, rows: list[dict[str, Any]]) -> None:
        insert = (sqlite.insert if self._store.is_sqlite else postgresql.insert)(TrackerSite)
        changed = {"domain": insert.excluded.domain, "seen_at": insert.excluded.seen_at}
        async with self._store.write() as connection:
            # In one order in every process, so that none waits for a row of another that waits for its own.
            rows.sort(key=lambda row: (row["program_id"], row["host"]))
            await connection.execute(
                insert.on_conflict_do_update(index_elements=["program_id", "host"], set_=changed), rows
            )
            ids = {row["program_id"] for row in rows}
            await delete_surplus(connection, KEY, ORDER, MOST_STORED, ids)


def _row(program_id: int, host: str, domain: str, now: datetime) -> dict[str, Any]:
    return {"program_id": program_id, "host": host, "domain": domain, "seen_at": now}


def _learn(known: OrderedDict[K, datetime], key: K, moment: datetime) -> None:
    known[key] = moment
    known.move_to_end(key)
    if len(known) > MOST_KNOWN:
        known.popitem(last=False)
