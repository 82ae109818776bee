"""How the types declare their fields: single values, root fields, and lists with their paging, filter and order.

The fields of a type do not resolve themselves: what is selected under a root field is looked ahead and read in one go.
"""

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from graph.execution.executor import Resolver, ResolvesWith


def value(description: str) -> Any:
    """Return a field that holds a value, or another object."""
    return strawberry.field(description=description)


def optional(description: str) -> Any:
    """Return an optional input field: left out and null are the same."""
    return strawberry.field(default=UNSET, description=description)


def argument(name: str, annotation: Any, description: str, *, default: Any = UNSET) -> StrawberryArgument:
    """Return an argument; a trailing `_` of its name is not shown."""
    shown = name.rstrip("_") if name.endswith("_") else None
    return StrawberryArgument(name, shown, StrawberryAnnotation(annotation), description=description, default=default)


def root_field(description: str, read: Resolver, arguments: Sequence[StrawberryArgument] = ()) -> Any:
    """Return a root field that answers for all that is selected under it."""
    field = StrawberryField(description=description, extensions=[ResolvesWith(read)])
    field.arguments = list(arguments)
    return field


def connection_field(description: str, filter: type, order: type, read: Resolver | None = None) -> Any:
    """Return a field that holds a page of a list; at the root, with what reads it."""
    field = StrawberryField(description=description, extensions=[] if read is None else [ResolvesWith(read)])
    narrowing = [
        argument("filter", filter | None, "What is in the list."),
        argument("order_by", order | None, "How it is sorted."),
    ]
    field.arguments = [*PAGING, *narrowing]
    return field


PAGING = (
    argument("first", int | None, "How many from the start, at most 100; 20 if neither this nor `last` is given."),
    argument("after", str | None, "Only what comes after this cursor, of the same list."),
    argument("last", int | None, "How many from the end, at most 100."),
    argument("before", str | None, "Only what comes before this cursor, of the same list."),
)
