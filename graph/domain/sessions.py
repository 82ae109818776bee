"""Sessions: what a browser exchanges a token for, so that no page has to keep the token."""

from db.lookups.sessions import end_session, open_session
from graph.domain.context import Context
from graph.domain.errors import Forbidden, outages
from graph.domain.permissions import viewer_of
from graph.domain.scope import Viewer


class NothingToSee(Forbidden):
    """A tracking token reads nothing, so there is nothing to sign in for."""

    message = "This token only records conversions, and cannot sign in"


async def begin(context: Context, former: str | None) -> str:
    """Open a session of the viewer's token, in place of the one that the browser has, and return its secret. Raises
    `Unauthenticated`, `NothingToSee`, `DatabaseAway`."""
    viewer, services = viewer_of(context), context.services
    if viewer.role == "tracking":
        raise NothingToSee
    setting_token = services.sessions.setting_token
    with outages():
        async with services.store.write() as connection:
            if former is not None:
                await end_session(connection, former)
            secret = await open_session(
                connection, token_id=viewer.token_id, setting_token=setting_token, now=services.clock()
            )
    if former is not None:
        services.sessions.forget(former)
    return secret


async def end(context: Context, secret: str) -> None:
    """End a session, if there is one with this secret. This gateway refuses it at once, others within a second. Raises
    `DatabaseAway`."""
    with outages():
        async with context.services.store.write() as connection:
            await end_session(connection, secret)
    context.services.sessions.forget(secret)


async def holder(context: Context, secret: str) -> Viewer | None:
    """Return the viewer of a session, or None if it has ended. Raises `DatabaseUnavailable`."""
    found = await context.services.sessions.find(secret)
    if found is None:
        return None
    return Viewer(found.role, found.program_id, found.partner_id, found.token_id, found.id)


async def is_still_valid(context: Context) -> bool:
    """Return whether the session or token is still valid, for what takes long. Raises `DatabaseUnavailable`."""
    viewer, services = viewer_of(context), context.services
    if viewer.session_id is not None:
        return await services.sessions.is_good(viewer.session_id)
    return viewer.token_id is None or await services.is_good(viewer.token_id)
