"""Serves the web pages, the dashboard and GraphiQL, as built into `web/dist`.

The dashboard's sections have addresses of their own, below the dashboard's. All are one page, whose script tells them
apart. The pages load nothing from other hosts, which their Content-Security-Policy enforces.
"""

import logging
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

from graph.http.content_negotiation import takes_gzip

logger = logging.getLogger(__name__)

DIST = Path(__file__).parent / "web" / "dist"
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
OWN = f"{NOTHING}; script-src 'self'; connect-src 'self'"
DATA = "'self' data:"
UNTRUSTED = "require-trusted-types-for 'script'; trusted-types 'none'"
DASHBOARD = f"{OWN}; style-src 'self'; font-src 'self'; img-src 'self'; {UNTRUSTED}"
POLICIES: Mapping[str, str] = {
    "dashboard": DASHBOARD,
    # Monaco creates style sheets at run time, and GraphiQL's style sheet contains its fonts and icons.
    "dashboard-section": DASHBOARD,
    "graphiql": f"{OWN}; worker-src 'self'; style-src 'self' 'unsafe-inline'; font-src {DATA}; img-src {DATA}",
}
SHARED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Not taken from the system's table, which may be incomplete: browsers refuse scripts with any other type.
MEDIA = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
# Assets are named by their content's hash.
IMMUTABLE = "public, max-age=31536000, immutable"
MISSING = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>clickgate: not built</title>
<h1>This page has not been built</h1>
<p>The gateway works, but its web pages are missing. The installation builds them with packages from npm, which it could
not download.</p>
<p>On a machine with access to npm, run this in the source folder and restart the gateway:</p>
<pre>make web</pre>
<p>or, if the gateway was installed without make:</p>
<pre>pip install --force-reinstall --no-deps .</pre>
"""


def graphiql(pages: Literal["all", "dashboard", "none"]) -> ASGIApp | None:
    """Return the page that browsers see at `/graphql`, if any."""
    return WebPage("graphiql") if pages == "all" else None


def page_routes(pages: Literal["all", "dashboard", "none"], root_path: str = "") -> Sequence[BaseRoute]:
    """Return the routes of the dashboard and of all pages' assets. The pages use relative URLs; only the redirect needs
    the root path."""
    if pages == "none":
        return []
    if not DIST.is_dir():
        logger.warning("the web pages have not been built: see /dashboard for how to build them")
    return [
        Route("/", RedirectResponse(f"{root_path}/dashboard"), methods=["GET"]),
        Route("/dashboard", WebPage("dashboard"), methods=["GET"]),
        Route("/dashboard/{section}", WebPage("dashboard-section"), methods=["GET"]),
        Route("/assets/{name}", Assets().answer),
    ]


class WebPage:
    """A page, which browsers revalidate on every load."""

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
    """The pages' assets. Some have a gzipped copy, and all have a hash in their names."""

    def __init__(self) -> None:
        self._names = frozenset(file.name for file in DIST.glob("assets/*"))

    async def answer(self, request: Request) -> Response:
        """Answer with a file. Raises `HTTPException` if there is none with that name."""
        name = request.path_params["name"]
        if name not in self._names:
            raise HTTPException(404)
        headers = {**SHARED, "Content-Security-Policy": NOTHING, "Cache-Control": IMMUTABLE}
        media, sent = MEDIA.get(Path(name).suffix, "application/octet-stream"), name
        if f"{name}.gz" in self._names:
            headers["Vary"] = "Accept-Encoding"
            if takes_gzip(request.headers.get("accept-encoding")):
                headers["Content-Encoding"], sent = "gzip", f"{name}.gz"
        return FileResponse(DIST / "assets" / sent, headers=headers, media_type=media)
