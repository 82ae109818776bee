"""What pages of other origins can do in a browser that is signed in to the dashboard: nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, expect
from playwright.async_api import Error as PlaywrightError
from starlette.applications import Starlette
from starlette.requests import Request as HTTPRequest
from starlette.responses import HTMLResponse
from starlette.routing import Route

from db.lookups.tokens import NewToken
from db.schema.links import ReferralLink
from db.schema.programs import Program
from db.schema.sessions import WebSession
from graph.domain import sign_in_links
from graph.http.session_cookie import NAME
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.in_process_servers import running_server
from tests.support.web_pages import loaded, visiting

MUTATION = 'mutation { createProgram(input: {name: \\"Mine\\"}) { program { id } } }'
EXPORT = "/api/v1/export/links.csv"
SESSION = "/api/v1/session"
# What a foreign page tries, as functions of the gateway's address. Each returns what the page could read.
FETCH = """async ([url, options]) => {
  try { return await (await fetch(url, { credentials: "include", ...options })).text(); } catch { return null; }
}"""
FORM = """([url, target, [name, value]]) => {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", enctype: "text/plain", action: url, target });
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name, value });
  const frame = document.createElement("iframe");
  frame.name = "hole";
  form.append(field);
  document.body.append(form, frame);
  return new Promise((done) => {
    frame.onload = () => done();
    setTimeout(done, 3000);
    form.submit();
  });
}"""
IMAGE = """(url) => new Promise((done) => {
  const image = new Image();
  image.onload = image.onerror = () => done();
  image.src = url;
})"""
FRAME = """(url) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.onload = () => done();
  frame.src = url;
  document.body.append(frame);
  setTimeout(done, 3000);
})"""
SOCKET = """(url) => new Promise((done) => {
  const socket = new WebSocket(url, "graphql-transport-ws");
  socket.onopen = () => socket.send('{"type": "connection_init"}');
  socket.onmessage = ({ data }) => done(data);
  socket.onclose = () => done(null);
})"""


@dataclass(frozen=True, slots=True)
class Victim:
    """A browser that is signed in, and a page of another origin in it."""

    gateway: Gateway
    url: str
    window: BrowserContext
    dashboard: Page
    foreign: Page


async def foreign_page(request: HTTPRequest) -> HTMLResponse:
    # Ports make no other site, and cookies do not tell them apart.
    assert (NAME in request.cookies) == (request.url.hostname == "127.0.0.1")
    return HTMLResponse("<!doctype html><title>Foreign</title><body>Foreign")


@pytest.fixture(params=["127.0.0.1", "localhost"])
async def victim(request: pytest.FixtureRequest, browser: Browser, make_sqlite: MakeDatabase) -> AsyncIterator[Victim]:
    config = uvicorn.Config(Starlette(routes=[Route("/", foreign_page)]), port=0, log_config=None)
    async with running_gateway(make_sqlite()) as gateway, running_server(config) as port:
        await gateway.link()
        url = str(gateway.http.base_url).rstrip("/")
        async with visiting(browser, f"{url}/dashboard", token=await gateway.token()) as dashboard:
            await loaded(dashboard)
            foreign = await dashboard.context.new_page()
            await foreign.goto(f"http://{request.param}:{port}/")
            await expect(foreign.locator("body")).to_have_text("Foreign")
            yield Victim(gateway, url, dashboard.context, dashboard, foreign)
            # Nothing has happened to the one who is signed in.
            assert [row["name"] for row in await gateway.rows(Program)] == ["A program"]
            assert len(await gateway.rows(ReferralLink)) == len(await gateway.rows(WebSession)) == 1
            await dashboard.reload()
            await expect(dashboard.get_by_role("banner")).to_contain_text("Administrator")


async def forms(victim: Victim) -> dict[str, tuple[str, str]]:
    """Return what forms send to each path. Their bodies are `name=value`, which endpoints read whatever its type."""
    link = await sign_in_links.create(victim.gateway.context, NewToken("partner", partner_id=1))
    return {
        "/graphql": (f'{{"query": "{MUTATION}", "variables": {{"a": "', '"}}'),
        "/api/v1/import/links": ("partner_id,program_id,destination_url\n1,1,https://a.example/?a", "b"),
        SESSION: (f'{{"sign_in": "{link.url.partition("=")[2]}", "a": "', '"}'),
    }


async def test_a_fetch_reads_and_changes_nothing(victim: Victim) -> None:
    for path, body in (await forms(victim)).items():
        posted = {"method": "POST", "headers": {"Content-Type": "text/plain"}, "body": "=".join(body)}
        for options in (posted, {**posted, "mode": "no-cors"}, {"method": "DELETE"}, {}, {"mode": "no-cors"}):
            for asked in (path, EXPORT, "/graphql?query={viewer{role}}"):
                read = await victim.foreign.evaluate(FETCH, [victim.url + asked, options])
                assert read in (None, "") or '"error"' in read


async def test_a_form_changes_nothing(victim: Victim) -> None:
    for path, body in (await forms(victim)).items():
        await victim.foreign.evaluate(FORM, [victim.url + path, "hole", body])


async def test_a_form_that_leads_away_changes_nothing(victim: Victim) -> None:
    for path, body in (await forms(victim)).items():
        async with victim.foreign.expect_navigation():
            await victim.foreign.evaluate(f"(given) => void ({FORM})(given)", [victim.url + path, "_self", body])
        assert "error" in (await victim.foreign.inner_text("body")).lower()
        await victim.foreign.go_back()


async def test_an_image_changes_nothing(victim: Victim) -> None:
    for path in (f"/graphql?query={MUTATION}", EXPORT, SESSION):
        await victim.foreign.evaluate(IMAGE, victim.url + path)


async def test_a_frame_shows_no_dashboard_and_downloads_nothing(victim: Victim) -> None:
    downloads: list[str] = []
    victim.foreign.on("download", lambda download: downloads.append(download.url))
    for path in (EXPORT, "/dashboard", "/graphql", "/graphql?query={viewer{role}}"):
        await victim.foreign.evaluate(FRAME, victim.url + path)
    assert downloads == []
    for frame in victim.foreign.frames[1:]:
        text = await frame.evaluate("document.body.innerText")
        assert "ADMIN" not in text
        assert "Overview" not in text


async def test_a_link_to_a_file_downloads_nothing(victim: Victim) -> None:
    answer = await victim.foreign.evaluate("url => void (location.href = url)", victim.url + EXPORT)
    assert answer is None
    await expect(victim.foreign.locator("body")).to_contain_text("unauthenticated")


async def test_a_socket_is_refused(victim: Victim) -> None:
    assert await victim.foreign.evaluate(SOCKET, victim.url.replace("http", "ws") + "/graphql") is None


async def test_a_foreign_page_signs_nobody_in(victim: Victim) -> None:
    headers = {"Authorization": f"Bearer {await victim.gateway.token('partner', partner_id=1)}"}
    for mode in ("cors", "no-cors"):
        options = {"method": "POST", "headers": headers, "mode": mode}
        assert await victim.foreign.evaluate(FETCH, [victim.url + SESSION, options]) in (None, "")


async def test_the_gateways_own_pages_and_typed_addresses_get_files_by_the_cookie(victim: Victim) -> None:
    link = "url => { const a = document.createElement('a'); a.href = url; document.body.append(a); a.click(); }"
    async with victim.dashboard.expect_download() as downloading:
        await victim.dashboard.evaluate(link, victim.url + EXPORT)
    assert "PARTNER123" in (await (await downloading.value).path()).read_text()
    typed = await victim.window.new_page()
    async with typed.expect_download() as downloading:
        with pytest.raises(PlaywrightError, match="Download is starting"):
            await typed.goto(victim.url + EXPORT)
    assert "PARTNER123" in (await (await downloading.value).path()).read_text()
