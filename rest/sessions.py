"""The endpoint `/api/v1/session`: signs a browser in by a token or a link, says who is signed in, and signs out.

It is for the gateway's own pages only, and so without CORS. The pages keep no token: the browser keeps the session's
secret in a cookie that no script can read.
"""

from typing import Annotated

from msgspec import Meta, Struct
from starlette.types import Receive, Scope

from db.lookups.tokens import TokenRole, hashed
from graph.domain import sessions, sign_in_links
from graph.domain.context import Services
from graph.domain.errors import (
    ClickgateError,
    FieldInvalid,
    Forbidden,
    SignInLinkExpired,
    SignInLinkUsed,
    UnknownSignInLink,
)
from graph.domain.permissions import viewer_of
from graph.http.body import read_body
from graph.http.caller import Credential, caller, header, identified
from graph.http.session_cookie import expired_cookie, is_from_own_page, own_session, session_cookie, session_secret
from rest.conversions import identified_as
from rest.endpoint import Endpoint, Response, refused
from rest.json_body import BodyDecoder

PATH = "/api/v1/session"
NOT_COUNTED = ""
"""The outcome of these requests, which are few: no metric counts them."""
NAME_LENGTH = 16
# A secret takes a few dozen.
BODY_BYTES = 4096


class Session(Struct, frozen=True):
    """A signed-in browser."""

    session: Annotated[str, Meta(description="Tells this session from others. It is not a secret.")]
    role: Annotated[str, Meta(extra_json_schema={"enum": ["admin", "program", "partner"]})]


class SignIn(Struct):
    """How to sign in without a token."""

    sign_in: Annotated[str | None, Meta(description="The secret of a sign-in link: what follows `#sign-in=`.")] = None


class NotFromHere(Forbidden):
    """The request does not come from one of the gateway's own pages."""

    message = "Sessions are for the gateway's own pages. Send the token with each request instead"


decode = BodyDecoder(SignIn)


class SessionEndpoint(Endpoint):
    """The endpoint's ASGI application."""

    methods = ("GET", "POST", "DELETE")
    is_shared = False
    failure = "The session could not be read or changed"

    def count(self, services: Services, outcome: str) -> None:
        """Count nothing."""

    async def track(self, services: Services, scope: Scope, receive: Receive) -> Response:
        if scope["method"] == "GET":
            return await self._current(services, scope)
        if not is_from_own_page(scope):
            raise NotFromHere
        if scope["method"] == "DELETE":
            return await self._sign_out(services, scope)
        link_secret = await _link_secret(scope, receive)
        if link_secret is None or header(scope, b"authorization") is not None:
            return await self._sign_in(services, scope)
        return await self._sign_in_by_link(services, scope, link_secret)

    def refused(self, refusal: ClickgateError) -> Response:
        response = refused(refusal)
        if isinstance(refusal, UnknownSignInLink):
            return response._replace(status=404)
        return response._replace(status=410) if isinstance(refusal, SignInLinkUsed | SignInLinkExpired) else response

    async def _sign_in(self, services: Services, scope: Scope) -> Response:
        """Open a session for the request's token, in place of the browser's last one."""
        context = await identified_as(services, scope, viewer_of)
        secret = await sessions.begin(context, session_secret(scope))
        return _signed_in(201, scope, secret, viewer_of(context).role)

    async def _sign_in_by_link(self, services: Services, scope: Scope, link_secret: str) -> Response:
        """Open a session by a link, in place of the browser's last one."""
        context = caller(services, scope)
        try:
            secret, role = await sign_in_links.use(context, link_secret, session_secret(scope))
        except UnknownSignInLink:
            services.charge(context.client_address)
            raise
        return _signed_in(201, scope, secret, role)

    async def _current(self, services: Services, scope: Scope) -> Response:
        """Say who is signed in, and give the cookie another long life; or remove one that has ended."""
        secret = own_session(scope)
        context = caller(services, scope)
        if secret is not None:
            context = await identified(context, Credential(secret, is_session=True))
        if secret is not None and context.viewer is not None:
            return _signed_in(200, scope, secret, context.viewer.role)
        # No error, which browsers would report to whoever has the console open: nobody has done anything wrong.
        return _nobody(scope, is_page_told=is_from_own_page(scope))

    async def _sign_out(self, services: Services, scope: Scope) -> Response:
        """End the browser's session, if it has one."""
        if (secret := session_secret(scope)) is not None:
            await sessions.end(caller(services, scope), secret)
        return _nobody(scope)


async def _link_secret(scope: Scope, receive: Receive) -> str | None:
    """Return the secret of a link in the request's body, which may be empty. Raises `BodyNotObject`, `FieldInvalid`."""
    body = await read_body(scope, receive, BODY_BYTES)
    if not body:
        return None
    sent, unreadable = decode(body)
    if unreadable:
        raise FieldInvalid("sign_in", "must be a text")
    return sent.sign_in


def _nobody(scope: Scope, *, is_page_told: bool = True) -> Response:
    headers = {"Set-Cookie": expired_cookie(scope)} if is_page_told else {}
    return Response(NOT_COUNTED, 204, headers={"Cache-Control": "no-store", **headers})


def _signed_in(status: int, scope: Scope, secret: str, role: TokenRole) -> Response:
    headers = {"Set-Cookie": session_cookie(scope, secret), "Cache-Control": "no-store"}
    return Response(NOT_COUNTED, status, Session(hashed(secret)[:NAME_LENGTH], role), headers)
