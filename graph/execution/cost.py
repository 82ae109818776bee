"""The cost of an operation: a number that grows with the rows that it reads and the objects that it returns.

The parts of a cost plan are made once per document; the cost is computed per request, because page sizes and skipped
fields may depend on variables. An object costs 1 and a scalar nothing, unless a field has a cost of its own. The
`edges` and `nodes` of a connection cost 1 for each item of the page, plus what is selected in it.

The same walk limits the work. It goes through an operation as an executor does (GraphQL specification, section 6.3.2,
CollectFields: a fragment that was already spread adds nothing), and counts the selections visited and the values
returned. A selection set is added up once, however many fragments lead to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from graphql import DirectiveNode, GraphQLError

from graph.domain.errors import TooComplex

# Larger numbers mean no more than "far too much", and nested pages would make them ever longer.
MOST = 1_000_000_000
PAGE_ITEMS = 20
# Planning and reading one takes about as long as this many scalars: an object may be a join, and a list is a statement
# of its own.
OBJECT_SELECTIONS = 10
LIST_SELECTIONS = 40

Variables: TypeAlias = Mapping[str, Any]


class Cost(NamedTuple):
    """The cost of a selection: `once`, and for `each` item of the connection that contains it; the number of scalars it
    returns, likewise; and the number of selections visited, where an object counts as `OBJECT_SELECTIONS` and a list as
    `LIST_SELECTIONS`. No number exceeds `MOST`."""

    once: int = 0
    each: int = 0
    values: int = 0
    each_values: int = 0
    selections: int = 0


class ArgumentValue(NamedTuple):
    """The value of an argument: a variable, or a fixed value that is also the default."""

    variable: str | None = None
    fixed: Any = None

    def of(self, values: Variables) -> Any:
        return self.fixed if self.variable is None else values.get(self.variable, self.fixed)


class IncludeCondition(NamedTuple):
    """The condition of `@include`, which requires true, or of `@skip`, which requires false."""

    value: ArgumentValue
    required: bool
    directive: DirectiveNode

    def holds(self, values: Variables) -> bool:
        """Return whether the condition holds. Raises `GraphQLError` if the value is null, which is possible for a
        variable with a default."""
        value = self.value.of(values)
        if value is None:
            message = (
                f"Variable '${self.value.variable}' is null, but @{self.directive.name.value} requires true or false"
            )
            raise GraphQLError(message, self.directive)
        return bool(value) is self.required


class PageSize(NamedTuple):
    """The requested size of a page."""

    first: ArgumentValue
    last: ArgumentValue

    def items(self, values: Variables) -> int:
        given = [size for size in (self.first.of(values), self.last.of(values)) if isinstance(size, int)]
        return max(0, *given) if given else PAGE_ITEMS


@dataclass(frozen=True, slots=True)
class SelectionSet:
    """A selection set. `scalars` counts the fields that are free and always included."""

    scalars: int
    others: tuple["PricedSelection", ...]


@dataclass(frozen=True, slots=True)
class ScalarField:
    """A field without a selection set that has a cost or conditions."""

    conditions: tuple[IncludeCondition, ...]
    own: int
    values: int = 1


@dataclass(frozen=True, slots=True)
class ObjectField:
    """A field with a selection set. A list of known length costs as much as `items` of it, and returns the values of
    `length` of them."""

    conditions: tuple[IncludeCondition, ...]
    own: int
    inner: SelectionSet
    values: int = 0
    items: int = 1
    length: float = 1
    page: PageSize | None = None
    is_item: bool = False

    def cost(self, inner: Cost, values: Variables) -> Cost:
        """Return the cost of the field, given the cost of its selection set."""
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
    """A spread of a named fragment."""

    conditions: tuple[IncludeCondition, ...]
    fragment: str


PricedSelection: TypeAlias = ScalarField | ObjectField | InlineFragment | FragmentSpread


class CostCalculator:
    """Computes the cost of an operation with its coerced variables, giving up after `most` steps."""

    def __init__(self, fragments: Mapping[str, SelectionSet], values: Variables, most: int) -> None:
        self._fragments = fragments
        self._values = values
        self._most = most
        self._steps = 0
        self._known: dict[int, Cost] = {}

    def cost(self, selected: SelectionSet) -> Cost:
        """Return the cost of a selection set. Raises `TooComplex` after too many steps, and `GraphQLError` for a
        condition that is null."""
        known = self._known.get(id(selected))
        if known is None:
            costs: list[Cost] = []
            self._add(selected, costs, set())
            known = self._known[id(selected)] = Cost(*(min(sum(numbers), MOST) for numbers in zip(*costs, strict=True)))
        return known

    def _add(self, selected: SelectionSet, costs: list[Cost], spread: set[str]) -> None:
        """Add the costs of the parts of a selection set. Fragments in `spread` add nothing."""
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
