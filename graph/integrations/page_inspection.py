"""Inspects a page of a merchant's site: whether it has the tracker's tag, whose, and what would stop it."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import urljoin, urlsplit

from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser

from graph.integrations.content_security import CONNECTION, SCRIPT, blocking_directive
from graph.integrations.page_fetch import FetchedPage, FetchFailed, fetch_page

PROGRAM = "data-affitor-program-id"

TagState = Literal[
    "found",
    "missing",
    "wrong_gateway",
    "wrong_program",
    "script_blocked",
    "connection_blocked",
    "private_address",
    "unreachable",
    "too_many_redirects",
    "http_error",
]


class Inspection(Struct, frozen=True):
    """What was found on a page. Tags that other scripts insert are not found: only a browser runs those."""

    state: TagState
    http_status: int | None = None
    """The page's status, if it is an error."""
    detail: str | None = None
    """The directive of a policy that blocks something, the program's id in the tag, or where the tag loads from."""
    waits_for_consent: bool = False


class Expected(Struct, frozen=True):
    """What a page's tag should be."""

    program_id: int
    origin: str
    """Of the gateway, as the merchant's browser reaches it."""
    script_paths: Sequence[str]
    click_path: str


class _Tag(Struct, frozen=True):
    """A script element of the tracker."""

    src: str
    program: str | None
    api_base: str | None
    nonce: str
    waits_for_consent: bool


async def inspect_page(url: str, expected: Expected, *, allow_private: bool) -> Inspection:
    """Fetch and inspect a page."""
    try:
        page = await fetch_page(url, allow_private=allow_private)
    except FetchFailed as failure:
        return Inspection(failure.reason, failure.status)
    return inspect(page, expected)


def inspect(page: FetchedPage, expected: Expected) -> Inspection:
    """Inspect a page. Of several tags, the best counts."""
    tree = LexborHTMLParser(page.html)
    base = tree.css_first("base[href]")
    base_url = urljoin(page.url, (base.attributes.get("href") if base is not None else None) or "")
    metas = [meta.attributes for meta in tree.css("meta[http-equiv][content]")]
    policies = [
        *page.policies,
        *(meta["content"] or "" for meta in metas if (meta["http-equiv"] or "").lower() == "content-security-policy"),
    ]
    found = [_judged(tag, expected, page.url, policies) for tag in _tags(tree, base_url, expected)]
    order: Sequence[TagState] = ("found", "script_blocked", "connection_blocked", "wrong_program", "wrong_gateway")
    return min(found, key=lambda one: order.index(one.state), default=Inspection("missing"))


def _tags(tree: LexborHTMLParser, base_url: str, expected: Expected) -> list[_Tag]:
    tags = []
    for script in tree.css("script[src]"):
        attributes = script.attributes
        src = urljoin(base_url, attributes.get("src") or "")
        # A proxy may serve the script by another name, but then its attribute gives it away.
        if urlsplit(src).path.endswith(tuple(expected.script_paths)) or PROGRAM in attributes:
            tags.append(
                _Tag(
                    src,
                    attributes.get(PROGRAM),
                    attributes.get("data-affitor-api-base"),
                    attributes.get("nonce") or "",
                    attributes.get("data-affitor-consent") == "required",
                )
            )
    return tags


def _judged(tag: _Tag, expected: Expected, page_url: str, policies: Sequence[str]) -> Inspection:
    click_url = (tag.api_base or _origin(tag.src)).rstrip("/") + expected.click_path
    blocking = blocking_directive(policies, SCRIPT, tag.src, page_url, tag.nonce)
    if blocking is not None:
        return Inspection("script_blocked", detail=blocking)
    blocking = blocking_directive(policies, CONNECTION, click_url, page_url)
    if blocking is not None:
        return Inspection("connection_blocked", detail=blocking)
    if _origin(click_url) != expected.origin:
        return Inspection("wrong_gateway", detail=_origin(click_url))
    if tag.program != str(expected.program_id):
        return Inspection("wrong_program", detail=tag.program)
    return Inspection("found", waits_for_consent=tag.waits_for_consent)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
