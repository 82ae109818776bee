"""Amounts of money, as they are shown.

Amounts are integers in minor units of their currency, so that no sum ever passes through a float.
"""

from typing import NamedTuple

# Every other currency has two decimals.
DECIMALS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}


class Money(NamedTuple):
    """An amount in minor units, such as cents, and the ISO 4217 code of its currency."""

    amount: int
    currency: str

    @property
    def formatted(self) -> str:
        """The amount in major units with its currency, such as `12.50 USD`, `1250 JPY` or `-0.05 EUR`."""
        return f"{_in_major_units(self.amount, self.currency)} {self.currency}"


def _in_major_units(amount: int, currency: str) -> str:
    decimals = DECIMALS.get(currency, 2)
    if decimals == 0:
        return str(amount)
    whole, fraction = divmod(abs(amount), 10**decimals)
    return f"{'-' if amount < 0 else ''}{whole}.{fraction:0{decimals}}"
