"""The web pages: the dashboard and GraphiQL, as they were built into `web/dist`. They load nothing from elsewhere, and
each comes with a policy by which the browser holds it to that.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

DIST = Path(__file__).parent / "web" / "dist"
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
OWN = f"{NOTHING}; script-src 'self'; connect-src 'self'"
DATA = "'self' data:"
UNTRUSTED = "require-trusted-types-for 'script'; trusted-types 'none'"
POLICIES: Mapping[str, str] = {
    "dashboard": f"{OWN}; style-src 'self'; font-src 'self'; img-src 'self'; {UNTRUSTED}",
    # Monaco writes style sheets as it goes, and GraphiQL's own holds its fonts and icons.
    "graphiql": f"{OWN}; worker-src 'self'; style-src 'self' 'unsafe-inline'; font-src {DATA}; img-src {DATA}",
}
SHARED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Not by the machine's own table, which may know less: a browser runs no script of another type.
MEDIA = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
# A changed asset has another name.
FOR_GOOD = "public, max-age=31536000, immutable"
MISSING = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>clickgate: not built</title>
<h1>This page was not built</h1>
<p>The gateway works; only its web pages are missing. They are built when it is installed, with packages from npm, which
could not be had then.</p>
<p>Where npm can be reached, run this in the folder of the sources, and start the gateway again:</p>
<pre>make web</pre>
<p>or, for a gateway that was installed without make:</p>
<pre>pip install --force-reinstall --no-deps .</pre>
"""


def graphiql(pages: Literal["all", "dashboard", "none"]) -> ASGIApp | None:
    """Return what a browser is shown at `/graphql`, if anything."""
    return WebPage("graphiql") if pages == "all" else None


def page_routes(pages: Literal["all", "dashboard", "none"], root_path: str = "") -> Sequence[BaseRoute]:
    """Return the routes of the dashboard, and of the assets of all pages. The pages name everything relative to
    themselves; only a redirect needs to know under which path they are served."""
    if pages == "none":
        return []
    if not DIST.is_dir():
        logger.warning("the web pages were not built: /dashboard tells how they are")
    return [
        Route("/", RedirectResponse(f"{root_path}/dashboard"), methods=["GET"]),
        Route("/dashboard", WebPage("dashboard"), methods=["GET"]),
        Route("/assets/{name}", Assets().answer),
    ]


class WebPage:
    """A page: asked for anew each time, and sent again only where it has changed."""

    def __init__(self, name: str) -> None:
        file = DIST / f"{name}.html"
        self._html = file.read_bytes() if file.is_file() else None
        tag = sha256(self._html or b"").hexdigest()[:16]
        self._headers = {
            **SHARED,
            "Content-Security-Policy": POLICIES[name],
            "Cache-Control": "no-cache",
            "ETag": f'"{tag}"',
            "Vary": "Accept",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._response(Headers(scope=scope))(scope, receive, send)

    def _response(self, asked: Headers) -> Response:
        if self._html is None:
            return HTMLResponse(
                MISSING, 503, {**SHARED, "Content-Security-Policy": NOTHING, "Cache-Control": "no-store"}
            )
        known = (tag.strip().removeprefix("W/") for tag in asked.get("if-none-match", "").split(","))
        if self._headers["ETag"] in known:
            return Response(None, 304, self._headers)
        return HTMLResponse(self._html, 200, self._headers)


class Assets:
    """The files that pages are made of, compressed beforehand where that helps. Their names hold their hash."""

    def __init__(self) -> None:
        self._names = frozenset(file.name for file in DIST.glob("assets/*"))

    async def answer(self, request: Request) -> Response:
        """Answer with a file. Raises `HTTPException` where there is none of that name."""
        name = request.path_params["name"]
        if name not in self._names:
            raise HTTPException(404)
        headers = {**SHARED, "Content-Security-Policy": NOTHING, "Cache-Control": FOR_GOOD}
        media, sent = MEDIA.get(Path(name).suffix, "application/octet-stream"), name
        if f"{name}.gz" in self._names:
            headers["Vary"] = "Accept-Encoding"
            if _takes_gzip(request.headers.get("accept-encoding", "")):
                headers["Content-Encoding"], sent = "gzip", f"{name}.gz"
        return FileResponse(DIST / "assets" / sent, headers=headers, media_type=media)


def _takes_gzip(accepted: str) -> bool:
    """Return whether an `Accept-Encoding` header names gzip, and not to refuse it."""
    return re.search(r"(?:^|,)\s*gzip\s*(?:,|$|;\s*q=(?!0(?:\.0*)?\s*(?:,|$)))", accepted, re.IGNORECASE) is not None
