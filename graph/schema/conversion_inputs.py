"""The decorator that gives an input the fields of a struct of `graph.domain`, and the way back to the struct.

The inputs of `trackLead`, `trackSale` and `trackRefund` thus have the fields that the REST endpoints have.
"""

import inspect
import re
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar, get_args

import msgspec
import strawberry
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo, fields
from strawberry import UNSET
from strawberry.scalars import JSON
from strawberry.utils.str_converters import to_camel_case

from graph.schema.conversion_filters import SaleKind, SubscriptionInterval
from graph.schema.scalars import BigInt

T = TypeVar("T")
S = TypeVar("S", bound=Struct)
# By the types in the structs.
TYPES: dict[Any, Any] = {
    str | None: str | None,
    bool | None: bool | None,
    int | None: BigInt | None,
    list[str] | None: list[str] | None,
    list[Any] | None: JSON | None,
    dict[str, Any] | None: JSON | None,
}
# Fields that REST takes as text, because JSON has no type for them.
TYPED: dict[str, Any] = {
    "occurred_at": datetime | None,
    "sale_type": SaleKind | None,
    "subscription_interval": SubscriptionInterval | None,
}
NAME = re.compile(r"`(\w+)`")


def takes_fields_of(struct: type[Struct]) -> Callable[[type[T]], type[T]]:
    """Decorate an input with the fields of a struct. Left out and null are the same."""

    def decorate(cls: type[T]) -> type[T]:
        annotations = inspect.get_annotations(cls)
        for field in fields(struct):
            annotations[field.name] = TYPED.get(field.name) or TYPES[get_args(field.type)[0]]
            description = NAME.sub(lambda name: f"`{_in_graphql(name[1], struct)}`", _description(field))
            setattr(cls, field.name, strawberry.field(default=UNSET, description=description))
        cls.__annotations__ = annotations
        return cls

    return decorate


def sent_struct(struct: type[S], input: Any) -> tuple[S, tuple[str, ...]]:
    """Return an input as a struct, and the names of the fields whose wrong type GraphQL could not refuse; these are
    absent from it."""
    readable: dict[str, Any] = {}
    unreadable = []
    for field in fields(struct):
        value = getattr(input, field.name)
        try:
            readable[field.name] = msgspec.convert(_in_rest(value), field.type)
        except msgspec.ValidationError:
            unreadable.append(field.name)
    return struct(**readable), tuple(unreadable)


def _in_rest(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case Enum():
            return value.value
    return None if value is UNSET else value


def _description(field: FieldInfo) -> str:
    (meta,) = (part for part in get_args(field.type) if isinstance(part, Meta))
    return meta.description or ""


def _in_graphql(name: str, struct: type[Struct]) -> str:
    return to_camel_case(name) if name in struct.__struct_fields__ else name
