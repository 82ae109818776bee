"""Browsers that are signed in, as their requests look: with a cookie, and with what browsers say of where they come
from."""

from collections.abc import Mapping

import httpx

from graph.http.session_cookie import NAME, SECURE_NAME
from tests.support.gateways import Gateway

SESSION = "/api/v1/session"
VIEWER = "{ viewer { role } }"
FROM_OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def opened(http: httpx.AsyncClient, token: str, **headers: str) -> httpx.Response:
    """Exchange a token for a session; return the answer. The client does not keep the cookie."""
    answer = await http.post(SESSION, headers={**FROM_OWN_PAGE, **bearer(token), **headers})
    http.cookies.clear()
    return answer


def secret_in(answer: httpx.Response) -> str:
    """Return the secret in an answer's cookie."""
    name, _, secret = answer.headers["set-cookie"].partition(";")[0].partition("=")
    assert name in (NAME, SECURE_NAME)
    return str(secret)


def cookie(secret: str, name: str = NAME) -> dict[str, str]:
    return {"Cookie": f"{name}={secret}"}


async def signed_in(gateway: Gateway, token: str) -> dict[str, str]:
    """Sign a browser in; return the headers of requests that its pages from the gateway send."""
    answer = await opened(gateway.http, token)
    assert answer.status_code == 201, answer.text
    return {**cookie(secret_in(answer)), **FROM_OWN_PAGE}


async def role(http: httpx.AsyncClient, headers: Mapping[str, str], path: str = "/graphql") -> str | None:
    """Return the role that the gateway gives the sender of a request, or None."""
    answer = await http.post(path, json={"query": VIEWER}, headers=headers)
    data = answer.json().get("data")
    return None if data is None else str(data["viewer"]["role"])
