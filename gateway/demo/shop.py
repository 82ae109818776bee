"""The demo's shop: an advertiser's pages with the tracker on them, and links to arrive through as a partner's visitor.

Only `clickgate demo` serves it.
"""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from gateway import app
from gateway.configuration.settings import Settings
from gateway.demo.checkout import Checkout
from gateway.demo.page_templates import ASSETS, FOLDER, Page
from gateway.demo.visitors import PAGES
from gateway.demo.welcome import SHOP

SIGN_UP = ("/sign-up", "Sign up — YourSite")


def create_app() -> Starlette:
    """Build the application of `clickgate demo`: the gateway and the shop."""
    return app.create_app(*routes(Settings().root_path))


def routes(root_path: str = "") -> Sequence[BaseRoute]:
    """Return the routes of the shop's pages and assets. Links in the pages include the root path."""
    pages = [
        Route((SHOP + path).rstrip("/"), Page(path.strip("/") or "home", title, root_path).answer)
        for path, title in (*PAGES, SIGN_UP)
    ]
    return [*pages, *Checkout(root_path).routes(), Mount(ASSETS, StaticFiles(directory=FOLDER / "assets"))]
