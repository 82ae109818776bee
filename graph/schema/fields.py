"""How the types declare their fields: single values, and lists with their paging, filter and order.

The fields of a type do not resolve themselves: what is selected under a root field is looked ahead and read in one go.
"""

from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import FieldExtension
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

PAGING = {
    "first": (int | None, "How many from the start, at most 100; 20 if neither this nor `last` is given."),
    "after": (str | None, "Only what comes after this cursor, of the same list."),
    "last": (int | None, "How many from the end, at most 100."),
    "before": (str | None, "Only what comes before this cursor, of the same list."),
}


def value(description: str) -> Any:
    """Return a field that holds a value, or another object."""
    return strawberry.field(description=description)


def listed(description: str, filter: type, order: type, *extensions: FieldExtension) -> Any:
    """Return a field that holds a page of a list."""
    field = StrawberryField(description=description, extensions=list(extensions))
    narrowing = {"filter": (filter | None, "What is in the list."), "order_by": (order | None, "How it is sorted.")}
    field.arguments = [
        StrawberryArgument(name, None, StrawberryAnnotation(annotation), description=words)
        for name, (annotation, words) in {**PAGING, **narrowing}.items()
    ]
    return field
