"""What an answer consists of: its texts, with the ids and cursors among them, and its pages."""

from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

from graph.domain.errors import FieldInvalid
from graph.query.global_ids import decode_id
from tests.support.visibility_world import TABLES


def kind_of(text: str) -> str | None:
    try:
        kind = decode_id(text).type_name
    except FieldInvalid:
        return None
    return kind if kind in TABLES else None


def opened(text: str) -> str:
    """Return the content of a cursor."""
    try:
        return urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode()
    except ValueError:
        return ""


def texts_in(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from texts_in(inner)
        case list():
            for inner in value:
                yield from texts_in(inner)


def pages_in(value: Any) -> Iterator[dict[str, Any]]:
    match value:
        case dict():
            if "totalCount" in value and "nodes" in value:
                yield value
            for inner in value.values():
                yield from pages_in(inner)
        case list():
            for inner in value:
                yield from pages_in(inner)
