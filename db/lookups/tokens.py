"""API tokens: random secrets of which only a hash is stored.

A token has 256 random bits, so a fast hash is as safe as a slow one, and lookups stay cheap.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.schema.tokens import ApiToken

# Lets people and secret scanners recognize a leaked token.
PREFIX = "cg_"
SECRET_BYTES = 32

TokenRole = Literal["admin", "program", "partner", "tracking"]
SHOWN = [column for column in ApiToken.__table__.columns if column.name != "token_hash"]


@dataclass(frozen=True, slots=True)
class NewToken:
    """The properties of a token to be created. The roles `program` and `tracking` require a program; `partner` requires
    a partner, and takes a program as a limit; `admin` takes neither."""

    role: TokenRole
    program_id: int | None = None
    partner_id: int | None = None
    label: str | None = None
    expires_at: datetime | None = None


def hashed(token: str) -> str:
    """Return the hash under which a token is stored: 64 hexadecimal digits."""
    return sha256(token.encode()).hexdigest()


async def issue(connection: AsyncConnection, new: NewToken) -> tuple[str, dict[str, Any]]:
    """Store a new token; return its secret, which cannot be recovered later, and its row without the hash."""
    token = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    await connection.execute(
        insert(ApiToken).values(
            token_hash=hashed(token),
            role=new.role,
            program_id=new.program_id,
            partner_id=new.partner_id,
            label=new.label,
            expires_at=new.expires_at,
        )
    )
    row = await connection.execute(select(*SHOWN).where(ApiToken.token_hash == hashed(token)))
    return token, row.one()._asdict()
