"""A bounded cache of what functions read from short texts that are sent again and again."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")
Text = TypeVar("Text", str, str | None)


def cached_if_short(entries: int, length: int) -> Callable[[Callable[[Text], T]], Callable[[Text], T]]:
    """Return a decorator that caches the last `entries` results of a function of a text. Texts of more than `length`
    characters are read anew each time, which bounds the memory that the cache takes; so are those that raise an
    error."""

    def decorated(read: Callable[[Text], T]) -> Callable[[Text], T]:
        cached = lru_cache(entries)(read)

        @wraps(read)
        def find(text: Text) -> T:
            return read(text) if text is not None and len(text) > length else cached(text)

        return find

    return decorated
