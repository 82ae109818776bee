"""Make, pause and resume referral links."""

from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.tables import PartnerProgram, Program, ReferralLink
from graph.context import Context
from graph.errors import CodeTaken, FieldInvalid, UnknownLink, UnknownProgram, outages
from graph.resolvers.fields import code_field, url_field

Status = Literal["active", "inactive"]


async def create(
    context: Context,
    *,
    code: str,
    program_id: int,
    partner_id: int,
    destination_url: str | None = None,
    status: Status = "active",
) -> dict[str, Any]:
    """Make a link for a partner in a program, and return its row. Raises `FieldInvalid`, `UnknownProgram`,
    `CodeTaken` (of two who make the same code at once, one wins), `DatabaseAway`."""
    values = {
        "code": code_field(code),
        "program_id": program_id,
        "partner_id": partner_id,
        "destination_url": None if destination_url is None else url_field("destination_url", destination_url),
        "status": status,
    }
    with outages():
        async with context.services.store.write() as connection:
            await _check_membership(connection, program_id, partner_id)
            try:
                async with connection.begin_nested():
                    await connection.execute(insert(ReferralLink).values(values))
            except IntegrityError as error:
                raise CodeTaken from error
            return await _row(connection, code)


async def pause(context: Context, code: str) -> dict[str, Any]:
    """Make a link inactive, and return its row. Raises `UnknownLink`, `DatabaseAway`."""
    return await _set_status(context, code, "inactive")


async def resume(context: Context, code: str) -> dict[str, Any]:
    """Make a link active again, and return its row. Raises `UnknownLink`, `DatabaseAway`."""
    return await _set_status(context, code, "active")


async def _set_status(context: Context, code: str, status: Status) -> dict[str, Any]:
    with outages():
        async with context.services.store.write() as connection:
            await connection.execute(update(ReferralLink).where(ReferralLink.code == code).values(status=status))
            return await _row(connection, code)


async def _row(connection: AsyncConnection, code: str) -> dict[str, Any]:
    found = await connection.execute(select(ReferralLink.__table__).where(ReferralLink.code == code))
    row = found.one_or_none()
    if row is None:
        raise UnknownLink
    return row._asdict()


async def _check_membership(connection: AsyncConnection, program_id: int, partner_id: int) -> None:
    if await connection.scalar(select(Program.id).where(Program.id == program_id)) is None:
        raise UnknownProgram
    membership = select(PartnerProgram.partner_id).where(
        PartnerProgram.program_id == program_id, PartnerProgram.partner_id == partner_id
    )
    if await connection.scalar(membership) is None:
        raise FieldInvalid("partner_id", "names no partner of this program")
