"""Parsing of `affiliate_url` like a browser's `new URL()`, compared with the results of a real browser engine."""

import asyncio
import json
import random
import shutil
import subprocess
from typing import Any

import pytest

from graph.domain.affiliate_urls import without_damage
from tests.support.click_apis import both_apis
from tests.support.gateways import Gateway, body_of

REACHING_A = [
    "https://yoursite.com?aff=A",
    "https://yoursite.com/?aff=A&aff=B",
    "https://yoursite.com/?x=1&aff=A&aff=",
    "https://yoursite.com/?aff=%41",
    "https://yoursite.com/?%61f%66=A",
    "https://yoursite.com/?a\tf\nf=\rA",
    "  \x1fhttps://yoursite.com/?aff=A \n",
    "HTTPS://YOURSITE.COM/?aff=A",
    "https://user:secret@yoursite.com/?aff=A",
    "https://[2001:db8::1]:8443/?aff=A",
    "https://bücher.example/ä?aff=A&ä=ö",
    "https://例え.テスト/?aff=A",
    "https://yoursite.com/?aff=A#aff=B",
    "https:yoursite.com?aff=A",
    "https:\\\\yoursite.com\\?aff=A",
    "https://0x7f.1/?aff=A",
    "mailto:someone@yoursite.com?aff=A",
    "myapp:open?aff=A",
    "file:///index.html?aff=A",
    "https://yoursite.com/?&&aff=A&&",
    "https://yoursite.com/?b=a=c&aff=A",
    "https://yoursite.com/?q=%ff&aff=A",
    "https://yoursite.com/\0?aff=A\0",
    # Damaged: see `test_click_damaged_links.py`.
    "https://yoursite.com/?aff=A+",
    "https://yoursite.com/?aff=A%",
    "https://yoursite.com/?aff=A%00",
]
INVALID = [
    "yoursite.com?aff=A",
    "/pricing?aff=A",
    "//yoursite.com?aff=A",
    "?aff=A",
    " ",
    "https://",
    "https://?aff=A",
    "https://your site.com/?aff=A",
    "https://yoursite.com:99999/?aff=A",
    "https://yoursite.com:port/?aff=A",
    "https://[::1/?aff=A",
    "https://256.1.1.1/?aff=A",
    "https://your<site.com/?aff=A",
    "https://yoursite\0.com/?aff=A",
    "1https://yoursite.com/?aff=A",
]
WITHOUT_AFF = [
    "https://yoursite.com",
    "https://yoursite.com/?aff=",
    "https://yoursite.com/?aff",
    "https://yoursite.com/?aff=&aff=A",
    "https://yoursite.com/?AFF=A",
    "https://yoursite.com/?aff%5B%5D=A",
    "https://yoursite.com/?aff[]=A",
    "https://yoursite.com/?+aff=A",
    "https://yoursite.com/?x=aff=A",
    "https://yoursite.com/?x=1;aff=A",
    "https://yoursite.com/#?aff=A",
    "https://yoursite.com/aff=A",
]
UNKNOWN = [
    "https://yoursite.com/?aff=a",
    "https://yoursite.com/?aff=A+B",
    "https://yoursite.com/?aff=A%2BB",
    "https://yoursite.com/?aff=%20A",
    "https://yoursite.com/?aff=%2541",
    "https://yoursite.com/?aff=%ff",
    "https://yoursite.com/?aff=%00",
    "https://yoursite.com/?aff=A\0B",
    "https://yoursite.com/?aff=" + "A" * 65,
    "https://yoursite.com/?aff=" + "A" * 20_000,
    "https://yoursite.com/?aff=😀",
    "https://yoursite.com/?aff=\uff21",
]
NODE = """
const aff = text => { try { return [new URL(text).searchParams.get("aff")] } catch { return null } };
console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8")).map(aff)));
"""
GENERATED = 400
CLIENTS = 20
SCHEMES = [
    "https://",
    "HTTP://",
    "https:",
    "http:/",
    "ftp://",
    "mailto:",
    "app:",
    "app://",
    "file://",
    "h\tttps://",
    "",
]
SCHEMES += ["https:\\\\", " https://", "\x00https://", "1a://", "ws://", "blob:https://", "data:,", "javascript:"]
USERS = ["", "", "", "", "u@", "u:p@", "u%40:@", "@", "a@b@", "%ff:ü@"]
HOSTS = [
    "yoursite.com",
    "YOURSITE.com",
    "bücher.example",
    "例え.テスト",
    "xn--bcher-kva.example",
    "xn--a",
    "xn--",
    "ß.de",
]
HOSTS += ["127.1", "0x7f.0.0.1", "1.2.3.256", "1.2.3.4.5", "[::1]", "[1::2::3]", "[::ffff:1.2.3.4]", "[v1.a]", "a_b.c"]
HOSTS += [
    "a b.c",
    "%41.com",
    "%00.com",
    "a%2fb.c",
    "",
    ".",
    "a..b",
    "a.b.",
    "-a.b",
    "a\u00adb.c",
    "\uff21.com",
    "😀.com",
]
HOSTS += ["a<b", "a|b", "a^b", "x" * 70 + ".com", "\u200d.com", "a\u3002b", "\u0661.com", "09", "1.0x", "\ufffd.com"]
PORTS = ["", "", "", "", ":", ":443", ":65535", ":65536", ":00080", ":8a", ":-1", ": 80"]
PATHS = ["", "/", "/a b", "/../..", "/%2e%2e/", "\\a", "/ä", "//", "/?", "/#", "/\x7f", "/\ud7ff", "/%", "/;p=1"]
QUERIES = ["?", "?aff=A", "?aff=B", "?aff=A&aff=B", "?aff=&aff=A", "?aff", "?AFF=A", "?x&aff=A", "?aff=%41", "?%61ff=A"]
QUERIES += [
    "?aff=A+",
    "?aff=%42",
    "?aff=a",
    "?a\tff=A",
    "?aff=A\n",
    "?aff=%ff",
    "?aff=%f",
    "?aff=%",
    "?aff=A%00",
    "?aff=ü",
]
QUERIES += [
    "?aff=A?aff=B",
    "?aff=A;aff=B",
    "?aff=A'",
    '?aff=A"',
    "??aff=A",
    "?&aff=A",
    "?=&aff=A",
    "?aff==A",
    "?aff=B&x=%",
]
TAILS = ["", "", "", "#", "#aff=B", "#?aff=B", " ", "\n", "\x00", "&aff=B", "\ufeff", "\u00a0"]


def answer_to(body: dict[str, Any]) -> str:
    """Return the result of a click as a code or an error message."""
    return str(body["partner_code"] if "partner_code" in body else body["error"])


async def answers(gateway: Gateway, urls: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(urls), CLIENTS):
        some = urls[start : start + CLIENTS]
        sent = await asyncio.gather(*(gateway.track(None, affiliate_url=url) for url in some))
        found |= {url: answer_to(body_of(answer)) for url, answer in zip(some, sent, strict=True)}
    return found


def generated_urls() -> list[str]:
    choose = random.Random(20240507).choice
    parts = (SCHEMES, USERS, HOSTS, PORTS, PATHS, QUERIES, TAILS)
    # Half of them are well-formed up to the query; otherwise only about one in ten would be.
    plain = [SCHEMES[:2], USERS[:1], HOSTS[:5], PORTS[:1], PATHS[:5], QUERIES, TAILS]
    urls = ["".join(map(choose, parts if number % 2 else plain)) for number in range(GENERATED)]
    return sorted(filter(None, set(urls)))


def in_a_browser(urls: list[str]) -> dict[str, str]:
    """Return the expected results, given how a browser engine parses the URLs."""
    ran = subprocess.run(["node", "-e", NODE], input=json.dumps(urls), capture_output=True, text=True, check=True)
    return {url: expected_answer(found) for url, found in zip(urls, json.loads(ran.stdout), strict=True)}


def expected_answer(found: list[str | None] | None) -> str:
    if found is None:
        return "Invalid affiliate_url"
    if not found[0]:
        return "No aff parameter found in affiliate_url"
    code = without_damage(found[0])
    return code if code in ("A", "B") else "Referral link not found"


@pytest.mark.slow
@both_apis
async def test_a_url_is_parsed_like_in_a_browser(gateway: Gateway) -> None:
    for code in ("A", "B"):
        await gateway.link(code)
    expected = dict.fromkeys(REACHING_A, "A") | dict.fromkeys(INVALID, "Invalid affiliate_url")
    expected |= dict.fromkeys(WITHOUT_AFF, "No aff parameter found in affiliate_url")
    expected |= dict.fromkeys(UNKNOWN, "Referral link not found")
    assert await answers(gateway, list(expected)) == expected
    kept = {event["affiliate_url"] for event in await gateway.events()}
    assert kept == {url.replace("\0", "") for url in REACHING_A}
    assert await gateway.recorded() == len(REACHING_A)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="no node here: URLs go unchecked against a browser's engine")
@both_apis
async def test_generated_urls_are_parsed_like_in_a_browser(gateway: Gateway) -> None:
    for code in ("A", "B"):
        await gateway.link(code)
    urls = generated_urls()
    expected = in_a_browser(urls)
    assert min(list(expected.values()).count(answer) for answer in set(expected.values())) > 10
    assert await answers(gateway, urls) == expected
    assert await gateway.recorded() == sum(answer in ("A", "B") for answer in expected.values())


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here: URLs go unchecked against a browser's engine")
def test_the_expected_results_are_those_of_a_browser() -> None:
    expected = dict.fromkeys(REACHING_A, "A") | dict.fromkeys(INVALID, "Invalid affiliate_url")
    expected |= dict.fromkeys(WITHOUT_AFF, "No aff parameter found in affiliate_url")
    assert in_a_browser(list(expected)) == expected
