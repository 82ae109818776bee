"""What an operation costs: a number that grows with the rows that a query reads and the objects that it answers with.

The parts of a plan are made once per document; the number is worked out for each request, because the sizes of pages
and what is skipped may come from its variables. An object costs 1 and a scalar nothing, unless a field names a cost of
its own. A connection's `edges` and `nodes` cost, for each item of the page, 1 and what is selected in it.

The same walk bounds the work. It goes through an operation as an executor does (GraphQL, 6.3.2, CollectFields: a
fragment that was spread before adds nothing), and counts the selections that are gone through and the values that are
answered. What stands in the braces of a field is added up once, however many fragments lead there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from graphql import DirectiveNode, GraphQLError

from graph.domain.errors import TooComplex

# Beyond this a number says no more than "far too much"; pages within pages would make it ever longer.
MOST = 1_000_000_000
PAGE_ITEMS = 20
# What they are planned and read in takes about as long as for so many scalars: an object may be a join, and a list is a
# statement of its own.
OBJECT_SELECTIONS = 10
LIST_SELECTIONS = 40

Variables: TypeAlias = Mapping[str, Any]


class Cost(NamedTuple):
    """What a selection costs `once`, and what for `each` item of the connection that it is made in; how many scalars it
    answers with, likewise; and how many selections are gone through, where an object counts `OBJECT_SELECTIONS` and a
    list `LIST_SELECTIONS`. No number is more than `MOST`."""

    once: int = 0
    each: int = 0
    values: int = 0
    each_values: int = 0
    selections: int = 0


class ArgumentValue(NamedTuple):
    """An argument's value: that of a variable, where one is given, and otherwise what is fixed."""

    variable: str | None = None
    fixed: Any = None

    def of(self, values: Variables) -> Any:
        return self.fixed if self.variable is None else values.get(self.variable, self.fixed)


class IncludeCondition(NamedTuple):
    """`@include` wants true, `@skip` false."""

    value: ArgumentValue
    wanted: bool
    directive: DirectiveNode

    def holds(self, values: Variables) -> bool:
        """Raise `GraphQLError` if the value is null, which a variable with a default may be."""
        value = self.value.of(values)
        if value is None:
            message = (
                f"Variable '${self.value.variable}' is null, but @{self.directive.name.value} requires true or false"
            )
            raise GraphQLError(message, self.directive)
        return bool(value) is self.wanted


class PageSize(NamedTuple):
    """How many items a connection is asked for."""

    first: ArgumentValue
    last: ArgumentValue

    def items(self, values: Variables) -> int:
        given = [size for size in (self.first.of(values), self.last.of(values)) if isinstance(size, int)]
        return max(0, *given) if given else PAGE_ITEMS


@dataclass(frozen=True, slots=True)
class SelectionSet:
    """What stands in one pair of braces. `scalars` are the fields that cost nothing and are always included."""

    scalars: int
    others: tuple["PricedSelection", ...]


@dataclass(frozen=True, slots=True)
class ScalarField:
    """A field without fields of its own, which costs something or is included under conditions."""

    conditions: tuple[IncludeCondition, ...]
    own: int
    values: int = 1


@dataclass(frozen=True, slots=True)
class ObjectField:
    """A field with fields of its own; a list of fixed length costs as much as its `items`, and answers with the values
    of `length` of them."""

    conditions: tuple[IncludeCondition, ...]
    own: int
    inner: SelectionSet
    values: int = 0
    items: int = 1
    length: float = 1
    page: PageSize | None = None
    is_item: bool = False

    def cost(self, inner: Cost, values: Variables) -> Cost:
        """Return what it costs, given what is selected in it does."""
        page_items = 0 if self.page is None else self.page.items(values)
        amount = self.items * (self.own + inner.once + page_items * inner.each)
        answered = int(self.length * (self.values + inner.values + page_items * inner.each_values))
        selections = (OBJECT_SELECTIONS if self.page is None else LIST_SELECTIONS) - 1 + inner.selections
        return Cost(0, amount, 0, answered, selections) if self.is_item else Cost(amount, 0, answered, 0, selections)


@dataclass(frozen=True, slots=True)
class InlineFragment:
    """An inline fragment."""

    conditions: tuple[IncludeCondition, ...]
    inner: SelectionSet


@dataclass(frozen=True, slots=True)
class FragmentSpread:
    """A named fragment."""

    conditions: tuple[IncludeCondition, ...]
    fragment: str


PricedSelection: TypeAlias = ScalarField | ObjectField | InlineFragment | FragmentSpread


class CostCalculator:
    """One walk through an operation, with its coerced variables. It gives up after `most` steps."""

    def __init__(self, fragments: Mapping[str, SelectionSet], values: Variables, most: int) -> None:
        self._fragments = fragments
        self._values = values
        self._most = most
        self._steps = 0
        self._known: dict[int, Cost] = {}

    def cost(self, selected: SelectionSet) -> Cost:
        """Return what stands in the braces of a field or an operation costs. Raises `TooComplex` after too many steps,
        and `GraphQLError` for a condition that is null."""
        known = self._known.get(id(selected))
        if known is None:
            costs: list[Cost] = []
            self._add(selected, costs, set())
            known = self._known[id(selected)] = Cost(*(min(sum(numbers), MOST) for numbers in zip(*costs, strict=True)))
        return known

    def _add(self, selected: SelectionSet, costs: list[Cost], spread: set[str]) -> None:
        """Add the costs of a selection set's parts. Fragments that were `spread` before add nothing."""
        self._steps += selected.scalars + len(selected.others)
        if self._steps > self._most:
            raise TooComplex("selections", self._steps, self._most)
        costs.append(Cost(0, 0, selected.scalars, 0, selected.scalars + len(selected.others)))
        for selection in selected.others:
            if not all(condition.holds(self._values) for condition in selection.conditions):
                continue
            match selection:
                case ScalarField():
                    costs.append(Cost(selection.own, 0, selection.values))
                case ObjectField():
                    costs.append(selection.cost(self.cost(selection.inner), self._values))
                case InlineFragment():
                    self._add(selection.inner, costs, spread)
                case FragmentSpread():
                    if selection.fragment not in spread:
                        spread.add(selection.fragment)
                        self._add(self._fragments[selection.fragment], costs, spread)
