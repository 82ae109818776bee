"""Imports referral links from a CSV file: all of them, or none.

A preview finds what an import would find, and changes nothing.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.lookups.directory_version import next_version
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from graph.domain.context import Context
from graph.domain.errors import CodeTaken, UnknownProgram, outages
from graph.domain.link_files import LineProblem, LinkLine, read_links
from graph.domain.links import NOT_A_MEMBER, made_up_code
from graph.domain.permissions import check_manager

T = TypeVar("T")
# Values in one statement: SQLite takes 32,766.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class LinkImport:
    """What became of a file: its links, and what is wrong with lines. Nothing was created if anything is wrong."""

    links: Sequence[LinkLine]
    problems: Sequence[LineProblem]
    created: int = 0


async def preview(context: Context, data: bytes, program_id: int | None = None) -> LinkImport:
    """Find what an import of a file would find. Raises as `import_links` does."""
    file = await asyncio.to_thread(read_links, data, _program(context, program_id))
    with outages():
        async with context.services.store.read() as connection:
            return await _checked(context, connection, file.links, file.problems)


async def import_links(context: Context, data: bytes, program_id: int | None = None) -> LinkImport:
    """Create all links of a file, for a program where a line names none, in one transaction, unless anything is wrong.
    Partners must be members of the programs. Raises `FieldInvalid` if the file cannot be read, `Forbidden`,
    `DatabaseAway`; `CodeTaken` if another link with one of the codes was created in the meantime."""
    file = await asyncio.to_thread(read_links, data, _program(context, program_id))
    with outages():
        async with context.services.store.write() as connection:
            found = await _checked(context, connection, file.links, file.problems)
            if found.problems:
                return found
            rows = await _create(connection, found.links)
    for row in rows:
        context.services.directory.link_changed(row)
    return LinkImport(found.links, (), len(rows))


def _program(context: Context, program_id: int | None) -> int | None:
    viewer = check_manager(context)
    return viewer.program_id if program_id is None else program_id


async def _checked(
    context: Context, connection: AsyncConnection, links: Sequence[LinkLine], problems: Sequence[LineProblem]
) -> LinkImport:
    """Return the links that may be created, and the problems of all others, in the order of lines."""
    codes = {each.link.code for each in links if each.link.code is not None}
    taken = await _taken(connection, codes)
    programs = await _programs(context, connection, {each.link.program_id for each in links})
    members = {
        program_id: await _members(
            connection, program_id, {each.link.partner_id for each in links if each.link.program_id == program_id}
        )
        for program_id in programs
    }
    good: list[LinkLine] = []
    bad = list(problems)
    for each in links:
        link = each.link
        if link.program_id not in programs:
            bad.append(LineProblem(each.line, None, UnknownProgram.message))
        elif link.partner_id not in members[link.program_id]:
            bad.append(LineProblem(each.line, "partner_id", NOT_A_MEMBER))
        elif link.code in taken:
            bad.append(LineProblem(each.line, None, CodeTaken.message))
        else:
            good.append(each)
    return LinkImport(good, sorted(bad, key=lambda problem: problem.line))


async def _taken(connection: AsyncConnection, codes: Collection[str]) -> set[str]:
    query = select(ReferralLink.code)
    return {
        code for some in _chunks(codes) for code in await connection.scalars(query.where(ReferralLink.code.in_(some)))
    }


async def _programs(context: Context, connection: AsyncConnection, ids: Collection[int]) -> set[int]:
    """Return those programs that there are and that the viewer may manage."""
    viewer = check_manager(context)
    own = {id for id in ids if viewer.program_id in (None, id)}
    query = select(Program.id)
    return {id for some in _chunks(own) for id in await connection.scalars(query.where(Program.id.in_(some)))}


async def _members(connection: AsyncConnection, program_id: int, partner_ids: Collection[int]) -> set[int]:
    query = select(PartnerProgram.partner_id).where(PartnerProgram.program_id == program_id)
    return {
        id
        for some in _chunks(partner_ids)
        for id in await connection.scalars(query.where(PartnerProgram.partner_id.in_(some)))
    }


async def _create(connection: AsyncConnection, links: Sequence[LinkLine]) -> Sequence[Mapping[str, Any]]:
    """Create links, and return their rows. Raises `CodeTaken`."""
    values = await asyncio.to_thread(_values, links, await next_version(connection))
    try:
        await connection.execute(insert(ReferralLink), values)
    except IntegrityError as error:
        raise CodeTaken from error
    query = select(ReferralLink.__table__)
    # Read again, for their ids.
    return [
        row._asdict()
        for some in _chunks([each["code"] for each in values])
        for row in await connection.execute(query.where(ReferralLink.code.in_(some)))
    ]


def _values(links: Sequence[LinkLine], version: int) -> Sequence[Mapping[str, Any]]:
    return [asdict(each.link) | {"code": each.link.code or made_up_code(), "version": version} for each in links]


def _chunks(values: Collection[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, CHUNK)):
        yield some
