"""Decorators that give a GraphQL type or input the fields of a visit.

They come from `db.schema.visit_fields`. What a class declares itself comes before them; a field that it names without a
value keeps its place there.
"""

import inspect
from typing import Any, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from db.schema.visit_fields import SENT_FIELDS, VISIT_FIELDS, VisitField

T = TypeVar("T")

SHOWN_TYPES: dict[str, Any] = {"text": str | None, "flag": bool, "json": JSON | None}
TAKEN_TYPES: dict[str, Any] = {"text": str | None, "flag": bool | None, "json": JSON | None}


def shows_visit_fields(cls: type[T]) -> type[T]:
    """Decorate an output type that has all of a visit's fields."""
    for field in VISIT_FIELDS:
        _declare(cls, field, SHOWN_TYPES, strawberry.field(description=field.description))
    return cls


def takes_visit_fields(cls: type[T]) -> type[T]:
    """Decorate an input that has the fields that are sent. Left out and null are the same."""
    for field in SENT_FIELDS:
        description = field.sent_description or field.description
        _declare(cls, field, TAKEN_TYPES, strawberry.field(default=UNSET, description=description))
    return cls


def filters_by_visit_fields(cls: type[T]) -> type[T]:
    """Decorate a filter that has the fields by which clicks are filtered."""
    for field in VISIT_FIELDS:
        if field.filter is not None:
            _declare(cls, field, TAKEN_TYPES, strawberry.field(default=UNSET, description=field.filter.description))
    return cls


def _declare(cls: type, field: VisitField, types: dict[str, Any], value: Any) -> None:
    cls.__annotations__ = inspect.get_annotations(cls) | {field.name: types[field.type]}
    setattr(cls, field.name, value)
