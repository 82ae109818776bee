"""Currencies and their amounts: the codes of ISO 4217, and how many decimals each has.

Amounts are integers in minor units, such as cents, so that no sum ever passes through a float.
"""

from collections.abc import Mapping
from functools import cache

from graph.domain.errors import FieldInvalid

LARGEST_AMOUNT = 10**12
# For amounts in a currency that a later edition of the standard no longer has.
USUAL_DECIMALS = 2


def currency_field(field: str, code: str) -> str:
    """Return an ISO 4217 code, given in any case, in upper case. Raises `FieldInvalid` for anything else, and for the
    codes that have no minor unit, such as gold's."""
    # Letters beyond ASCII can have capitals within it, such as the dotless i.
    code = code.upper() if code.isascii() else ""
    if code not in known_decimals():
        raise FieldInvalid(field, "must be an ISO 4217 currency code")
    return code


def in_major_units(amount: int, currency: str) -> str:
    """Return an amount in minor units as a decimal number in major units, such as `25.00` for 2500 US cents."""
    decimals = known_decimals().get(currency, USUAL_DECIMALS)
    if decimals == 0:
        return str(amount)
    whole, fraction = divmod(abs(amount), 10**decimals)
    return f"{'-' if amount < 0 else ''}{whole}.{fraction:0{decimals}}"


@cache
def known_decimals() -> Mapping[str, int]:
    """Return the number of decimals of each currency that has a minor unit. The first call takes 15 milliseconds."""
    # Imported late: the module parses the standard's XML file, which no start should wait for.
    from iso4217 import Currency

    return {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
