"""The cookie of a signed-in browser, and the protection against forged requests that carry it.

A browser adds cookies to requests that other sites' pages make, so a cookie only counts in requests that come from the
gateway's own pages. `SameSite=Strict` keeps it out of requests from other sites. What the browser says about where a
request comes from keeps out other origins of the same site, such as another port or a subdomain. This is what OWASP
advises: the `Sec-Fetch-Site` header, and `Origin` in browsers that do not send it.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from starlette.types import Scope

NAME = "clickgate_session"
# Browsers accept this prefix only over HTTPS and from the host itself: no subdomain can plant such a cookie.
SECURE_NAME = f"__Host-{NAME}"
# Browsers cut longer lives to this.
MOST_SECONDS = 400 * 24 * 60 * 60
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
ENCRYPTED = ("https", "wss")
PORTS = {"http": 80, "https": 443}


def own_session(scope: Scope) -> str | None:
    """Return the secret of the session cookie in a request from one of the gateway's own pages, or None."""
    secret = session_secret(scope)
    return secret if secret is not None and is_from_own_page(scope) else None


def session_secret(scope: Scope) -> str | None:
    """Return the secret of the session cookie, wherever the request comes from; None if there is no such cookie, and if
    there are several, of which a page of a subdomain may have planted one."""
    headers = _values(scope, b"cookie")
    if not headers:
        return None
    names = (SECURE_NAME,) if scope["scheme"] in ENCRYPTED else (SECURE_NAME, NAME)
    for name in names:
        if found := set(_cookies(headers, name)):
            secret = found.pop()
            return secret if not found and SECRET.fullmatch(secret) else None
    return None


def is_from_own_page(scope: Scope) -> bool:
    """Return whether a request comes from one of the gateway's own pages, as the browser says. One that only reads may
    also come from a person who types the address, or from a browser that says nothing at all: no other page can read
    the answer."""
    only_reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    sites, origins = _values(scope, b"sec-fetch-site"), _values(scope, b"origin")
    if sites:
        return sites == ["same-origin"] or (only_reads and sites == ["none"])
    if origins:
        return len(origins) == 1 and _is_own_origin(scope, origins[0])
    return only_reads


def session_cookie(scope: Scope, secret: str) -> str:
    """Return the `Set-Cookie` header that gives a browser its secret."""
    return _cookie(scope, secret, MOST_SECONDS)


def expired_cookie(scope: Scope) -> str:
    """Return the `Set-Cookie` header that removes the cookie from a browser."""
    return _cookie(scope, "", 0)


def _cookie(scope: Scope, value: str, seconds: int) -> str:
    return flagged(scope, f"{SECURE_NAME if _is_encrypted(scope) else NAME}={value}", seconds)


def flagged(scope: Scope, cookie: str, seconds: int) -> str:
    """Return the `Set-Cookie` header of a cookie that only this host's own pages send, and no script reads."""
    flag = "; Secure" if _is_encrypted(scope) else ""
    return f"{cookie}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{flag}"


def _is_encrypted(scope: Scope) -> bool:
    """Return whether the browser speaks HTTPS. A proxy that does may not be trusted to say so; then the page's origin
    tells, or the cookie that the browser has."""
    if scope["scheme"] in ENCRYPTED or any(origin.startswith("https://") for origin in _values(scope, b"origin")):
        return True
    return any(_cookies(_values(scope, b"cookie"), SECURE_NAME))


def _is_own_origin(scope: Scope, origin: str) -> bool:
    """Compare an origin with the address that the request was sent to. Behind a proxy that is not trusted, the scheme
    is unknown."""
    hosts = _values(scope, b"host")
    if len(hosts) != 1:
        return False
    try:
        page, own = urlsplit(origin), urlsplit(f"//{hosts[0]}")
        usual = PORTS.get(page.scheme)
        is_same = page.hostname == own.hostname and (page.port or usual) == (own.port or usual)
    except ValueError:
        return False
    return is_same and page.scheme in (("https",) if scope["scheme"] in ENCRYPTED else PORTS)


def _cookies(headers: list[str], wanted: str) -> Iterator[str]:
    for header in headers:
        for pair in header.split(";"):
            name, _, value = pair.partition("=")
            if name.strip() == wanted:
                yield value.strip()


def _values(scope: Scope, lower_name: bytes) -> list[str]:
    return [bytes(value).decode(errors="replace") for name, value in scope["headers"] if name == lower_name]
