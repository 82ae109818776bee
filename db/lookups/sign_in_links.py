"""Sign-in links: random secrets that open a session once, of which only a hash is stored."""

import secrets
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import delete, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.lookups.tokens import SECRET_BYTES, TokenRole, hashed
from db.schema.sessions import SignInLink
from db.schema.tokens import ApiToken

# So that whoever opens an old link is told what has become of it.
KEPT = timedelta(days=90)


class Unusable(Enum):
    """Why a link does not sign in."""

    UNKNOWN = auto()
    USED = auto()
    EXPIRED = auto()


async def make_link(connection: AsyncConnection, token_id: int, *, now: datetime, expires_at: datetime) -> str:
    """Store a link that signs in with a token; return its secret. Links that expired long ago are removed."""
    await connection.execute(delete(SignInLink).where(SignInLink.expires_at < now - KEPT))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    values = {"secret_hash": hashed(secret), "token_id": token_id, "expires_at": expires_at}
    await connection.execute(insert(SignInLink).values(values))
    return secret


async def use_link(connection: AsyncConnection, secret: str, now: datetime) -> tuple[int, TokenRole] | Unusable:
    """Use a link up, and return its token's id and role. Of several transactions that use one at a time, one does."""
    this = SignInLink.secret_hash == hashed(secret)
    token = ApiToken.id == SignInLink.token_id
    is_good = ApiToken.revoked_at.is_(None) & or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now)
    is_usable = (SignInLink.used_at.is_(None), SignInLink.expires_at > now, exists().where(token, is_good))
    used = await connection.execute(update(SignInLink).where(this, *is_usable).values(used_at=now))
    found = await connection.execute(
        select(ApiToken.id, ApiToken.role, SignInLink.used_at).join_from(SignInLink, ApiToken, token).where(this)
    )
    row = found.one_or_none()
    if row is None:
        return Unusable.UNKNOWN
    if used.rowcount:
        return row.id, row.role
    return Unusable.EXPIRED if row.used_at is None else Unusable.USED
