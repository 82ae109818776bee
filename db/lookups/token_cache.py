"""The API tokens that were used recently, in memory."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select

from db.engine.store import Store
from db.lookups.credential_cache import Clock, CredentialCache, Kind
from db.lookups.tokens import TokenRole
from db.schema.tokens import ApiToken
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Ids, among

_TOKENS = select(ApiToken.id, ApiToken.role, ApiToken.program_id, ApiToken.partner_id, ApiToken.expires_at).where(
    ApiToken.revoked_at.is_(None)
)


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that is not revoked, at most a second out of date."""

    id: int
    role: TokenRole
    program_id: int | None
    partner_id: int | None
    expires_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Return whether it has not expired."""
        return self.expires_at is None or now < self.expires_at


TOKENS = Kind(
    ApiToken,
    KnownToken,
    by_hash=CompiledQuery(_TOKENS.where(ApiToken.token_hash == bindparam("hash"))),
    by_ids=CompiledQuery(_TOKENS.where(among(ApiToken.id, bindparam("ids", type_=Ids())))),
)


class TokenCache(CredentialCache[KnownToken]):
    """The cache of tokens."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store, clock, TOKENS)
