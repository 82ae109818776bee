"""Amounts of money, as they are shown."""

from typing import NamedTuple

from graph.domain.currencies import in_major_units


class Money(NamedTuple):
    """An amount in minor units, such as cents, and the ISO 4217 code of its currency."""

    amount: int
    currency: str

    @property
    def formatted(self) -> str:
        """The amount in major units with its currency, such as `12.50 USD`, `1250 JPY` or `-0.05 EUR`."""
        return f"{self.decimal} {self.currency}"

    @property
    def decimal(self) -> str:
        """The amount in major units, such as `12.50`, `1250` or `-0.05`."""
        return in_major_units(self.amount, self.currency)
