"""Derives what a click is described by from its other fields.

New clicks get these fields as they are recorded, and stored clicks from before there were such fields get them in the
background (`db.backfill`), both from the same function.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from db.schema.url_parts import PARAMETERS, PART_LENGTH, normal_host, page_of
from graph.domain.affiliate_urls import query_of
from graph.domain.errors import AffiliateUrlInvalid

FIELD_OF = {name: field for field, names in PARAMETERS.items() for name in names}
# Of the names of one field, the one that counts most has the lowest rank.
RANKS = {name: rank for rank, name in enumerate(FIELD_OF)}
NONE_FOUND: Mapping[str, str | None] = dict.fromkeys(PARAMETERS)
# Left over when an ampersand was escaped for HTML, see `graph.domain.affiliate_urls`.
ESCAPED_AMPERSANDS = re.compile(r"^(?:amp;)+")


def derived_fields(
    affiliate_url: str | None, page_url: str | None, referrer_host: str | None, query: str | None = None
) -> dict[str, str | None]:
    """Return the values of `DERIVED_FIELDS` as they are stored, by name. `query` is that of `affiliate_url`, where it
    was parsed already; the values of an invalid URL's parameters are None."""
    if query is None:
        query = _query(affiliate_url)
    return {
        "referrer_host": (normal_host(_part(referrer_host)) or None) if referrer_host else None,
        "landing_page": _page(page_url) or _page(affiliate_url) or None,
        **parameters_in(query),
    }


def parameters_in(query: str) -> Mapping[str, str | None]:
    """Return the fields that are parameters of a URL, given its query as `query_of` returns it.

    Names are case-sensitive. Of parameters with one name, the first that is not empty counts. Takes time in proportion
    to the query's length, and next to none where it cannot have any of the names.
    """
    if not ("utm_" in query or "sub" in query or "%" in query):
        return NONE_FOUND
    found = _values(query)
    fields = dict(NONE_FOUND)
    for name in sorted(found, key=RANKS.__getitem__, reverse=True) if len(found) > 1 else found:
        fields[FIELD_OF[name]] = found[name]
    return fields


def _values(query: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    damaged: dict[str, str] = {}
    for pair in query.removeprefix("?").split("&"):
        name, _, value = pair.partition("=")
        if "%" in name:
            name = _decoded(name)
        values = found
        if name.startswith("amp;"):
            name, values = ESCAPED_AMPERSANDS.sub("", name, count=1), damaged
        if name in FIELD_OF and name not in values and (text := _part(_decoded(value))):
            values[name] = text
    return {**damaged, **found} if damaged else found


def _decoded(text: str) -> str:
    """Decode a name or a value of a query, which is ASCII, as browsers do: invalid UTF-8 becomes U+FFFD."""
    text = text.replace("+", " ")
    return unquote_to_bytes(text).decode(errors="replace") if "%" in text else text


def _query(affiliate_url: str | None) -> str:
    try:
        return query_of((affiliate_url or "").replace("\0", ""))
    except AffiliateUrlInvalid:
        return ""


def _page(url: str | None) -> str | None:
    return page_of(url.replace("\0", "")) if url else None


def _part(text: str) -> str:
    return text.replace("\0", "")[:PART_LENGTH]
