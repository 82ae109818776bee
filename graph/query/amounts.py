"""Amounts of money in responses: single ones, and the sums of a row in all of its currencies."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from msgspec import json

from graph.domain.money import Money
from graph.query.plan import Field, Typename
from graph.query.response_objects import object_type


def money(amount: int | None, currency: str | None) -> Money | None:
    """Return an amount, or None if the row has none."""
    return None if amount is None or currency is None else Money(amount, currency)


def sorted_sums(pairs: str | None) -> list[Money]:
    """Return the sums in the JSON of `db.sql.functions.json_pairs`, sorted by currency."""
    found = [] if pairs is None else json.decode(pairs, type=list[tuple[str, int]])
    return [Money(amount, currency) for currency, amount in sorted(found)]


def money_formatter(parts: Sequence[Field | Typename]) -> Callable[[Money], Any]:
    """Return the function that builds the object of an amount with the selected fields."""
    new = object_type([part.response_key for part in parts])
    names = [part.name for part in parts if isinstance(part, Field)]
    if len(names) == len(parts) > 1:
        # A report has hundreds of amounts. To get the values one by one takes twice as long.
        get_all = attrgetter(*names)
        return lambda amount: new(*get_all(amount))
    getters = [_getter(part) for part in parts]
    return lambda amount: new(*(get(amount) for get in getters))


def _getter(part: Field | Typename) -> Callable[[Money], Any]:
    match part:
        case Typename(_, type_name):
            return lambda amount: type_name
        case Field(_, name):
            return attrgetter(name)
