"""Links and programs as far as a click needs them, and how they are read from the database.

Apart from the directory that keeps them fresh, which has time to care about and not columns. They are structs of
msgspec, of which a million are made in a second, and which the garbage collector need not look at.
"""

from typing import Any

from msgspec import Struct
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.tables import Program, ReferralLink

LINKS = select(
    ReferralLink.id,
    ReferralLink.code,
    ReferralLink.status == "active",
    ReferralLink.program_id,
    ReferralLink.partner_id,
    ReferralLink.version,
)
# So many rows cross from the database's thread at once; the event loop is not held up for longer than a moment.
PART_ROWS = 1000
PROGRAMS = select(Program.id, Program.cookie_window_days, Program.version)


class KnownProgram(Struct, frozen=True, gc=False):
    """A program, as far as a click needs it, as of a version."""

    id: int
    cookie_window_days: int
    version: int


class KnownLink(Struct, frozen=True, gc=False):
    """A link, as far as a click needs it, as of a version."""

    id: int
    code: str
    is_active: bool
    program_id: int | None
    partner_id: int | None
    version: int


class Known:
    """Links and programs, and the codes of links by their ids."""

    def __init__(self) -> None:
        self.links: dict[str, KnownLink] = {}
        self.codes: dict[int, str] = {}
        self.programs: dict[int, KnownProgram] = {}

    def learn(self, news: "Known") -> None:
        """Take over what is news; what was read earlier but arrives later is none."""
        for program in news.programs.values():
            known = self.programs.get(program.id)
            if known is None or known.version <= program.version:
                self.programs[program.id] = program
        for link in news.links.values():
            self.add(link)

    def add(self, link: KnownLink) -> None:
        former = self.links.get(self.codes.get(link.id, ""))
        if former is not None:
            if former.version > link.version:
                return
            del self.links[former.code]
        self.links[link.code] = link
        self.codes[link.id] = link.code


async def read_known(
    connection: AsyncConnection,
    links: Select[*tuple[Any, ...]] | None = None,
    programs: Select[*tuple[Any, ...]] | None = None,
) -> Known:
    """Return what the queries find, by streaming: there may be a million links."""
    found = Known()
    if programs is not None:
        async for part in (await connection.stream(programs)).partitions(PART_ROWS):
            for row in part:
                found.programs[row[0]] = KnownProgram(*row)
    if links is not None:
        async for part in (await connection.stream(links)).partitions(PART_ROWS):
            for row in part:
                found.add(KnownLink(*row))
    return found
