"""Suspends partners in a program, and resumes them.

While a partner is suspended, its links in the program record no clicks. They keep their own status, so that resuming
brings back exactly what was. What was recorded before stays, and counts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.lookups.directory_version import numbered
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from db.schema.tokens import ApiToken
from graph.domain.context import Context
from graph.domain.errors import FieldInvalid, UnknownPartner, UnknownProgram, outages
from graph.domain.links import NOT_A_MEMBER
from graph.domain.permissions import check_administrator, check_manager_of, viewer_of
from graph.domain.scope import visible


async def suspend(
    context: Context, *, partner_id: int, program_id: int, revoke_tokens: bool = False
) -> Mapping[str, Any]:
    """Suspend a partner in a program unless it is suspended already, and return the membership's row. `revoke_tokens`
    also revokes, in the same transaction, the partner's tokens that show this program, as far as they are in the
    viewer's scope. Raises `UnknownProgram`, `UnknownPartner`, also for a partner out of scope, `FieldInvalid` for a
    partner who is no member, `Forbidden`, `DatabaseAway`."""
    return await _set(context, partner_id, program_id, context.services.clock(), revoke_tokens=revoke_tokens)


async def resume(context: Context, *, partner_id: int, program_id: int) -> Mapping[str, Any]:
    """Let a suspended partner's links record clicks again, as far as they are active, and return the membership's row.
    Raises as `suspend` does."""
    return await _set(context, partner_id, program_id, None)


async def suspended_programs(context: Context) -> Mapping[int, Sequence[int]]:
    """Return the ids of the programs in which partners are suspended, by the partners' ids. Raises `Forbidden`,
    `DatabaseAway`."""
    check_administrator(context)
    found: dict[int, list[int]] = {}
    suspended = (PartnerProgram.suspended_at.is_not(None), visible(PartnerProgram, viewer_of(context).audience))
    rows = select(PartnerProgram.partner_id, PartnerProgram.program_id).where(*suspended)
    with outages():
        async with context.services.store.read() as connection:
            for partner_id, program_id in await connection.execute(rows.order_by(PartnerProgram.program_id)):
                found.setdefault(partner_id, []).append(program_id)
    return found


async def _set(
    context: Context, partner_id: int, program_id: int, since: datetime | None, *, revoke_tokens: bool = False
) -> Mapping[str, Any]:
    check_manager_of(context, program_id)
    this = and_(PartnerProgram.partner_id == partner_id, PartnerProgram.program_id == program_id)
    # A partner who is suspended already has been since the first time.
    differs = PartnerProgram.suspended_at.is_not(None) if since is None else PartnerProgram.suspended_at.is_(None)
    with outages():
        async with context.services.store.write() as connection:
            await _check_member(context, connection, partner_id, program_id)
            values = await numbered(connection, PartnerProgram, {"suspended_at": since})
            await connection.execute(update(PartnerProgram).where(this, differs).values(values))
            if revoke_tokens:
                await _revoke_tokens(context, connection, partner_id, program_id)
            row = (await connection.execute(select(PartnerProgram.__table__).where(this))).one()._asdict()
    # After the commit and before the response, so that the next click sees the change.
    context.services.directory.membership_changed(row)
    return row


async def _check_member(context: Context, connection: AsyncConnection, partner_id: int, program_id: int) -> None:
    viewer = viewer_of(context)
    if await connection.scalar(select(Program.id).where(Program.id == program_id)) is None:
        raise UnknownProgram
    seen = select(Partner.id).where(Partner.id == partner_id, visible(Partner, viewer.audience))
    if await connection.scalar(seen, viewer.values) is None:
        raise UnknownPartner
    member = (PartnerProgram.partner_id == partner_id, PartnerProgram.program_id == program_id)
    if await connection.scalar(select(PartnerProgram.partner_id).where(*member)) is None:
        raise FieldInvalid("partner_id", NOT_A_MEMBER)


async def _revoke_tokens(context: Context, connection: AsyncConnection, partner_id: int, program_id: int) -> None:
    viewer = viewer_of(context)
    # Tokens for other programs stay. One that is not limited to a program shows this one, too.
    shows = or_(ApiToken.program_id == program_id, ApiToken.program_id.is_(None))
    usable = (ApiToken.role == "partner", ApiToken.partner_id == partner_id, ApiToken.revoked_at.is_(None))
    revoked = update(ApiToken).where(*usable, shows, visible(ApiToken, viewer.audience))
    await connection.execute(revoked.values(revoked_at=context.services.clock()), viewer.values)
