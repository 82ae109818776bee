"""Creates, updates, pauses and resumes referral links.

Changes reach the link directory before they are acknowledged.
"""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.lookups.directory_version import numbered
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from graph.domain import partners
from graph.domain.context import Context
from graph.domain.errors import CodeTaken, FieldInvalid, UnknownLink, UnknownProgram, outages
from graph.domain.fields import code_field, url_field
from graph.domain.permissions import check_manager, check_manager_of
from graph.domain.scope import visible

Status = Literal["active", "inactive"]
NOT_A_MEMBER = "must be a partner in this program"
# Letters and digits that are not taken for one another, and enough of them that two codes are never the same.
CODE_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
MADE_UP_LENGTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link to create for a partner in a program. Without a code, one is made up."""

    code: str | None = None
    program_id: int
    partner_id: int
    destination_url: str | None = None
    status: Status = "active"


def made_up_code() -> str:
    """Return a code that no link has."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(MADE_UP_LENGTH))


async def create(context: Context, link: NewLink, *, takes_in: bool = False) -> dict[str, Any]:
    """Create a link, and return its row. With `takes_in`, a partner who is not a member yet
    is added to the program in the same transaction. Raises `FieldInvalid`, `UnknownProgram`, `UnknownPartner`,
    `CodeTaken` (also to the loser of a race for a code), `Forbidden`, `DatabaseAway`."""
    program_id, partner_id = link.program_id, link.partner_id
    check_manager_of(context, program_id)
    with outages():
        async with context.services.store.write() as connection:
            if takes_in:
                await partners.take_in(context, connection, partner_id=partner_id, program_id=program_id)
            values = _checked(asdict(link) | {"code": made_up_code() if link.code is None else link.code})
            await _check_membership(connection, program_id, partner_id)
            values = await numbered(connection, ReferralLink, values)
            try:
                async with connection.begin_nested():
                    await connection.execute(insert(ReferralLink).values(values))
            except IntegrityError as error:
                raise CodeTaken from error
            row = await _row(connection, ReferralLink.code == values["code"])
    context.services.directory.link_changed(row)
    return row


async def change(context: Context, link_id: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Update a link's code, destination or status, as far as given, and return its row. Raises `UnknownLink`, also for
    a link out of scope, `FieldInvalid`, `CodeTaken`, `Forbidden`, `DatabaseAway`."""
    return await _change(context, ReferralLink.id == link_id, changes)


async def change_by_code(context: Context, code: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Do what `change` does to the link with a code."""
    return await _change(context, ReferralLink.code == code, changes)


async def pause(context: Context, code: str) -> dict[str, Any]:
    """Deactivate a link and return its row. Raises `UnknownLink`, `Forbidden`, `DatabaseAway`."""
    return await change_by_code(context, code, {"status": "inactive"})


async def resume(context: Context, code: str) -> dict[str, Any]:
    """Activate a link again and return its row. Raises `UnknownLink`, `Forbidden`, `DatabaseAway`."""
    return await change_by_code(context, code, {"status": "active"})


async def _change(context: Context, which: ColumnElement[bool], changes: Mapping[str, Any]) -> dict[str, Any]:
    viewer, values = check_manager(context), _checked(changes)
    with outages():
        async with context.services.store.write() as connection:
            seen = select(ReferralLink.id).where(which, visible(ReferralLink, viewer.audience))
            if (link_id := await connection.scalar(seen, viewer.values)) is None:
                raise UnknownLink
            if values:
                await _update(connection, link_id, values)
            row = await _row(connection, ReferralLink.id == link_id)
    # After the commit and before the response, so that the next click sees the change.
    context.services.directory.link_changed(row)
    return row


async def _update(connection: AsyncConnection, link_id: int, values: Mapping[str, Any]) -> None:
    values = await numbered(connection, ReferralLink, values)
    try:
        async with connection.begin_nested():
            await connection.execute(update(ReferralLink).where(ReferralLink.id == link_id).values(values))
    except IntegrityError as error:
        raise CodeTaken from error


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(given)
    if "code" in values:
        values["code"] = code_field(values["code"])
    if values.get("destination_url") is not None:
        values["destination_url"] = url_field("destination_url", values["destination_url"])
    return values


async def _row(connection: AsyncConnection, which: ColumnElement[bool]) -> dict[str, Any]:
    return (await connection.execute(select(ReferralLink.__table__).where(which))).one()._asdict()


async def _check_membership(connection: AsyncConnection, program_id: int, partner_id: int) -> None:
    if await connection.scalar(select(Program.id).where(Program.id == program_id)) is None:
        raise UnknownProgram
    membership = select(PartnerProgram.partner_id).where(
        PartnerProgram.program_id == program_id, PartnerProgram.partner_id == partner_id
    )
    if await connection.scalar(membership) is None:
        raise FieldInvalid("partner_id", NOT_A_MEMBER)
