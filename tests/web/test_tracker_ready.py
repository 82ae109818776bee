"""How a page learns that attribution is settled: `affitor.ready`, its event, and the React hook of the npm package."""

import asyncio
from pathlib import Path

import pytest

from tests.support import npm_packages as javascript
from tests.support.shop import Shop, Visitor

EVENTS = "window.events = []; document.addEventListener('affitor:ready', ({detail}) => events.push(detail.clickId))"
READY = "affitor.ready.then((data) => data.clickId)"
# CommonJS in a page: the packages' modules by the names used to require them.
MODULES = {
    "react": "react/cjs/react.production.js",
    "react-dom": "react-dom/cjs/react-dom.production.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.production.js",
    "scheduler": "scheduler/cjs/scheduler.production.js",
    "@affitor/tracker/react": "@affitor/tracker/dist/react.js",
}
PROVIDER = """h(AffitorProvider, {programId: "59", scriptUrl: SCRIPT}, h(() => shown(useAffitor())))"""
HOOK = """h(() => shown(useLoadAffitor("59", OPTIONS)))"""
APP = """
  const SCRIPT = "%s", OPTIONS = {scriptUrl: SCRIPT};
  const {createElement: h} = require("react");
  const {AffitorProvider, useAffitor, useLoadAffitor} = require("@affitor/tracker/react");
  const shown = (affitor) =>
    !affitor ? "loading" : affitor.hasAffiliateAttribution ? "referred: " + affitor.clickId : "not referred";
  require("react-dom/client").createRoot(document.getElementById("root")).render(%s);
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return javascript.installed(tmp_path_factory.mktemp("react"), javascript.TRACKER) / "node_modules"


async def test_a_promise_and_an_event_announce_the_attribution(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.add_init_script(EVENTS)
    async with shop.gateway.held():
        await visitor.page.goto(shop.url(f"/?aff={code}"))
        waits = f"Promise.race([{READY}, new Promise((done) => setTimeout(done, 100, 'waits'))])"
        assert await visitor.page.evaluate(waits) == "waits"
        assert await visitor.page.evaluate("events") == []
    click_id = await visitor.page.evaluate(READY)
    assert click_id == await visitor.click_id()
    assert await visitor.page.evaluate("events") == [click_id]


async def test_ready_resolves_at_once_if_there_is_nothing_to_wait_for(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.add_init_script(EVENTS)
    await visitor.page.goto(shop.url())
    assert await visitor.page.evaluate(READY) is None
    assert await visitor.page.evaluate("events") == [None]
    await visitor.page.evaluate("code => history.pushState({}, '', '/?aff=' + code)", code)
    click_id = await visitor.page.evaluate(READY)
    assert click_id is not None
    await visitor.page.goto(shop.url("/next"))
    shop.line.cut()
    assert await visitor.page.evaluate(READY) == click_id
    assert await visitor.page.evaluate("events") == [click_id]


async def test_ready_resolves_after_a_refused_click(shop: Shop) -> None:
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url("/?aff=NOBODYS"))
    assert await visitor.page.evaluate(READY) is None


def app(shop: Shop, packages: Path, component: str, script: str = "") -> None:
    """Serve a React app at every page of the shop."""
    wrapped = [
        f'modules["{name}"] = (module, exports, require) => {{ {(packages / path).read_text()}\n}};'
        for name, path in MODULES.items()
    ]
    shop.pages["/app.mjs"] = f"""
      const process = {{env: {{NODE_ENV: "production"}}}}, modules = {{}}, loaded = {{}};
      const require = (name) => {{
        if (!loaded[name]) modules[name](loaded[name] = {{exports: {{}}}}, loaded[name].exports, require);
        return loaded[name].exports;
      }};
      {"".join(wrapped)}
      {APP % (script or shop.script, component)}
    """
    shop.usual = "<!doctype html><title>App</title><div id=root></div><script type=module src=/app.mjs></script>"


async def shown(visitor: Visitor) -> str:
    """Return the app's text once it has loaded the tracker."""
    await visitor.page.wait_for_function("() => !['', 'loading'].includes(document.body.innerText)")
    return await visitor.page.inner_text("body")


@pytest.mark.parametrize("component", [PROVIDER, HOOK], ids=["provider", "hook"])
async def test_the_react_hook_shows_a_referral_without_a_reload(shop: Shop, packages: Path, component: str) -> None:
    app(shop, packages, component)
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url())
    assert await shown(visitor) == "not referred"
    async with shop.gateway.held():
        await visitor.page.goto(shop.url(f"/?aff={code}"))
        await visitor.page.wait_for_function("() => !!window.affitor")
        await asyncio.sleep(0.2)
        assert await visitor.page.inner_text("body") in {"", "loading"}
    assert await shown(visitor) == f"referred: {await visitor.click_id()}"
    assert not visitor.faults


async def test_the_react_hook_does_not_wait_for_ever(shop: Shop, packages: Path) -> None:
    app(shop, packages, HOOK, f"{shop.gateway.http.base_url}/js/tracker.js")
    visitor = await shop.visitor()
    await visitor.page.clock.install()
    await visitor.page.route("**/track/click", lambda route: route.abort())
    await visitor.page.goto(shop.url("/?aff=ANY"))
    await visitor.page.wait_for_function("() => !!window.affitor")
    await asyncio.sleep(0.2)
    await visitor.page.clock.run_for(5_100)
    assert await shown(visitor) == "not referred"
