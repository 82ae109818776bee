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


def code_of(affiliate_url: str) -> str:
    """Return the first `aff` parameter, as `new URL(…).searchParams.get("aff")` does in a browser, or else the first
    `amp;aff`. Raises `AffiliateUrlInvalid`, `AffMissing`."""
    try:
        search = can_ada.parse(affiliate_url).search
    except ValueError as error:
        raise AffiliateUrlInvalid from error
    parameters = can_ada.URLSearchParams(search)
    code = _value(parameters, "aff", search)
    if code is None and (name := _escaped_name(parameters)) is not None:
        code = _value(parameters, name, search)
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


def _value(parameters: can_ada.URLSearchParams, name: str, search: str) -> str | None:
    try:
        return parameters.get(name)
    except UnicodeDecodeError:
        # Browsers decode invalid UTF-8 as U+FFFD.
        pairs = (pair.partition("=") for pair in search.removeprefix("?").split("&"))
        return next((unquote_plus(value) for key, _, value in pairs if unquote_plus(key) == name), None)
