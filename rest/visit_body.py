"""Decodes a request body into a `Visit`, as JSON whatever its content type."""

import msgspec

from graph.domain.visit import Visit, visit_of
from rest.json_body import INVALID, decode_leniently

_decode = msgspec.json.Decoder(Visit).decode


def decode_visit(body: bytes) -> tuple[Visit, tuple[str, ...]]:
    """Return a body's visit without the fields of the wrong type, and the names of those fields.

    Raises `BodyNotObject`.
    """
    try:
        return _decode(body), ()
    except INVALID:
        return visit_of(decode_leniently(body))
