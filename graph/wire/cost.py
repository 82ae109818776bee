"""What a selection costs: a number that grows with the rows that a query reads and the objects that it answers with.

The parts of a plan are made once per document; the number is worked out for each request, because the sizes of pages
and what is skipped may come from its variables. An object costs 1 and a scalar nothing, unless a field names a cost of
its own. A connection's `edges` and `nodes` cost, for each item of the page, 1 and what is selected in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

# Beyond this a number says no more than "far too much"; pages within pages would make it ever longer.
MOST = 1_000_000_000
PAGE_ITEMS = 20

Values: TypeAlias = Mapping[str, Any]
Costs: TypeAlias = Mapping[str, "Cost"]


class Cost(NamedTuple):
    """What a selection costs `once`, and what for `each` item of the connection that it is made in."""

    once: int
    each: int = 0


class Value(NamedTuple):
    """An argument's value: that of a variable, where one is given, and otherwise what is fixed."""

    variable: str | None = None
    fixed: Any = None

    def of(self, values: Values) -> Any:
        return self.fixed if self.variable is None else values.get(self.variable, self.fixed)


class Condition(NamedTuple):
    """`@include` wants true, `@skip` false."""

    value: Value
    wanted: bool

    def holds(self, values: Values) -> bool:
        return bool(self.value.of(values)) is self.wanted


class Page(NamedTuple):
    """How many items a connection is asked for."""

    first: Value
    last: Value

    def items(self, values: Values) -> int:
        given = [size for size in (self.first.of(values), self.last.of(values)) if isinstance(size, int)]
        return max(0, *given) if given else PAGE_ITEMS


@dataclass(frozen=True, slots=True)
class Field:
    """A field that costs something by itself or by what is selected in it; a list of fixed length that often."""

    conditions: tuple[Condition, ...]
    own: int
    inner: tuple["Selection", ...] = ()
    items: int = 1
    page: Page | None = None
    is_item: bool = False

    def cost(self, values: Values, fragments: Costs) -> Cost:
        inner = total(self.inner, values, fragments)
        per_page = 0 if self.page is None else self.page.items(values) * inner.each
        amount = self.items * (self.own + inner.once + per_page)
        return Cost(0, amount) if self.is_item else Cost(amount)


@dataclass(frozen=True, slots=True)
class Group:
    """An inline fragment."""

    conditions: tuple[Condition, ...]
    inner: tuple["Selection", ...]

    def cost(self, values: Values, fragments: Costs) -> Cost:
        return total(self.inner, values, fragments)


@dataclass(frozen=True, slots=True)
class Spread:
    """A named fragment, whose cost is worked out before."""

    conditions: tuple[Condition, ...]
    fragment: str

    def cost(self, _values: Values, fragments: Costs) -> Cost:
        return fragments[self.fragment]


Selection: TypeAlias = Field | Group | Spread


def total(selections: Iterable[Selection], values: Values, fragments: Costs) -> Cost:
    """Add up what is selected with these coerced variables, given the costs of the fragments; at most `MOST`."""
    once = each = 0
    for selection in selections:
        if all(condition.holds(values) for condition in selection.conditions):
            cost = selection.cost(values, fragments)
            once += cost.once
            each += cost.each
    return Cost(min(once, MOST), min(each, MOST))
