"""Several tabs of one visitor that process the gateway's responses concurrently, in an order that the test chooses."""

import asyncio
import json
from collections import defaultdict

from playwright.async_api import Page, Route

from tests.support.shop import SECONDS, Visitor

# Blocks the tab before one of its accesses to cookies, the `affitorStop`th from now, as a busy machine might: a
# synchronous request gets no answer until the test resumes the tab. Other tabs have processes of their own.
STOPS = """{
  const {get, set} = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  const step = () => {
    if (!window.affitorStop || --window.affitorStop) return;
    const request = new XMLHttpRequest();
    request.open("GET", "/stop", false);
    request.send();
  };
  Object.defineProperty(Document.prototype, "cookie", {
    configurable: true,
    get() { step(); return get.call(this); },
    set(cookie) { step(); set.call(this, cookie); },
  });
}"""


class Tab:
    """A tab whose clicks reach the gateway when the test forwards them, and whose scripts can be paused."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._held: defaultdict[str, asyncio.Queue[Route]] = defaultdict(asyncio.Queue)
        self._stops: asyncio.Queue[Route] = asyncio.Queue()
        self._is_open = False

    async def prepare(self) -> None:
        await self.page.add_init_script(STOPS)
        await self.page.route("**/track/click", self._post)
        await self.page.route("**/stop", self._stops.put)

    async def _post(self, route: Route) -> None:
        if self._is_open:
            await route.continue_()
        else:
            await self._held[json.loads(route.request.post_data or "")["affiliate_url"]].put(route)

    async def posted(self, url: str) -> Route:
        """Wait until the tab posts a landing's click; return the request."""
        async with asyncio.timeout(SECONDS):
            return await self._held[url].get()

    async def pass_on(self, url: str) -> None:
        """Forward the next landing's click to the gateway."""
        await (await self.posted(url)).continue_()

    async def pass_on_all(self) -> None:
        self._is_open = True
        for queue in self._held.values():
            while not queue.empty():
                await queue.get_nowait().continue_()

    async def stop_at(self, access: int) -> None:
        await self.page.evaluate("access => void (window.affitorStop = access)", access)

    async def stopped(self) -> Route:
        """Wait until the tab is paused; return the request that it is blocked on."""
        async with asyncio.timeout(SECONDS):
            return await self._stops.get()

    async def settled(self) -> None:
        """Wait until all of the tab's clicks have been answered."""
        await self.page.wait_for_function("() => ['[]', undefined].includes(sessionStorage.affitor_waiting)")
        await self.page.evaluate("affitor.ready")


async def open_tabs(visitor: Visitor, count: int) -> list[Tab]:
    """Return the visitor's tab and new ones, all without a page so far."""
    pages = [visitor.page, *[await visitor.context.new_page() for _ in range(count - 1)]]
    tabs = [Tab(page) for page in pages]
    for tab in tabs:
        await tab.prepare()
    return tabs
