"""The demo's shop: an advertiser's pages with the tracker on them, and links to arrive through as a partner's visitor.

Only `clickgate demo` serves it.
"""

from collections.abc import Sequence
from pathlib import Path
from string import Template

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from gateway import app
from gateway.demo.visitors import PAGES, PARTNERS
from gateway.demo.welcome import SHOP
from gateway.settings import Settings
from graph.domain.context import Services

FOLDER = Path(__file__).parent / "pages"
ASSETS = f"{SHOP}/assets"
HEADERS = {
    # No inline scripts or styles: a real shop's policy may be as strict, and the tracker has to work under it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def create_app() -> Starlette:
    """Build the application of `clickgate demo`: the gateway and the shop."""
    return app.create_app(*routes(Settings().root_path))


def routes(root_path: str = "") -> Sequence[BaseRoute]:
    """Return the routes of the shop's pages and assets. Links in the pages include the root path."""
    pages = [Route((SHOP + path).rstrip("/"), _Page(path, title, root_path).answer) for path, title in PAGES]
    return [*pages, Mount(ASSETS, StaticFiles(directory=FOLDER / "assets"))]


class _Page:
    """A page of the shop."""

    def __init__(self, path: str, title: str, root_path: str) -> None:
        content = (FOLDER / f"{path.strip('/') or 'home'}.html").read_text()
        layout = (FOLDER / "layout.html").read_text().replace("$content", content)
        names = {"title": title, "root": root_path, "shop": root_path + SHOP, "assets": root_path + ASSETS}
        self._template = Template(Template(layout).safe_substitute(names))

    async def answer(self, request: Request) -> Response:
        """Answer with the page, with the program's id in its script tag."""
        services: Services = request.state.services
        link = await services.directory.find(PARTNERS[0].code)
        return HTMLResponse(self._template.substitute(program_id=link.program_id if link else ""), headers=HEADERS)
