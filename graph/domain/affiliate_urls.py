"""Extracts the code of a link from the URL of a landing page, even if a mail program or chat has damaged the link.

URLs are parsed as browsers parse them, so that the tracker and the gateway agree on the code.
"""

import re
from urllib.parse import unquote_plus

import can_ada

from graph.domain.errors import AffiliateUrlInvalid, AffMissing

# `&amp;aff=` is left over when an ampersand was escaped for HTML, once or repeatedly.
ESCAPED_AFF = re.compile(r"(?:amp;)+aff")
# Characters that cannot be part of a code, and their escapes if they were escaped twice.
DAMAGE = re.compile(r"(?:%(?![46][1-9A-Fa-f]|[57][0-9Aa]|3[0-9]|2[Dd]|5[Ff])[0-9A-Fa-f]{2}|[^A-Za-z0-9_-])+")


def query_of(affiliate_url: str) -> str:
    """Return the query of a URL as a browser sends it: in ASCII, with its question mark, empty if there is none. Raises
    `AffiliateUrlInvalid`."""
    try:
        return str(can_ada.parse(affiliate_url).search)
    except ValueError as error:
        raise AffiliateUrlInvalid from error


def code_in(query: str) -> str:
    """Return the first `aff` parameter of a URL's query, as `new URL(…).searchParams.get("aff")` does in a browser, or
    else the first `amp;aff`. Raises `AffMissing`."""
    parameters = can_ada.URLSearchParams(query)
    code = _value(parameters, "aff", query)
    if code is None and (name := _escaped_name(parameters)) is not None:
        code = _value(parameters, name, query)
    if not code:
        raise AffMissing
    return code


def without_damage(code: str) -> str:
    """Return a code without trailing characters that cannot be part of one, in linear time."""
    end = next((found.start() for found in DAMAGE.finditer(code) if found.end() == len(code)), len(code))
    return code[:end]


def _escaped_name(parameters: can_ada.URLSearchParams) -> str | None:
    names = map(str, parameters.keys())
    return next((name for name in names if ESCAPED_AFF.fullmatch(name)), None)


def _value(parameters: can_ada.URLSearchParams, name: str, query: str) -> str | None:
    try:
        return parameters.get(name)
    except UnicodeDecodeError:
        # Browsers decode invalid UTF-8 as U+FFFD.
        pairs = (pair.partition("=") for pair in query.removeprefix("?").split("&"))
        return next((unquote_plus(value) for key, _, value in pairs if unquote_plus(key) == name), None)
