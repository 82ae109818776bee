"""What the OpenAPI document says of sessions."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from graph.http.session_cookie import NAME, SECURE_NAME
from rest.openapi.exports import DescribeProblem
from rest.sessions import BODY_BYTES, PATH, Session, SignIn

COOKIE = "sessionCookie"
SCHEME = {
    "type": "apiKey",
    "in": "cookie",
    "name": NAME,
    "description": f"A signed-in browser. Over HTTPS, the name is `{SECURE_NAME}`. It only counts in requests of the "
    "gateway's own pages.",
}
TYPES: tuple[type[Struct], ...] = (Session, SignIn)
SHARED_PROBLEMS = {
    "500": "Unexpected error; the log entry has the id in `Clickgate-Fault`",
    "503": "The database is unavailable",
}
FOREIGN = "The request does not come from one of the gateway's own pages"
SIGN_IN_PROBLEMS = {
    "400": "The body is not an object with a text",
    "401": "The token is missing, unknown, expired or revoked",
    "403": f"{FOREIGN}, or the token is a tracking token, which reads nothing",
    "404": "There is no such sign-in link",
    "410": "The sign-in link has been used, has expired, or was withdrawn",
    "413": f"The body is larger than {BODY_BYTES} bytes",
    "415": "The body's content coding is neither gzip nor deflate",
    "429": "The client has exceeded the rate limit",
}
SET_COOKIE = {"Set-Cookie": {"description": "The session's cookie", "schema": {"type": "string"}}}
NO_COOKIE = {"Set-Cookie": {"description": "Removes the cookie", "schema": {"type": "string"}}}


def session_paths(
    problem: DescribeProblem, schema_of: Mapping[type[Struct], dict[str, Any]], security: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the path of sessions. `security` is that of signing in."""
    session = {"headers": SET_COOKIE, "content": {"application/json": {"schema": schema_of[Session]}}}

    nobody = {"description": "Nobody is signed in", "headers": NO_COOKIE}

    def operation(id: str, summary: str, described: str, problems: Mapping[str, str], **rest: Any) -> dict[str, Any]:
        all_problems = sorted({**problems, **SHARED_PROBLEMS}.items())
        answers = rest.pop("answers") | {status: problem(status, text) for status, text in all_problems}
        return {"operationId": id, "summary": summary, "description": described, **rest, "responses": answers}

    return {
        PATH: {
            "post": operation(
                "signIn",
                "Sign a browser in",
                "Exchanges a token, or else the secret of a sign-in link, for a session, in place of the browser's "
                "last one. For the gateway's own pages; programs send the token with each request.",
                SIGN_IN_PROBLEMS,
                security=[security, {}],
                requestBody={"required": False, "content": {"application/json": {"schema": schema_of[SignIn]}}},
                answers={"201": {"description": "The browser is signed in", **session}},
            ),
            "get": operation(
                "readSession",
                "See who is signed in",
                "Gives the cookie another long life.",
                {},
                security=[{}, {COOKIE: ()}],
                answers={"200": {"description": "The browser is signed in", **session}, "204": nobody},
            ),
            "delete": operation(
                "signOut",
                "Sign a browser out",
                "This gateway refuses the session at once, others within a second.",
                {"403": FOREIGN},
                security=[{}, {COOKIE: ()}],
                answers={"204": nobody},
            ),
        }
    }
