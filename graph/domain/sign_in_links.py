"""Links that sign a browser in once: how a program invites its partners without handing out tokens."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from db.lookups.sessions import end_session, open_session
from db.lookups.sign_in_links import Unusable, make_link, use_link
from db.lookups.tokens import NewToken, TokenRole
from graph.domain import tokens
from graph.domain.context import Context
from graph.domain.errors import (
    FieldInvalid,
    SignInLinkExpired,
    SignInLinkUsed,
    UnknownSignInLink,
    outages,
)

LABEL = "Sign-in link"
DAYS, MOST_DAYS = 7, 30
PATH = "/dashboard"
FRAGMENT = "sign-in"
REFUSALS = {
    Unusable.UNKNOWN: UnknownSignInLink,
    Unusable.USED: SignInLinkUsed,
    Unusable.EXPIRED: SignInLinkExpired,
}


@dataclass(frozen=True, slots=True)
class NewSignInLink:
    """A link that was made: its URL, which is never shown again, the id of its token, and when it expires."""

    url: str
    token_id: int
    expires_at: datetime


async def create(context: Context, new: NewToken, valid_days: int = DAYS) -> NewSignInLink:
    """Make a link that signs in with a new token, which the viewer must be allowed to issue. Raises as `tokens.issue`
    does, and `FieldInvalid` for a tracking token and for a number of days out of bounds."""
    if not 1 <= valid_days <= MOST_DAYS:
        raise FieldInvalid("valid_days", f"must be from 1 to {MOST_DAYS}")
    new = tokens.allowed(context, replace(new, label=LABEL if new.label is None else new.label))
    if new.role == "tracking":
        raise FieldInvalid("role", "must not be tracking: such a token reads nothing, and cannot sign in")
    now = context.services.clock()
    expires_at = now + timedelta(days=valid_days)
    with outages():
        async with context.services.store.write() as connection:
            _, row = await tokens.issue_with(connection, context, new)
            secret = await make_link(connection, row["id"], now=now, expires_at=expires_at)
    # Browsers send no fragment to servers, so the secret is in no log, and in no `Referer`.
    return NewSignInLink(f"{context.services.public_url}{PATH}#{FRAGMENT}={secret}", row["id"], expires_at)


async def use(context: Context, link_secret: str, former: str | None) -> tuple[str, TokenRole]:
    """Open a session by a link, in place of the one that the browser has. Return its secret and the role. Raises
    `UnknownSignInLink`, `SignInLinkUsed`, `SignInLinkExpired`, `DatabaseAway`."""
    services = context.services
    now = services.clock()
    with outages():
        async with services.store.write() as connection:
            used = await use_link(connection, link_secret, now)
            if isinstance(used, Unusable):
                raise REFUSALS[used]
            token_id, role = used
            if former is not None:
                await end_session(connection, former)
            secret = await open_session(connection, token_id=token_id, setting_token=None, now=now)
    if former is not None:
        services.sessions.forget(former)
    return secret, role
