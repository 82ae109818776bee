"""Authentication: turns a bearer token, either issued or the administrator's from the settings, into a viewer."""

from collections.abc import Awaitable, Callable
from hmac import compare_digest

from db.lookups.token_cache import TokenCache
from graph.domain.permissions import ADMINISTRATOR
from graph.domain.scope import Viewer


def authentication(token_cache: TokenCache, admin_token: str | None) -> Callable[[str], Awaitable[Viewer | None]]:
    """Return a function that maps a secret to its viewer, or to None if it is unknown. It raises
    `DatabaseUnavailable`."""

    async def authenticate(secret: str) -> Viewer | None:
        # The comparison takes constant time, so that its duration does not reveal how much of a guess is right.
        if admin_token is not None and compare_digest(secret.encode(), admin_token.encode()):
            return ADMINISTRATOR
        token = await token_cache.find(secret)
        return None if token is None else Viewer(token.role, token.program_id, token.partner_id, token.id)

    return authenticate
