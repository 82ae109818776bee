"""The type of amounts of money."""

import strawberry

from graph.schema.fields import value
from graph.schema.scalars import BigInt


@strawberry.type(name="Money", description="An amount of money in one currency.")
class MoneyType:
    amount: BigInt = value("The amount in minor units of the currency: cents for `USD`, whole yen for `JPY`.")
    currency: str = value("The ISO 4217 code of the currency.")
    formatted: str = value(
        "The amount in major units with its currency, for people to read: `12.50 USD`, `1250 JPY`, `1.250 KWD`."
    )
