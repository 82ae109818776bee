"""Currencies: their codes, and amounts in major units without any rounding."""

import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.currencies import LARGEST_AMOUNT, currency_field, in_major_units
from graph.domain.errors import FieldInvalid


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (2500, "USD", "25.00"),
        (1, "EUR", "0.01"),
        (0, "USD", "0.00"),
        (2500, "JPY", "2500"),
        (0, "JPY", "0"),
        (2500, "KWD", "2.500"),
        (7, "KWD", "0.007"),
        (12345, "CLF", "1.2345"),
        (-2505, "USD", "-25.05"),
        (10**12, "USD", "10000000000.00"),
        (250, "ZZZ", "2.50"),
    ],
)
def test_an_amount_has_its_currencys_decimals(amount: int, currency: str, text: str) -> None:
    assert in_major_units(amount, currency) == text


@given(st.integers(-LARGEST_AMOUNT, LARGEST_AMOUNT), st.sampled_from([("USD", 2), ("JPY", 0), ("KWD", 3)]))
def test_no_amount_is_rounded(amount: int, currency: tuple[str, int]) -> None:
    code, decimals = currency
    assert Decimal(in_major_units(amount, code)) == Decimal(amount).scaleb(-decimals)


@pytest.mark.parametrize("code", ["usd", "Usd", "USD", "eur", "jpy", "KWD", "clf"])
def test_a_code_is_accepted_in_any_case(code: str) -> None:
    assert currency_field("currency", code) == code.upper()


@pytest.mark.parametrize(
    "code", ["US", "USDX", "ABC", "XAU", "XXX", "XTS", "$", " USD", "USD ", "840", "DEM", "\u212a\u0052\u0057", "u\0d"]
)
def test_anything_else_is_refused(code: str) -> None:
    with pytest.raises(FieldInvalid, match="currency must be an ISO 4217"):
        currency_field("currency", code)


@pytest.mark.slow
def test_a_start_does_not_wait_for_the_list_of_currencies() -> None:
    done = "import sys, gateway.app; sys.exit('iso4217' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", done]).returncode == 0
