"""Structs that have a field for each of a list of visit fields.

They are structs of msgspec, which are made an order of magnitude faster than frozen dataclasses: several are made for
every click.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar, cast

from msgspec import Struct, defstruct

from db.schema.visit_fields import VisitField

S = TypeVar("S", bound=Struct)

Stored: TypeAlias = str | bool | None
"""A value as a column takes it; JSON is a text."""
Declaration: TypeAlias = tuple[str, Any, Any]
"""A struct's field: its name, annotation and default."""


def stored(field: VisitField) -> Declaration:
    """Return how a struct declares a field whose value is in the form in which it is stored."""
    return (field.name, bool, False) if field.type == "flag" else (field.name, str | None, None)


def with_fields(
    fields: Iterable[VisitField], declare: Callable[[VisitField], Declaration] = stored
) -> Callable[[type[S]], type[S]]:
    """Decorate a struct class, so that it has these fields, each of them optional.

    A type checker does not see them. The class tells it what the code needs, in an `if TYPE_CHECKING:` block: how the
    struct is made, and the fields that are read by name.
    """
    declarations = [declare(field) for field in fields]

    def extend(base: type[S]) -> type[S]:
        namespace = {"__doc__": base.__doc__}
        made = defstruct(base.__name__, declarations, bases=(base,), module=base.__module__, namespace=namespace)
        return cast(type[S], made)

    return extend
