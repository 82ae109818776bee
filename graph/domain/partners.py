"""Creates partners and adds them to programs.

A partner can be a member of several programs; its links belong to one membership each.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import exists, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.lookups.directory_version import next_version
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from graph.domain.context import Context
from graph.domain.errors import Forbidden, UnknownPartner, UnknownProgram, outages
from graph.domain.fields import email_field, name_field
from graph.domain.permissions import check_manager, check_manager_of, viewer_of
from graph.domain.scope import visible


async def create(
    context: Context, *, name: str, email: str | None = None, program_ids: Collection[int] = ()
) -> dict[str, Any]:
    """Create a partner, add it to the given programs, and return its row, in one transaction. With a program token, the
    partner is always added to that program, or the token could not see it. Raises `FieldInvalid`, `UnknownProgram`,
    `Forbidden`, `DatabaseAway`."""
    viewer = check_manager(context)
    for program_id in program_ids:
        check_manager_of(context, program_id)
    if not program_ids and viewer.program_id is not None:
        program_ids = [viewer.program_id]
    values = _checked({"name": name, "email": email})
    with outages():
        async with context.services.store.write() as connection:
            made = (await connection.execute(insert(Partner).values(values).returning(Partner.id))).scalar_one()
            for program_id in dict.fromkeys(program_ids):
                await _check_program(connection, program_id)
                await _join(connection, made, program_id)
            return (await connection.execute(select(Partner.__table__).where(Partner.id == made))).one()._asdict()


async def change(context: Context, partner_id: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Update a partner's name or email, as far as given, and return its row. A program may only do so while it is the
    partner's only one. Raises `UnknownPartner`, also for a partner out of scope, `FieldInvalid`, `Forbidden`,
    `DatabaseAway`."""
    viewer, this = check_manager(context), Partner.id == partner_id
    values = _checked(changes)
    elsewhere = exists().where(PartnerProgram.partner_id == partner_id, PartnerProgram.program_id != viewer.program_id)
    with outages():
        async with context.services.store.write() as connection:
            seen = select(Partner.id).where(this, visible(Partner, viewer.audience))
            if await connection.scalar(seen, viewer.values) is None:
                raise UnknownPartner
            if viewer.program_id is not None and await connection.scalar(select(elsewhere)):
                raise Forbidden
            if values:
                await connection.execute(update(Partner).where(this).values(values))
            return (await connection.execute(select(Partner.__table__).where(this))).one()._asdict()


async def join(context: Context, *, partner_id: int, program_id: int) -> dict[str, Any]:
    """Add a partner to a program unless it is a member already, and return the membership's row. Raises
    `UnknownPartner`, also for a partner out of scope, `UnknownProgram`, `Forbidden`, `DatabaseAway`."""
    check_manager_of(context, program_id)
    with outages():
        async with context.services.store.write() as connection:
            return await take_in(context, connection, partner_id=partner_id, program_id=program_id)


async def take_in(context: Context, connection: AsyncConnection, *, partner_id: int, program_id: int) -> dict[str, Any]:
    """Do what `join` does within another change's transaction, for a viewer who may manage the program."""
    viewer = viewer_of(context)
    seen = select(Partner.id).where(Partner.id == partner_id, visible(Partner, viewer.audience))
    if await connection.scalar(seen, viewer.values) is None:
        raise UnknownPartner
    await _check_program(connection, program_id)
    membership = select(PartnerProgram.__table__).where(
        PartnerProgram.partner_id == partner_id, PartnerProgram.program_id == program_id
    )
    if (found := (await connection.execute(membership)).one_or_none()) is not None:
        return found._asdict()
    await _join(connection, partner_id, program_id)
    return (await connection.execute(membership)).one()._asdict()


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(given)
    if "name" in values:
        values["name"] = name_field("name", values["name"])
    if values.get("email") is not None:
        values["email"] = email_field(values["email"])
    return values


async def _check_program(connection: AsyncConnection, program_id: int) -> None:
    if await connection.scalar(select(Program.id).where(Program.id == program_id)) is None:
        raise UnknownProgram


async def _join(connection: AsyncConnection, partner_id: int, program_id: int) -> None:
    values = {"partner_id": partner_id, "program_id": program_id, "version": await next_version(connection)}
    try:
        async with connection.begin_nested():
            await connection.execute(insert(PartnerProgram).values(values))
    except IntegrityError:
        return  # added concurrently
