"""The objects of responses: structs whose keys are the client's response keys.

A struct is built and encoded in a third of the time of a dict, and one column of values after the other in half the
time of one object after the other.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from cachetools import LRUCache, cached
from msgspec import Struct, defstruct

# Dashboards select the same fields again and again. This is enough for a thousand selections of ten fields.
CACHE_BYTES = 8 * 1024 * 1024
# The memory that a type takes besides its keys, as measured.
BYTES_PER_TYPE, BYTES_PER_FIELD = 2500, 350


def build_objects(new: type[Struct], columns: Iterable[Iterable[Any]], count: int) -> list[Struct]:
    """Return so many objects of a type from the values of each of its fields."""
    columns = list(columns)
    return list(map(new, *columns)) if columns else [new() for _ in range(count)]


def object_type(response_keys: Sequence[str]) -> type[Struct]:
    """Return the type of objects with these keys. Its values are given by position."""
    return _object_type(tuple(response_keys))


def _size_bytes(type_: type[Struct]) -> int:
    keys = type_.__struct_encode_fields__
    return BYTES_PER_TYPE + BYTES_PER_FIELD * len(keys) + sum(map(len, keys))


cached_types: LRUCache[object, type[Struct]] = LRUCache(CACHE_BYTES, getsizeof=_size_bytes)


@cached(cached_types)
def _object_type(response_keys: tuple[str, ...]) -> type[Struct]:
    # Response keys may be Python's keywords.
    fields = [f"value{at}" for at in range(len(response_keys))]
    return defstruct("Object", fields, frozen=True, gc=False, rename=dict(zip(fields, response_keys, strict=True)))
