"""Whose token a secret is: one that was issued, or the administrator's from the settings."""

from collections.abc import Awaitable, Callable
from hmac import compare_digest

from db.lookups.token_cache import TokenCache
from graph.domain.permissions import ADMINISTRATOR
from graph.domain.scope import Viewer


def authentication(token_cache: TokenCache, admin_token: str | None) -> Callable[[str], Awaitable[Viewer | None]]:
    """Return the function from a secret to the viewer whose token it is, or None. It raises `DatabaseUnavailable`."""

    async def authenticate(secret: str) -> Viewer | None:
        # In constant time, so that nobody learns by the time it takes how much of a guess was right.
        if admin_token is not None and compare_digest(secret.encode(), admin_token.encode()):
            return ADMINISTRATOR
        token = await token_cache.find(secret)
        return None if token is None else Viewer(token.role, token.program_id, token.partner_id, token.id)

    return authenticate
