"""Inspects a page of a merchant's site: whether it has the tracker's tag, whose, and what would stop it."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from graph.integrations.content_security import CONNECTION, SCRIPT, blocking_directive
from graph.integrations.page_elements import Attributes, read_elements
from graph.integrations.page_fetch import FetchedPage, FetchFailed, fetch_page

PROGRAM = "data-affitor-program-id"
# Pages have one tag, and a policy or two. More than these are not looked at.
MOST_TAGS, MOST_POLICIES, POLICY_LENGTH = 10, 10, 16_384

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
    return await inspect(page, expected)


async def inspect(page: FetchedPage, expected: Expected) -> Inspection:
    """Inspect a page. Of several tags, the best counts."""
    found = await read_elements(page.html, page.encoding)
    base = next((base["href"] for base in found["base"] if base.get("href")), "")
    base_url = _joined(page.url, base) or page.url
    given = [*page.policies, *filter(None, map(_policy, found["meta"]))][:MOST_POLICIES]
    policies = [policy[:POLICY_LENGTH] for policy in given]
    judged = [_judged(tag, expected, page.url, policies) for tag in _tags(found["script"], base_url, expected)]
    order: Sequence[TagState] = ("found", "script_blocked", "connection_blocked", "wrong_program", "wrong_gateway")
    return min(judged, key=lambda one: order.index(one.state), default=Inspection("missing"))


def _policy(meta: Attributes) -> str | None:
    is_policy = meta.get("http-equiv", "").lower() == "content-security-policy"
    return meta.get("content") if is_policy else None


def _tags(scripts: Sequence[Attributes], base_url: str, expected: Expected) -> list[_Tag]:
    tags: list[_Tag] = []
    for script in scripts:
        if len(tags) == MOST_TAGS:
            break
        src = _joined(base_url, script.get("src", ""))
        # A proxy may serve the script by another name, but then its attribute gives it away.
        if src is not None and (urlsplit(src).path.endswith(tuple(expected.script_paths)) or PROGRAM in script):
            tags.append(
                _Tag(
                    src,
                    script.get(PROGRAM),
                    script.get("data-affitor-api-base"),
                    script.get("nonce", ""),
                    script.get("data-affitor-consent") == "required",
                )
            )
    return tags


def _joined(base_url: str, src: str) -> str | None:
    """Return the absolute URL of a script, or None if there is none, or it makes no sense."""
    try:
        url = urljoin(base_url, src.strip())
        urlsplit(url)
    except ValueError:
        return None
    return url if src else None


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
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
