"""The code of a link in the URL of a landing page, also where a mail program or a chat has damaged the link."""

import re
from urllib.parse import unquote_plus

import can_ada

from graph.domain.errors import AffiliateUrlInvalid, AffMissing

# `&amp;aff=` is what is left of an ampersand that was escaped for HTML, once or more often.
ESCAPED_AFF = re.compile(r"(?:amp;)+aff")
# What cannot be part of a code, and an escape of it that was escaped once more.
DAMAGE = re.compile(r"(?:%(?![46][1-9A-Fa-f]|[57][0-9Aa]|3[0-9]|2[Dd]|5[Ff])[0-9A-Fa-f]{2}|[^A-Za-z0-9_-])+")


def code_of(affiliate_url: str) -> str:
    """Return the first `aff` parameter, as a browser's `new URL(…).searchParams.get("aff")` would; the first `amp;aff`
    where there is no `aff`. Raises `AffiliateUrlInvalid`, `AffMissing`."""
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
    """Return a code without what cannot be part of one at its end. Takes time in proportion to its length."""
    end = next((found.start() for found in DAMAGE.finditer(code) if found.end() == len(code)), len(code))
    return code[:end]


def _escaped_name(parameters: can_ada.URLSearchParams) -> str | None:
    names = map(str, parameters.keys())
    return next((name for name in names if ESCAPED_AFF.fullmatch(name)), None)


def _value(parameters: can_ada.URLSearchParams, name: str, search: str) -> str | None:
    try:
        return parameters.get(name)
    except UnicodeDecodeError:
        # A browser reads U+FFFD for what is not UTF-8.
        pairs = (pair.partition("=") for pair in search.removeprefix("?").split("&"))
        return next((unquote_plus(value) for key, _, value in pairs if unquote_plus(key) == name), None)
