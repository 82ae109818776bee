"""What a page's HTML and headers tell about the tracker's tag, and which pages are not fetched at all."""

from ipaddress import ip_address
from time import process_time

import pytest

from graph.integrations.page_fetch import FetchedPage, is_public
from graph.integrations.page_inspection import Expected, Inspection, inspect

EXPECTED = Expected(
    7, "https://clicks.example", ("/js/hello.js", "/js/affitor-tracker.js", "/js/tracker.js"), "/api/v1/track/click"
)
TAG = '<script src="https://clicks.example/js/affitor-tracker.js" data-affitor-program-id="7" defer></script>'


async def inspected(html: str, *policies: str) -> Inspection:
    return await inspect(FetchedPage("https://shop.example/landing/", html.encode(), policies), EXPECTED)


@pytest.mark.parametrize(
    "html",
    [
        f"<!doctype html><head>{TAG}</head>",
        f"<p>Unclosed <b>{TAG}",
        TAG.replace('"', "'"),
        TAG.replace("script", "SCRIPT"),
        TAG.replace("affitor-tracker", "tracker"),
        TAG.replace("affitor-tracker", "hello"),
        TAG.replace("https:", ""),
        '<base href="https://clicks.example/x/"><script src="../js/tracker.js" data-affitor-program-id="7"></script>',
        '<script src="/js/renamed.js" data-affitor-program-id="7" data-affitor-api-base="https://clicks.example/">'
        "</script>",
    ],
)
async def test_the_tag_is_found(html: str) -> None:
    assert await inspected(html) == Inspection("found")


@pytest.mark.parametrize(
    "html",
    ["", "<p>Hello", f"<!-- {TAG} -->", '<script src="/app.js"></script>', "<script>affitor.init()</script>", "\0\xff"],
)
async def test_a_page_without_the_tag(html: str) -> None:
    assert await inspected(html) == Inspection("missing")


async def test_the_tag_of_another_program_or_gateway() -> None:
    assert await inspected(TAG.replace('"7"', '"8"')) == Inspection("wrong_program", detail="8")
    assert await inspected(TAG.replace(' data-affitor-program-id="7"', "")) == Inspection("wrong_program")
    assert await inspected(TAG.replace("clicks.", "other.")) == Inspection(
        "wrong_gateway", detail="https://other.example"
    )
    assert await inspected(TAG.replace('"7"', '"8"') + TAG) == Inspection("found")


async def test_policies_in_headers_and_in_the_page_block_it() -> None:
    assert await inspected(TAG, "script-src 'self'") == Inspection("script_blocked", detail="script-src")
    assert await inspected(TAG, "connect-src 'self'") == Inspection("connection_blocked", detail="connect-src")
    meta = '<meta http-equiv="content-security-policy" content="default-src \'self\'">'
    assert await inspected(meta + TAG) == Inspection("script_blocked", detail="default-src")


async def test_a_tag_that_waits_for_consent() -> None:
    assert await inspected(TAG.replace("defer", 'data-affitor-consent="required"')) == Inspection(
        "found", waits_for_consent=True
    )


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000,
        "<a " + " ".join(f"a{number}=1" for number in range(50_000)) + ">",
        "<a href=x><div>" * 33_000,
        "".join(f"<b a{number}>" for number in range(20_000)) + "<p>x" * 20_000,
        "<script src=/js/tracker.js></script>" * 13_000,
        "<script>" + "</scrip " * 60_000,
        "<" * 500_000,
    ],
    ids=["nested", "attributes", "links", "formatting", "scripts", "text", "brackets"],
)
async def test_a_page_takes_no_more_time_than_its_size(html: str) -> None:
    used = process_time()
    await inspected(html, "script-src " + " ".join(f"https://{number}.example" for number in range(2000)))
    # A parser with quadratic time takes a minute.
    assert process_time() - used < 5


async def test_a_damaged_page_tells_what_can_be_read() -> None:
    assert await inspected(f"\0<a href='<<>{TAG}'>{TAG}</b></html></p>\ufffd") == Inspection("found")
    assert await inspected('<base href="http://["><script src="http://[" data-affitor-program-id="7">') == Inspection(
        "missing"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "iso8859-1", "utf-16", None])
async def test_pages_in_other_encodings(encoding: str | None) -> None:
    page = FetchedPage("https://shop.example/", f"<p>Gr\u00fc\u00dfe{TAG}".encode(encoding or "utf-8"), (), encoding)
    assert await inspect(page, EXPECTED) == Inspection("found")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        *((address, False) for address in ("127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254")),
        *((address, False) for address in ("0.0.0.0", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255")),
        *((address, False) for address in ("::1", "::", "fe80::1", "fd00::1", "fec0::1", "ff02::1")),
        *((address, False) for address in ("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:1::1")),
    ],
)
def test_only_public_addresses_are_fetched(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) == public
