"""Serving the tracker script: its size, caching, CORS headers and additional paths."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError

from gateway.configuration.settings import Settings
from rest.tracker.minifier import minified
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.processes import clickgate
from tests.support.shop import running_shop

SCRIPT = "/js/affitor-tracker.js"
LARGEST_BYTES = 4 * 1024


@pytest.fixture
async def served(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    """Run a gateway for tests that do not depend on the database."""
    async with running_gateway(make_sqlite()) as gateway:
        yield gateway


async def raw(gateway: Gateway, **headers: str) -> tuple[httpx.Response, bytes]:
    """Return a response and its bytes on the wire."""
    async with gateway.http.stream("GET", SCRIPT, headers={"Accept-Encoding": "identity"} | headers) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


async def test_both_paths_serve_the_script(served: Gateway) -> None:
    answers = [await served.http.get(path) for path in (SCRIPT, "/js/tracker.js")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert "affitor_click_id" in answers[0].text
    assert answers[0].headers["Content-Type"] == "text/javascript; charset=utf-8"


@pytest.mark.slow
async def test_it_is_smaller_than_four_kibibytes_gzipped(served: Gateway) -> None:
    plain, script = await raw(served)
    zipped, packed = await raw(served, **{"Accept-Encoding": "gzip, deflate, br"})
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == script
    assert len(packed) < LARGEST_BYTES
    assert plain.headers["Vary"] == zipped.headers["Vary"] == "Accept-Encoding"
    refused, again = await raw(served, **{"Accept-Encoding": "br, gzip;q=0"})
    assert "Content-Encoding" not in refused.headers
    assert again == script


def test_names_are_shortened_and_constants_inlined() -> None:
    source = """
(() => {
  const LONGEST = 300;
  const PLACE = "once";
  const KEY = "twice";
  const shown = { shown_as: "shown, true", other: 1, open: true };
  let counted, other;
  // Longer than LONGEST.
  let total = LONGEST * 2;
  function each(action, list) {
    const first = list[0];

    const rest = list
      .slice(1)
      .concat([
        first,
      ]);
    const last = rest[0];
    for (const item of rest) action(first, item.action, KEY, KEY);
    try {
      return /shown/.test(shown.shown_as) === false;
    } catch (failure) {
      return undefined;
    }
  }

  const twice = (number) => {
    counted = number;
    return (word) => ({ number: number * 2, get other() { return counted + total + word + PLACE; } });
  };
  const api = {
    async start(options) {
      return each(options, LONGEST);
    },
  };
  window.result = [each((item) => item, []), twice(4), shown, api];
})();
"""
    assert minified(source) == (
        '(()=>{let s="twice",a={shown_as:"shown, true",other:1,open:!0},t,other,r=300*2;function u(action,e){let t'
        "=e[0],r=e.slice(1).concat([t,]),c=r[0];for(let n of r)action(t,n.action,s,s);try{return/shown/.test("
        "a.shown_as)===!1}catch(o){return void 0}}let o=number=>{t=number;return(n)=>({number:number*2,get other(){"
        'return t+r+n+"once"}})},e={async start(n){return u(n,300)}};window.result=[u(n=>n,[]),o(4),a,e]})();'
    )


async def test_a_browser_that_has_the_script_gets_304(served: Gateway) -> None:
    tags = set()
    for encoding in ("identity", "gzip"):
        answer, _ = await raw(served, **{"Accept-Encoding": encoding})
        tag = answer.headers["ETag"]
        assert not tag.startswith("W/")
        tags.add(tag)
        for held in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            unchanged, body = await raw(served, **{"Accept-Encoding": encoding, "If-None-Match": held})
            assert (unchanged.status_code, body, unchanged.headers["ETag"]) == (304, b"", tag)
            assert unchanged.headers["Cache-Control"] == answer.headers["Cache-Control"]
        changed, _ = await raw(served, **{"Accept-Encoding": encoding, "If-None-Match": '"other"'})
        assert changed.status_code == 200
    assert len(tags) == 2


async def test_any_page_may_load_the_script_and_cache_it_for_an_hour(served: Gateway) -> None:
    for answer in (await served.http.get(SCRIPT), await served.http.head(SCRIPT)):
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"].startswith("public, max-age=3600")
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await served.http.head(SCRIPT)).content == b""
    assert (await served.http.post(SCRIPT)).status_code == 405


@pytest.mark.slow
async def test_the_script_and_the_endpoint_can_have_additional_paths(make_sqlite: MakeDatabase) -> None:
    async with running_shop(make_sqlite(), tracker_path="/hello.js", click_path="/hello") as shop:
        code = await shop.link()
        shop.pages["/"] = shop.page().replace(SCRIPT, "/hello.js")
        visitor = await shop.visitor()
        async with visitor.page.expect_request("**/hello") as posted:
            await visitor.page.goto(shop.url(f"/?aff={code}"))
        assert (await posted.value).method == "POST"
        await visitor.click_id()
        assert len(await shop.events(code)) == 1
        assert visitor.posts == []
        assert (await shop.gateway.track(code)).status_code == 200


@pytest.mark.parametrize("path", ["hello.js", "/", "/a{b}", "/a b", "/a//b", "//elsewhere.example"])
def test_an_invalid_path_is_refused(path: str) -> None:
    for setting in ("tracker_path", "click_path"):
        with pytest.raises(ValidationError, match="must start with /"):
            Settings.model_validate({setting: path})


def test_a_path_in_use_is_refused_in_one_line(make_sqlite: MakeDatabase) -> None:
    done = clickgate(make_sqlite(), "serve", "--port", "0", click_path="/hello", tracker_path="/hello")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("clickgate: /hello is already in use")
