"""Make partners, and take them into programs."""

from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.tables import Partner, PartnerProgram, Program
from graph.context import Context
from graph.errors import UnknownPartner, UnknownProgram, outages
from graph.resolvers.fields import email_field, name_field


async def create(context: Context, *, name: str, email: str | None = None) -> dict[str, Any]:
    """Make a partner and return its row. Raises `FieldInvalid`, `DatabaseAway`."""
    values = {"name": name_field("name", name), "email": None if email is None else email_field(email)}
    with outages():
        async with context.services.store.write() as connection:
            made = (await connection.execute(insert(Partner).values(values).returning(Partner.id))).scalar_one()
            return (await connection.execute(select(Partner.__table__).where(Partner.id == made))).one()._asdict()


async def join(context: Context, *, partner_id: int, program_id: int) -> dict[str, Any]:
    """Take a partner into a program, if it is not in it already, and return the membership's row. Raises
    `UnknownPartner`, `UnknownProgram`, `DatabaseAway`."""
    with outages():
        async with context.services.store.write() as connection:
            if await connection.scalar(select(Partner.id).where(Partner.id == partner_id)) is None:
                raise UnknownPartner
            if await connection.scalar(select(Program.id).where(Program.id == program_id)) is None:
                raise UnknownProgram
            membership = select(PartnerProgram.__table__).where(
                PartnerProgram.partner_id == partner_id, PartnerProgram.program_id == program_id
            )
            if (found := (await connection.execute(membership)).one_or_none()) is not None:
                return found._asdict()
            await _join(connection, partner_id, program_id)
            return (await connection.execute(membership)).one()._asdict()


async def _join(connection: AsyncConnection, partner_id: int, program_id: int) -> None:
    try:
        async with connection.begin_nested():
            await connection.execute(insert(PartnerProgram).values(partner_id=partner_id, program_id=program_id))
    except IntegrityError:
        return  # someone else was faster; the partner is in
