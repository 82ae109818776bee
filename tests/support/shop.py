"""An advertiser's shop for the tests of the tracker: real pages on their own origins, in a real browser, reporting to a
real gateway."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, Request
from starlette.requests import Request as Asked
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rest.leads import PATH as LEAD
from tests.support.browser import running_browser
from tests.support.click_apis import CLICK, rest
from tests.support.gateways import Gateway, running_gateway
from tests.support.in_process_servers import running_server
from tests.support.interruptible_connection import Line, running_line

# Hosts under public suffixes of one label and of two.
HOSTS = "--host-resolver-rules=MAP *.test 127.0.0.1, MAP *.co.uk 127.0.0.1"
SECONDS = 10


class Visitor:
    """A visitor's tab, and what it produced: posted clicks and leads, script errors and console messages."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.posts: list[dict[str, Any]] = []
        self.leads: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.said: list[str] = []
        context.on("request", self._note)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.said.append(message.text))

    def _note(self, request: Request) -> None:
        for path, posts in ((CLICK, self.posts), (LEAD, self.leads)):
            if request.url.endswith(path) and request.method == "POST":
                posts.append(json.loads(request.post_data or ""))

    async def click_id(self) -> str:
        """Wait until the visitor is attributed; return the click's id."""
        await self.page.wait_for_function("() => window.affitor && affitor.clickId")
        return str(await self.page.evaluate("affitor.clickId"))

    async def cookies(self) -> dict[str, Any]:
        return {cookie.get("name", ""): cookie for cookie in await self.context.cookies()}

    async def waiting(self) -> list[dict[str, Any]]:
        """Return the clicks and leads that are still to be sent."""
        kept = await self.page.evaluate("sessionStorage.getItem('affitor_waiting')")
        return list(json.loads(kept or "[]"))

    async def settled(self) -> None:
        """Wait until no click and no lead is left to be sent."""
        await self.page.wait_for_function("() => ['[]', null].includes(sessionStorage.getItem('affitor_waiting'))")


async def answers_once(visitor: Visitor) -> dict[str, Any]:
    """Return the result of `trackTest`. A click posted before it would have been answered by then."""
    return dict(await visitor.page.evaluate("affitor.trackTest()"))


@dataclass
class Shop:
    """The shop: each path is the `usual` page with the tracker, unless `pages` has another. Each is sent with
    `headers`."""

    browser: Browser
    gateway: Gateway
    line: Line
    pages: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    usual: str = ""
    port: int = 0
    _numbers: Any = field(default_factory=lambda: count(1))
    _contexts: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def script(self) -> str:
        """The tracker's URL, through a connection that tests can interrupt."""
        return f"http://127.0.0.1:{self.line.port}/js/affitor-tracker.js"

    def page(self, attributes: str = 'data-affitor-program-id="1"', *, head: str = "", body: str = "") -> str:
        tag = f'<script src="{self.script}" {attributes} defer></script>'
        return f"<!doctype html><html lang=en><head><title>Pricing</title>{head}{tag}</head><body>{body}</body></html>"

    def url(self, path: str = "/", host: str = "localhost") -> str:
        return f"http://{host}:{self.port}{path}"

    async def link(self, **fields: Any) -> str:
        """Create a link; return its code."""
        code = f"CODE{next(self._numbers)}"
        await self.gateway.link(code, **fields)
        return code

    async def visitor(self, **options: Any) -> Visitor:
        """Return a new visitor without a history."""
        context = await self.browser.new_context(**options)
        context.set_default_timeout(SECONDS * 1000)
        self._contexts.push_async_callback(context.close)
        return Visitor(context, await context.new_page())

    async def events(self, code: str) -> list[dict[str, Any]]:
        """Return a link's recorded clicks."""
        link = await self.gateway.link_row(code)
        return [event for event in await self.gateway.events() if event["link_id"] == link["id"]]

    async def clear(self) -> None:
        """Close what a test left open, and serve the usual pages again."""
        self.pages.clear()
        self.headers.clear()
        self.usual = self.page()
        self.line.mend()
        await self._contexts.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = Asked(scope).url.path
        media_type = "text/javascript" if path.endswith(".mjs") else "text/html"
        await Response(self.pages.get(path, self.usual), headers=self.headers, media_type=media_type)(
            scope, receive, send
        )


@asynccontextmanager
async def running_shop(database_url: str, **settings: str) -> AsyncIterator[Shop]:
    """Run a gateway, the shop and a browser."""
    async with (
        running_gateway(database_url, rest, **settings) as gateway,
        running_line(gateway.http.base_url.port or 0) as line,
        running_browser(HOSTS) as browser,
    ):
        shop = Shop(browser, gateway, line)
        config = uvicorn.Config(shop, port=0, log_config=None, access_log=False, lifespan="off")
        async with running_server(config) as shop.port:
            shop.usual = shop.page()
            yield shop
            await shop.clear()
