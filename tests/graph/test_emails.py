"""E-mail addresses: what is kept of them."""

import pytest

from graph.domain.emails import digest, masked

KEY = b"a key for tests"


def test_a_digest_is_a_keyed_sha_256() -> None:
    # Computed with OpenSSL: printf alice@example.com | openssl dgst -sha256 -hmac "a key for tests"
    expected = "1cb5229fd06c6b3838abb143f568f0866b0cdefdc2694653b7219519f8d73f69"
    assert digest(KEY, "alice@example.com") == expected
    assert digest(b"another key", "alice@example.com") != expected


@pytest.mark.parametrize("address", [" alice@example.com\n", "Alice@Example.COM", "ALICE@EXAMPLE.COM "])
def test_an_address_is_trimmed_and_lower_cased(address: str) -> None:
    assert digest(KEY, address) == digest(KEY, "alice@example.com")
    assert masked(address) == "a***@example.com"


@pytest.mark.parametrize(
    ("address", "mask"),
    [
        ("a@example.com", "a***@example.com"),
        ('"odd@local"@example.com', '"***@example.com'),
        ("müller@example.com", "m***@example.com"),
        ("alice", "***"),
        ("@example.com", "***"),
        ("alice@", "***"),
        ("", "***"),
        ("a\u202eb@example.com", "***"),
        ("a\0@example.com", "***"),
    ],
)
def test_a_mask_shows_the_first_character_and_the_domain(address: str, mask: str) -> None:
    assert masked(address) == mask


def test_a_mask_fits_its_column() -> None:
    assert len(masked(f"alice@{'x' * 400}")) == 255


def test_an_address_with_a_lone_surrogate_has_a_digest() -> None:
    assert len(digest(KEY, "a\ud800@example.com")) == 64
