"""Issues and revokes API tokens.

Nobody can grant more access than they have themselves.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import exists, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.lookups import tokens
from db.lookups.tokens import NewToken
from db.schema.columns import UtcDateTime
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from db.schema.tokens import ApiToken
from graph.domain.context import Context
from graph.domain.errors import FieldInvalid, Forbidden, UnknownPartner, UnknownProgram, UnknownToken, outages
from graph.domain.fields import name_field
from graph.domain.permissions import check_manager
from graph.domain.scope import Viewer, visible

# For each role, the bindings that a token requires, and those that it may have.
NEEDS = {"admin": (), "program": ("program_id",), "partner": ("partner_id",), "tracking": ("program_id",)}
MAY_HAVE = {**NEEDS, "partner": ("partner_id", "program_id")}
# What program tokens may issue, always limited to their own program.
ISSUED_BY_PROGRAMS = ("partner", "tracking")


async def issue(context: Context, new: NewToken) -> tuple[str, Mapping[str, Any]]:
    """Issue a token. Returns the secret, which is never shown again, and the token's row.

    Program tokens can only issue partner and tracking tokens, limited to their own program. Raises `FieldInvalid` for a
    program, partner or expiry that is missing or not allowed, `UnknownProgram`, `UnknownPartner`, `Forbidden`,
    `DatabaseAway`.
    """
    new = allowed(context, new)
    with outages():
        async with context.services.store.write() as connection:
            return await issue_with(connection, context, new)


def allowed(context: Context, new: NewToken) -> NewToken:
    """Return a token that the viewer may issue, limited to the viewer's own program. Raises as `issue` does."""
    viewer = check_manager(context)
    if viewer.role == "program":
        new = _within(viewer, new)
    return _checked(context, new)


async def issue_with(connection: AsyncConnection, context: Context, new: NewToken) -> tuple[str, Mapping[str, Any]]:
    """Issue a token that is `allowed`, in a transaction. Raises as `issue` does."""
    await _check_bounds(connection, check_manager(context), new)
    return await tokens.issue(connection, new)


async def revoke(context: Context, token_id: int) -> Mapping[str, Any]:
    """Revoke a token unless it is revoked already, and return its row. Running gateways reject it within a second.
    Raises `UnknownToken`, also for a token out of scope, `Forbidden`, `DatabaseAway`."""
    moment = func.coalesce(ApiToken.revoked_at, literal(context.services.clock(), UtcDateTime))
    return await _change(context, token_id, {"revoked_at": moment})


async def change(context: Context, token_id: int, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Update a token's label if one is given, None for no label, and return the token's row. Raises `UnknownToken`,
    also for a token out of scope, `FieldInvalid`, `Forbidden`, `DatabaseAway`."""
    check_manager(context)
    values = dict(changes)
    if values.get("label") is not None:
        values["label"] = name_field("label", values["label"])
    return await _change(context, token_id, values)


async def _change(context: Context, token_id: int, values: Mapping[str, Any]) -> Mapping[str, Any]:
    viewer = check_manager(context)
    this = (ApiToken.id == token_id, visible(ApiToken, viewer.audience))
    with outages():
        async with context.services.store.write() as connection:
            if values:
                await connection.execute(update(ApiToken).where(*this).values(values), viewer.values)
            row = await connection.execute(select(*tokens.SHOWN).where(*this), viewer.values)
            found = row.one_or_none()
    if found is None:
        raise UnknownToken
    return found._asdict()


def _within(viewer: Viewer, new: NewToken) -> NewToken:
    if new.role not in ISSUED_BY_PROGRAMS:
        raise Forbidden
    if new.program_id not in (None, viewer.program_id):
        raise UnknownProgram
    return replace(new, program_id=viewer.program_id)


def _checked(context: Context, new: NewToken) -> NewToken:
    for field in ("program_id", "partner_id"):
        given = getattr(new, field) is not None
        if field in NEEDS[new.role] and not given:
            raise FieldInvalid(field, f"is required for {new.role} tokens")
        if given and field not in MAY_HAVE[new.role]:
            raise FieldInvalid(field, f"must be omitted for {new.role} tokens")
    if new.expires_at is not None and new.expires_at <= context.services.clock():
        raise FieldInvalid("expires_at", "must be in the future")
    return new if new.label is None else replace(new, label=name_field("label", new.label))


async def _check_bounds(connection: AsyncConnection, viewer: Viewer, new: NewToken) -> None:
    program = select(Program.id).where(Program.id == new.program_id, visible(Program, viewer.audience))
    if new.program_id is not None and await connection.scalar(program, viewer.values) is None:
        raise UnknownProgram
    partner = select(Partner.id).where(Partner.id == new.partner_id, visible(Partner, viewer.audience))
    if new.partner_id is not None and await connection.scalar(partner, viewer.values) is None:
        raise UnknownPartner
    member = exists().where(PartnerProgram.program_id == new.program_id, PartnerProgram.partner_id == new.partner_id)
    if new.role == "partner" and new.program_id is not None and not await connection.scalar(select(member)):
        raise FieldInvalid("partner_id", "must be a partner in this program")
