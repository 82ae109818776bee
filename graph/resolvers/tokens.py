"""Issue API tokens."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from db import tokens
from db.tables import Partner, Program
from db.tokens import NewToken
from graph.context import Context
from graph.errors import FieldInvalid, UnknownPartner, UnknownProgram, outages

NEEDS = {"admin": (False, False), "program": (True, False), "partner": (False, True)}


async def issue(context: Context, new: NewToken) -> tuple[str, Mapping[str, Any]]:
    """Issue a token; return the secret, which is never shown again, and the token's row.

    Raises `FieldInvalid` for a program or partner that is missing or out of place, `UnknownProgram`,
    `UnknownPartner`, `DatabaseAway`.
    """
    for field, needed in zip(("program_id", "partner_id"), NEEDS[new.role], strict=True):
        if needed is (getattr(new, field) is None):
            raise FieldInvalid(field, f"is needed for the role {new.role}" if needed else f"is not for {new.role}")
    with outages():
        async with context.services.store.write() as connection:
            program = select(Program.id).where(Program.id == new.program_id)
            if new.program_id is not None and await connection.scalar(program) is None:
                raise UnknownProgram
            partner = select(Partner.id).where(Partner.id == new.partner_id)
            if new.partner_id is not None and await connection.scalar(partner) is None:
                raise UnknownPartner
            return await tokens.issue(connection, new)
