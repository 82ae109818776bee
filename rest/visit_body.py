"""Decodes a request body into a `Visit`, as JSON whatever its content type.

A valid body is decoded in one typed pass. If that fails, a lenient pass repairs what browsers would repair and collects
fields of the wrong type so that they can be reported.
"""

import json
import math
import re
from typing import Any

import msgspec

from graph.domain.errors import BodyNotObject
from graph.domain.visit import Visit, visit_of

SURROGATE = re.compile("[\ud800-\udfff]")
SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")

_decode = msgspec.json.Decoder(Visit).decode


def decode_visit(body: bytes) -> tuple[Visit, tuple[str, ...]]:
    """Return a body's visit without the fields of the wrong type, and the names of those fields.

    Raises `BodyNotObject`.
    """
    try:
        return _decode(body), ()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return visit_of(_decode_leniently(body))


def _decode_leniently(body: bytes) -> dict[str, Any]:
    text = body.decode("utf-8-sig", errors="replace")
    try:
        decoded = json.loads(text, parse_constant=_refuse, parse_float=_float, parse_int=_int)
        if SURROGATE_ESCAPE.search(text):
            decoded = _without_surrogates(decoded)
    except (ValueError, RecursionError) as error:
        raise BodyNotObject from error
    if not isinstance(decoded, dict):
        raise BodyNotObject
    return decoded


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _float(digits: str) -> float | None:
    """Parse a number with a fraction or an exponent. Overflow gives null, as in a browser's `JSON.stringify`."""
    number = float(digits)
    return number if math.isfinite(number) else None


def _int(digits: str) -> int | None:
    """Parse an integer. One with more digits than Python converts (4300 by default) gives null."""
    try:
        return int(digits)
    except ValueError:
        return None


def _without_surrogates(value: Any) -> Any:
    """Replace lone surrogates in strings and keys, like a browser's `String.toWellFormed`."""
    match value:
        case str():
            return SURROGATE.sub("\ufffd", value)
        case dict():
            return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        case list():
            return [_without_surrogates(item) for item in value]
    return value
