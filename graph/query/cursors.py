"""Cursors: positions in a list, bound to its order and filter.

A cursor holds the values that its row is sorted by. It grants no access: a forged cursor only moves the start of the
page within what the viewer may see anyway.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal

from msgspec import MsgspecError, json

from graph.domain.errors import FieldInvalid
from graph.query.base64url import base64url

Sort = Literal["moment", "number", "text", "optional number", "optional text"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LARGEST = 2**63 - 1
# Enough for three values of 512 characters that take six bytes each in JSON.
LONGEST = 16_384
OF_ANOTHER_LIST = "is a cursor from a list with a different order or filter"


def list_mark(name: str, order: str, filters: Mapping[str, Any]) -> str:
    """Return a short fingerprint of a list: equal for the same entity, order and filter values."""
    spelled = repr((name, order, sorted(filters.items())))
    return blake2b(spelled.encode(), digest_size=6).hexdigest()


def encode_cursor(mark: str, values: Sequence[Any]) -> str:
    """Return a row's cursor, given the values that it is sorted by."""
    plain = [(value - EPOCH) // MICROSECOND if isinstance(value, datetime) else value for value in values]
    return base64url(json.encode([mark, *plain]))


def decode_cursor(
    cursor: str, mark: str, sorts: Sequence[Sort], field: str, *, otherwise: str = OF_ANOTHER_LIST
) -> Sequence[Any]:
    """Return the values in a cursor of the list that `mark` identifies. Raises `FieldInvalid`, naming the field, for
    anything else; `otherwise` is the problem with a cursor of another list."""
    try:
        text = cursor.encode() if len(cursor) <= LONGEST else b""
        found, *values = json.decode(urlsafe_b64decode(text + b"=" * (-len(text) % 4)), type=list[str | int | None])
    except (ValueError, MsgspecError) as error:
        raise FieldInvalid(field, "is not a valid cursor") from error
    if found != mark or len(values) != len(sorts):
        raise FieldInvalid(field, otherwise)
    return [_read(value, sort, field) for value, sort in zip(values, sorts, strict=True)]


def _read(value: str | int | None, sort: Sort, field: str) -> Any:
    match sort, value:
        case "text" | "optional text", str() if "\0" not in value:
            return value
        case "number" | "optional number", int() if -LARGEST <= value <= LARGEST:
            return value
        case "optional text" | "optional number", None:
            return None
        case "moment", int():
            try:
                return EPOCH + value * MICROSECOND
            except OverflowError:
                pass
    raise FieldInvalid(field, "is not a valid cursor")
