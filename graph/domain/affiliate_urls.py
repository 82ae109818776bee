"""Reads the URL of a landing page: the code of a link, even if a mail program or chat has damaged the link, and what
its other parameters say of a click.

URLs are parsed as browsers parse them, so that the tracker and the gateway agree on the code.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import unquote_plus

import can_ada

from graph.domain.errors import AffiliateUrlInvalid
from graph.domain.text_cache import cached_if_short
from graph.domain.url_parameters import parameters_in

# `&amp;aff=` is left over when an ampersand was escaped for HTML, once or repeatedly.
ESCAPED_AFF = re.compile(r"(?:amp;)+aff")
# Characters that cannot be part of a code, and their escapes if they were escaped twice.
DAMAGE = re.compile(r"(?:%(?![46][1-9A-Fa-f]|[57][0-9Aa]|3[0-9]|2[Dd]|5[Ff])[0-9A-Fa-f]{2}|[^A-Za-z0-9_-])+")
# Most visitors come through links whose URL others came through before. Full of the longest, with values in all
# parameters, the cache takes 8 MB, or 27 of characters that take the most space.
CACHED_URLS, CACHED_LENGTH = 4096, 512


class AffiliateUrl(NamedTuple):
    """What a landing page's URL says."""

    code: str | None
    """The first `aff` parameter, as `new URL(…).searchParams.get("aff")` returns it in a browser, or else the first
    `amp;aff`. None if there is none, or it is empty."""
    parameters: Mapping[str, str | None]
    """The fields of a click that are parameters of the URL, by name."""


@cached_if_short(CACHED_URLS, CACHED_LENGTH)
def read_affiliate_url(url: str) -> AffiliateUrl:
    """Read a URL. Raises `AffiliateUrlInvalid`."""
    try:
        query = str(can_ada.parse(url).search)
    except ValueError as error:
        raise AffiliateUrlInvalid from error
    return AffiliateUrl(_code_in(query) or None, parameters_in(query))


def without_damage(code: str) -> str:
    """Return a code without trailing characters that cannot be part of one, in linear time."""
    end = next((found.start() for found in DAMAGE.finditer(code) if found.end() == len(code)), len(code))
    return code[:end]


def _code_in(query: str) -> str | None:
    parameters = can_ada.URLSearchParams(query)
    try:
        return _code_among(lambda: map(str, parameters.keys()), parameters.get)
    except UnicodeDecodeError:
        # Browsers decode invalid UTF-8 as U+FFFD.
        first: dict[str, str] = {}
        for pair in query.removeprefix("?").split("&"):
            name, _, value = pair.partition("=")
            first.setdefault(unquote_plus(name), unquote_plus(value))
        return _code_among(first.keys, first.get)


def _code_among(names: Callable[[], Iterable[str]], value_of: Callable[[str], str | None]) -> str | None:
    code = value_of("aff")
    if code is None and (name := next(filter(ESCAPED_AFF.fullmatch, names()), None)) is not None:
        code = value_of(name)
    return code
