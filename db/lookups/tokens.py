"""API tokens: random secrets of which only a hash is stored.

A token has 256 random bits, so a plain hash is as safe as a slow one, and looking it up stays cheap.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.schema.tokens import ApiToken

# Tells a leaked token from other secrets, for people and for scanners.
PREFIX = "cg_"
SECRET_BYTES = 32

TokenRole = Literal["admin", "program", "partner"]
SHOWN = [column for column in ApiToken.__table__.columns if column.name != "token_hash"]


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a token is for. A role `program` needs a program, `partner` a partner, and may be confined to one program;
    `admin` needs neither."""

    role: TokenRole
    program_id: int | None = None
    partner_id: int | None = None
    label: str | None = None
    expires_at: datetime | None = None


def hashed(token: str) -> str:
    """Return what is stored of a token: 64 hexadecimal digits."""
    return sha256(token.encode()).hexdigest()


async def issue(connection: AsyncConnection, new: NewToken) -> tuple[str, dict[str, Any]]:
    """Store a new token; return the secret, which nobody can read again, and its row without the hash."""
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
