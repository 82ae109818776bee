"""The sessions that were used recently, in memory."""

from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest

from sqlalchemy import bindparam, func, or_, select

from db.engine.store import Store
from db.lookups.credential_cache import Clock, CredentialCache, Kind
from db.lookups.sessions import IDLE, setting_digest
from db.lookups.token_cache import TokenCache
from db.lookups.tokens import TokenRole
from db.schema.sessions import WebSession
from db.schema.tokens import ApiToken
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Ids, among

_SESSIONS = (
    select(
        WebSession.id,
        WebSession.token_id,
        func.coalesce(ApiToken.role, "admin"),
        ApiToken.program_id,
        ApiToken.partner_id,
        ApiToken.expires_at,
        WebSession.setting_digest,
        WebSession.last_used_at,
    )
    .join_from(WebSession, ApiToken, ApiToken.id == WebSession.token_id, isouter=True)
    .where(or_(WebSession.token_id.is_(None), ApiToken.revoked_at.is_(None)))
)


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session whose token is not revoked, at most a second out of date. Those of the administrator's token from the
    settings have a digest instead of a token."""

    id: int
    token_id: int | None
    role: TokenRole
    program_id: int | None
    partner_id: int | None
    expires_at: datetime | None
    setting_digest: str | None
    last_used_at: datetime

    def is_valid(self, now: datetime) -> bool:
        """Return whether its token has not expired, and it was used lately."""
        return (self.expires_at is None or now < self.expires_at) and now < self.last_used_at + IDLE


SESSIONS = Kind(
    WebSession,
    KnownSession,
    by_hash=CompiledQuery(_SESSIONS.where(WebSession.secret_hash == bindparam("hash"))),
    by_ids=CompiledQuery(_SESSIONS.where(among(WebSession.id, bindparam("ids", type_=Ids())))),
)


class SessionCache(CredentialCache[KnownSession]):
    """The cache of sessions. The use of a session is a use of its token, in the cache of `tokens`, too. `setting_token`
    is the administrator's token from the settings, if there is one."""

    def __init__(self, store: Store, clock: Clock, tokens: TokenCache, setting_token: str | None) -> None:
        super().__init__(store, clock, SESSIONS)
        self._tokens = tokens
        self.setting_token = setting_token

    async def find(self, secret: str) -> KnownSession | None:
        """Return the session of a secret, or None if it is unknown, was idle for long, or belongs to a token that is no
        longer valid. Raises `DatabaseUnavailable`."""
        found = await super().find(secret)
        if found is None:
            return None
        if found.token_id is not None:
            self._tokens.note(found.token_id)
        elif self.setting_token is None or not compare_digest(
            found.setting_digest or "", setting_digest(secret, self.setting_token)
        ):
            return None
        return found
