"""Which content security policies let a page load the tracker and send clicks."""

import pytest

from graph.integrations.content_security import CONNECTION, SCRIPT, blocking_directive

PAGE = "https://shop.example/landing"
SCRIPT_URL = "https://clicks.example/js/affitor-tracker.js"
CLICK_URL = "https://clicks.example/api/v1/track/click"


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "img-src 'self'",
        "script-src *",
        "script-src https:",
        "script-src clicks.example",
        "script-src https://clicks.example",
        "script-src http://clicks.example",
        "script-src https://clicks.example:443",
        "script-src http://clicks.example:80",
        "script-src https://clicks.example:*",
        "script-src *.example",
        "SCRIPT-SRC 'self' https://CLICKS.example",
        "script-src https://clicks.example/js/",
        "script-src https://clicks.example/js/affitor-tracker.js",
        "default-src 'none'; script-src clicks.example",
        "script-src 'none'; script-src-elem clicks.example",
        "script-src clicks.example; script-src 'none'",
        "script-src 'nonce-abc' 'strict-dynamic'",
    ],
)
def test_a_policy_lets_the_script_load(policy: str) -> None:
    assert blocking_directive([policy], SCRIPT, SCRIPT_URL, PAGE, "abc") is None


@pytest.mark.parametrize(
    ("policy", "directive"),
    [
        ("default-src 'self'", "default-src"),
        ("script-src 'self' 'unsafe-inline'", "script-src"),
        ("script-src 'none'", "script-src"),
        ("script-src", "script-src"),
        ("default-src *; script-src-elem 'self'", "script-src-elem"),
        ("script-src https://clicks.example:8443", "script-src"),
        ("script-src https://other.example", "script-src"),
        ("script-src *.clicks.example", "script-src"),
        ("script-src https://clicks.example/other/", "script-src"),
        ("script-src https://clicks.example/js", "script-src"),
        ("script-src 'nonce-other' 'strict-dynamic' https://clicks.example", "script-src"),
        ("img-src *, script-src 'self'", "script-src"),
    ],
)
def test_a_policy_blocks_the_script(policy: str, directive: str) -> None:
    assert blocking_directive([policy], SCRIPT, SCRIPT_URL, PAGE, "abc") == directive


def test_every_policy_must_let_it_pass() -> None:
    assert blocking_directive(["script-src *", "script-src 'self'"], SCRIPT, SCRIPT_URL, PAGE) == "script-src"


def test_clicks_have_a_directive_of_their_own() -> None:
    policy = "default-src 'self'; script-src clicks.example"
    assert blocking_directive([policy], CONNECTION, CLICK_URL, PAGE) == "default-src"
    assert blocking_directive([f"{policy}; connect-src clicks.example"], CONNECTION, CLICK_URL, PAGE) is None


@pytest.mark.parametrize(
    ("url", "page", "is_same"),
    [
        ("https://shop.example/js/t.js", "https://shop.example/", True),
        ("https://shop.example/js/t.js", "http://shop.example/", True),
        ("http://shop.example/js/t.js", "https://shop.example/", False),
        ("https://shop.example:8443/js/t.js", "https://shop.example/", False),
        ("http://127.0.0.1:8000/js/t.js", "http://127.0.0.1:8000/", True),
        ("http://127.0.0.1:8000/js/t.js", "http://127.0.0.1:9000/", False),
    ],
)
def test_self_is_the_pages_own_origin(url: str, page: str, is_same: bool) -> None:
    assert (blocking_directive(["script-src 'self'"], SCRIPT, url, page) is None) == is_same
