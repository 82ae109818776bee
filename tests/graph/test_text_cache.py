"""What is read from texts that are sent again and again: read once, unless they are long."""

import pytest

from graph.domain.affiliate_urls import CACHED_LENGTH, read_affiliate_url
from graph.domain.errors import AffiliateUrlInvalid
from graph.domain.text_cache import cached_if_short

SITE = "https://yoursite.com/pricing?aff=PARTNER123&utm_source="


def test_short_texts_are_read_once_and_long_ones_each_time() -> None:
    read: list[str | None] = []

    @cached_if_short(2, 3)
    def length_of(text: str | None) -> int:
        """Return its length."""
        read.append(text)
        return len(text or "")

    assert [length_of(text) for text in ("abc", "abc", "abcd", "abcd", None, None)] == [3, 3, 4, 4, 0, 0]
    assert read == ["abc", "abcd", "abcd", None]
    assert [length_of(text) for text in ("a", "abc")] == [1, 3]  # "abc" was read longer ago than the last two
    assert read[4:] == ["a", "abc"]
    assert length_of.__doc__ == "Return its length."


@pytest.mark.parametrize("length", [len(SITE) + 1, CACHED_LENGTH, CACHED_LENGTH + 1])
def test_a_urls_length_does_not_change_what_it_says(length: int) -> None:
    value = "x" * (length - len(SITE))
    for _ in range(2):
        found = read_affiliate_url(SITE + value)
        assert (found.code, found.parameters["utm_source"]) == ("PARTNER123", value[:255])


def test_an_invalid_url_is_invalid_each_time() -> None:
    for _ in range(2):
        with pytest.raises(AffiliateUrlInvalid):
            read_affiliate_url("https://?aff=PARTNER123")
