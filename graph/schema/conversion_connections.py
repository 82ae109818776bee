"""The decorator that gives a type its lists of conversions, rules and payouts."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypeVar

import strawberry

from graph.schema.commission_filters import (
    CommissionFilter,
    CommissionOrder,
    CommissionRuleFilter,
    CommissionRuleOrder,
    PayoutFilter,
    PayoutOrder,
)
from graph.schema.connections import Connection
from graph.schema.conversion_filters import (
    LeadEventFilter,
    LeadEventOrder,
    RefundFilter,
    RefundOrder,
    SaleFilter,
    SaleOrder,
)
from graph.schema.fields import connection_field

T = TypeVar("T")
# Refers to the types that the decorator is used on, so it can only be imported once they exist.
ITEM_TYPES = strawberry.lazy("graph.schema.conversion_types")


class ConversionList(NamedTuple):
    """A list of conversions: its type, filter and sort order, and its description without its owner."""

    item: str
    filter: type
    order: type
    description: str


LISTS = {
    "leads": ConversionList(
        "LeadEventType", LeadEventFilter, LeadEventOrder, "The {}'s leads, newest first by default."
    ),
    "sales": ConversionList("SaleType", SaleFilter, SaleOrder, "The {}'s sales, latest first by default."),
    "refunds": ConversionList(
        "RefundType", RefundFilter, RefundOrder, "The refunds of the {}'s sales, newest first by default."
    ),
    "commissions": ConversionList(
        "CommissionType", CommissionFilter, CommissionOrder, "The {}'s commissions, latest first by default."
    ),
    "commission_rules": ConversionList(
        "CommissionRuleType",
        CommissionRuleFilter,
        CommissionRuleOrder,
        "The {}'s commission rules, past ones included, latest first by default. Rules that apply to all partners are "
        "listed under the program only.",
    ),
    "payouts": ConversionList("PayoutType", PayoutFilter, PayoutOrder, "The {}'s payouts, newest first by default."),
}


def shows_conversions(owner: str, *names: str) -> Callable[[type[T]], type[T]]:
    """Decorate a type with some of `LISTS`. `owner` is the noun in their descriptions."""

    def decorate(cls: type[T]) -> type[T]:
        cls.__annotations__ = inspect.get_annotations(cls) | {name: _connection(LISTS[name].item) for name in names}
        for name in names:
            listed = LISTS[name]
            setattr(cls, name, connection_field(listed.description.format(owner), listed.filter, listed.order))
        return cls

    return decorate


def _connection(item: str) -> Any:
    return Connection[Annotated[item, ITEM_TYPES]]  # type: ignore[valid-type]  # resolved with the schema
