"""Sessions: random secrets in browsers' cookies, of which only a hash is stored."""

import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.lookups.tokens import SECRET_BYTES, hashed
from db.schema.sessions import WebSession
from db.schema.tokens import ApiToken

# A partner may look at what it earned only once a month, or after the summer.
IDLE = timedelta(days=90)
# More browsers than a team has. Each further one ends the session that was used least recently.
MOST_PER_TOKEN = 50


async def open_session(
    connection: AsyncConnection, *, token_id: int | None, setting_token: str | None, now: datetime
) -> str:
    """Store a new session of a token or, without one, of the administrator's token from the settings. Return its
    secret. Sessions that were not used for long are removed, and those that exceed the number for a token."""
    await connection.execute(delete(WebSession).where(WebSession.last_used_at < now - IDLE))
    if token_id is not None:
        # Two sign-ins at a time must not both find room for one more.
        await connection.execute(select(ApiToken.id).where(ApiToken.id == token_id).with_for_update())
    is_own = WebSession.token_id.is_(None) if token_id is None else WebSession.token_id == token_id
    latest_first = (WebSession.last_used_at.desc(), WebSession.id.desc())
    surplus = select(WebSession.id).where(is_own).order_by(*latest_first).offset(MOST_PER_TOKEN - 1)
    await connection.execute(delete(WebSession).where(WebSession.id.in_((await connection.scalars(surplus)).all())))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    await connection.execute(
        insert(WebSession).values(
            secret_hash=hashed(secret),
            token_id=token_id,
            setting_digest=None if token_id is not None else setting_digest(secret, setting_token or ""),
            last_used_at=now,
        )
    )
    return secret


async def end_session(connection: AsyncConnection, secret: str) -> None:
    """Remove a session, if there is one with this secret."""
    await connection.execute(delete(WebSession).where(WebSession.secret_hash == hashed(secret)))


def setting_digest(secret: str, setting_token: str) -> str:
    """Return the digest that binds a session to the administrator's token from the settings, which people choose: with
    the session's secret as the key, the database is no help in guessing it."""
    return hmac.digest(secret.encode(), setting_token.encode(), "sha256").hex()
