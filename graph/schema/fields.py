"""How types declare their fields: values, root fields, connections and arguments.

Only root fields have resolvers: each reads everything selected under it at once.
"""

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from graph.execution.cost_plan import COST
from graph.execution.executor import Resolver, ResolvesWith


def value(description: str) -> Any:
    """Return a field without a resolver, holding a value or an object."""
    return strawberry.field(description=description)


def costly_value(description: str, cost: int) -> Any:
    """Return a field without a resolver that costs more than an object."""
    return strawberry.field(description=description, metadata={COST: cost})


def costly_field(description: str, arguments: Sequence[StrawberryArgument], cost: int) -> Any:
    """Return a field with arguments but without a resolver, that costs more than an object."""
    field = StrawberryField(description=description, metadata={COST: cost})
    field.arguments = list(arguments)
    return field


def optional(description: str) -> Any:
    """Return an optional input field."""
    return strawberry.field(default=UNSET, description=description)


def argument(name: str, annotation: Any, description: str, *, default: Any = UNSET) -> StrawberryArgument:
    """Return an argument. A trailing `_` in its name is left out of the schema."""
    shown = name.rstrip("_") if name.endswith("_") else None
    return StrawberryArgument(name, shown, StrawberryAnnotation(annotation), description=description, default=default)


def root_field(description: str, read: Resolver, arguments: Sequence[StrawberryArgument] = ()) -> Any:
    """Return a root field, with the resolver that reads everything selected under it."""
    field = StrawberryField(description=description, extensions=[ResolvesWith(read)])
    field.arguments = list(arguments)
    return field


def connection_field(description: str, filter: type, order: type, read: Resolver | None = None) -> Any:
    """Return a connection field, with the arguments of all connections; only a root field has a resolver."""
    field = StrawberryField(description=description, extensions=[] if read is None else [ResolvesWith(read)])
    narrowing = [
        argument("filter", filter | None, "Restricts the list. Omit it to list everything that your token can see."),
        argument("order_by", order | None, "The sort order. Newest first by default."),
    ]
    field.arguments = [*PAGING, *narrowing]
    return field


PAGING = (
    argument(
        "first",
        int | None,
        "The number of items to return from the start, at most 100. Defaults to 20 unless `last` is given.",
    ),
    argument(
        "after",
        str | None,
        "Return items after this cursor, which must come from a list with the same filter and order.",
    ),
    argument(
        "last", int | None, "The number of items to return from the end, at most 100. Cannot be combined with `first`."
    ),
    argument(
        "before",
        str | None,
        "Return items before this cursor, which must come from a list with the same filter and order.",
    ),
)
