"""Remembers the codes that no link has, by the program whose site visitors brought them to. Each is credit that a
partner loses to a misspelt or deleted link.

A click only notes its code in memory; a task in the background adds up what came in a second, and writes it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy import case, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.store import Store
from db.lookups.background_notes import BackgroundNotes
from db.lookups.site_programs import programs_of
from db.lookups.surplus import delete_surplus
from db.schema.integrations import UnknownCode
from db.schema.programs import Program

PAGE_LENGTH = 255
# Anybody can send any code; more than these are not written in one go, or stored for a program.
MOST_WAITING, MOST_STORED = 500, 200

KEY = (UnknownCode.program_id, UnknownCode.code)
# What came only once goes first, so that nobody's guesses displace what comes again and again.
ORDER = (case((UnknownCode.clicks > 1, 0), else_=1), UnknownCode.last_seen_at.desc(), UnknownCode.code)


class _Noted(Struct):
    clicks: int
    page: str


class UnknownCodeNotes(BackgroundNotes):
    """The codes that came and are not written yet. `clock` returns the current time in UTC."""

    subject = "codes that no link has"

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._store = store
        self._clock = clock
        self._waiting: dict[tuple[str, str], _Noted] = {}

    def note(self, code: str, host: str, path: str) -> None:
        """Note that a well-formed code came with a landing on a host, in lower case, and a path without its query."""
        page = (host + path).replace("\0", "")[:PAGE_LENGTH]
        noted = self._waiting.get((host, code))
        if noted is not None:
            noted.clicks += 1
            noted.page = page
        elif len(self._waiting) < MOST_WAITING:
            self._waiting[host, code] = _Noted(1, page)

    async def flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        hosts = {host for host, _ in waiting}
        async with self._store.read() as connection:
            programs = await programs_of(connection, hosts)
            only = await _only_program(connection) if hosts - programs.keys() else None
            ids = {host: [id for id, _ in programs.get(host, [])] or only or [] for host in hosts}
        rows = _rows(waiting, ids)
        if rows:
            await self._add(rows)

    async def _add(self, rows: Mapping[tuple[int, str], _Noted]) -> None:
        now = self._clock()
        insert = (sqlite.insert if self._store.is_sqlite else postgresql.insert)(UnknownCode)
        new = insert.excluded
        changed = {
            "clicks": UnknownCode.clicks + new.clicks,
            "last_page": new.last_page,
            "last_seen_at": new.last_seen_at,
        }
        values = [
            {"program_id": id, "code": code, "clicks": noted.clicks, "last_page": noted.page}
            | {"first_seen_at": now, "last_seen_at": now}
            # In one order in every process, so that none waits for a row of another that waits for its own.
            for (id, code), noted in sorted(rows.items())
        ]
        async with self._store.write() as connection:
            await connection.execute(
                insert.on_conflict_do_update(index_elements=["program_id", "code"], set_=changed), values
            )
            await delete_surplus(connection, KEY, ORDER, MOST_STORED, {id for id, _ in rows})


def _rows(
    waiting: Mapping[tuple[str, str], _Noted], program_ids: Mapping[str, list[int]]
) -> Mapping[tuple[int, str], _Noted]:
    """Return what was noted by host and code, by program and code."""
    rows: dict[tuple[int, str], _Noted] = {}
    for (host, code), noted in waiting.items():
        for id in program_ids[host]:
            known = rows.setdefault((id, code), _Noted(0, noted.page))
            known.clicks += noted.clicks
            known.page = noted.page
    return rows


async def _only_program(connection: AsyncConnection) -> list[int] | None:
    """Return the id of the gateway's only program: until it has a domain, every site is its own."""
    found = list((await connection.execute(select(Program.id).limit(2))).scalars())
    return found if len(found) == 1 else None
