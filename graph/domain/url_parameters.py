"""The parameters of a landing page's URL that describe a click: a campaign's, and the partner's own tags."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from db.schema.url_parts import PARAMETERS, stored_part

FIELD_OF = {name: field for field, names in PARAMETERS.items() for name in names}
# Of the names of one field, the one that counts most has the lowest rank.
RANKS = {name: rank for rank, name in enumerate(FIELD_OF)}
NONE_FOUND: Mapping[str, str | None] = dict.fromkeys(PARAMETERS)
# Left over when an ampersand was escaped for HTML, see `graph.domain.affiliate_urls`.
ESCAPED_AMPERSANDS = re.compile(r"^(?:amp;)+")


def parameters_in(query: str) -> Mapping[str, str | None]:
    """Return the fields that are parameters of a URL, in the order of `PARAMETERS`. The query is as a browser sends it:
    in ASCII, with its question mark.

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
        if name in FIELD_OF and name not in values and (text := stored_part(_decoded(value))):
            values[name] = text
    return {**damaged, **found} if damaged else found


def _decoded(text: str) -> str:
    """Decode a name or a value of a query, which is ASCII, as browsers do: invalid UTF-8 becomes U+FFFD."""
    text = text.replace("+", " ")
    return unquote_to_bytes(text).decode(errors="replace") if "%" in text else text
