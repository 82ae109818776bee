"""Pages of a merchant's site, served on the loopback address."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import unused_port


class MerchantPages:
    """A site whose pages a test sets: HTML, headers and a status by path. Without any, a path answers 404."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._pages: dict[str, tuple[str, Mapping[str, str], int]] = {}

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def set(self, path: str, html: str, headers: Mapping[str, str] | None = None, status: int = 200) -> str:
        """Set a page; return its URL."""
        self._pages[path] = html, headers or {}, status
        return self.origin + path

    async def answer(self, request: web.Request) -> web.Response:
        html, headers, status = self._pages.get(request.path, ("", {}, 404))
        return web.Response(text=html, status=status, headers={"Content-Type": "text/html", **headers})


@asynccontextmanager
async def merchant_pages() -> AsyncIterator[MerchantPages]:
    """Serve a site."""
    pages = MerchantPages(unused_port())
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", pages.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", pages.port).start()
        yield pages
    finally:
        await runner.cleanup()


def tag(gateway: str, program_id: object) -> str:
    """Return a page with the tracker's tag for a program."""
    src = f"{gateway.rstrip('/')}/js/affitor-tracker.js"
    return (
        "<!doctype html><html><head><title>Shop</title>"
        f'<script src="{src}" data-affitor-program-id="{program_id}" defer></script></head><body>Hello</body></html>'
    )
