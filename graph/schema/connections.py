"""Objects with a global id, and the pages of lists of them."""

from typing import Generic, TypeVar

import strawberry
from strawberry import ID

from graph.schema.fields import value
from graph.schema.scalars import BigInt

T = TypeVar("T")
NUMBER = "The numeric id, as used in the database and the REST API."
HIDDEN = "Null if your token cannot see it."


@strawberry.interface(description="An object with a global id.")
class Node:
    id: ID = value(
        "The global id: an opaque string, unique across all types. Pass it to `node` to fetch the object again."
    )


@strawberry.type(description="The position of a page within its list.")
class PageInfo:
    has_next_page: bool = value("Whether there are items after this page.")
    has_previous_page: bool = value("Whether there are items before this page.")
    start_cursor: str | None = value("The cursor of the first item. On an empty page, the `before` argument.")
    end_cursor: str | None = value("The cursor of the last item. On an empty page, the `after` argument.")


@strawberry.type(description="An item of a list, with its cursor.")
class Edge(Generic[T]):
    cursor: str = value("The item's position, for `after` and `before`. Only valid with the same filter and order.")
    node: T = value("The item.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = value("The items of the page, each with its cursor.")
    nodes: list[T] = value("The items of the page.")
    page_info: PageInfo = value("The position of the page within the list.")
    total_count: BigInt = value(
        "The number of items in the whole list. Counted only if selected, which adds to the cost of the query."
    )
