"""What a page's HTML and headers tell about the tracker's tag, and which pages are not fetched at all."""

from ipaddress import ip_address

import pytest

from graph.integrations.page_fetch import FetchedPage, is_public
from graph.integrations.page_inspection import Expected, Inspection, inspect

EXPECTED = Expected(
    7, "https://clicks.example", ("/js/hello.js", "/js/affitor-tracker.js", "/js/tracker.js"), "/api/v1/track/click"
)
TAG = '<script src="https://clicks.example/js/affitor-tracker.js" data-affitor-program-id="7" defer></script>'


def inspected(html: str, *policies: str) -> Inspection:
    return inspect(FetchedPage("https://shop.example/landing/", html.encode(), policies), EXPECTED)


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
def test_the_tag_is_found(html: str) -> None:
    assert inspected(html) == Inspection("found")


@pytest.mark.parametrize(
    "html",
    ["", "<p>Hello", f"<!-- {TAG} -->", '<script src="/app.js"></script>', "<script>affitor.init()</script>", "\0\xff"],
)
def test_a_page_without_the_tag(html: str) -> None:
    assert inspected(html) == Inspection("missing")


def test_the_tag_of_another_program_or_gateway() -> None:
    assert inspected(TAG.replace('"7"', '"8"')) == Inspection("wrong_program", detail="8")
    assert inspected(TAG.replace(' data-affitor-program-id="7"', "")) == Inspection("wrong_program")
    assert inspected(TAG.replace("clicks.", "other.")) == Inspection("wrong_gateway", detail="https://other.example")
    assert inspected(TAG.replace('"7"', '"8"') + TAG) == Inspection("found")


def test_policies_in_headers_and_in_the_page_block_it() -> None:
    assert inspected(TAG, "script-src 'self'") == Inspection("script_blocked", detail="script-src")
    assert inspected(TAG, "connect-src 'self'") == Inspection("connection_blocked", detail="connect-src")
    meta = '<meta http-equiv="content-security-policy" content="default-src \'self\'">'
    assert inspected(meta + TAG) == Inspection("script_blocked", detail="default-src")


def test_a_tag_that_waits_for_consent() -> None:
    assert inspected(TAG.replace("defer", 'data-affitor-consent="required"')) == Inspection(
        "found", waits_for_consent=True
    )


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
