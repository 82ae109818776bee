"""Documents that select everything in the schema, so that fields added later are covered as well."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
)

from graph.schema.build import build_schema

SCHEMA = build_schema()._schema
# Everything in a test happens between these. A report over more hours would only be longer.
LONG_AGO, FAR_OFF = [(datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (-1, 1)]
# More than any test's number of rows.
PAGE = 50
PAGE_FIELDS = {"totalCount", "pageInfo", "edges", "nodes"}


def root_fields(operation: str = "Query") -> dict[str, GraphQLField]:
    """Return the fields of a root type."""
    return dict(object_type(operation).fields)


def object_type(name: str) -> GraphQLObjectType:
    """Return a type by name."""
    found = SCHEMA.type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


def node_kinds() -> list[str]:
    """Return the names of the types that have a global id."""
    node = SCHEMA.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    return sorted(kind.name for kind in SCHEMA.get_possible_types(node))


def listed_kind(field: GraphQLField) -> str | None:
    """Return the type that a connection lists, or None for any other field."""
    named = get_named_type(field.type)
    if not named.name.endswith("Connection") or not isinstance(named, GraphQLObjectType):
        return None
    return str(get_named_type(named.fields["nodes"].type).name)


def connections(type_: GraphQLObjectType) -> dict[str, str]:
    """Return the types that a type's connections list, by field name."""
    found = {name: listed_kind(field) for name, field in type_.fields.items()}
    return {name: kind for name, kind in found.items() if kind is not None}


def everything(type_: GraphQLNamedType, depth: int) -> str:
    """Return a selection of everything in a type: all values, and the objects and lists around it down to a depth."""
    if is_abstract_type(type_):
        inner = [f"... on {kind.name} {everything(kind, depth)}" for kind in SCHEMA.get_possible_types(type_)]
        return "{ __typename " + " ".join(inner) + " }"
    assert isinstance(type_, GraphQLObjectType)
    if type_.name.endswith("Connection"):
        return _page(type_, depth)
    return "{ __typename " + " ".join(_parts(type_, depth)) + " }"


def _parts(type_: GraphQLObjectType, depth: int) -> Iterator[str]:
    for name, field in type_.fields.items():
        named = get_named_type(field.type)
        # An object without an id is part of the row, not another row.
        beneath = depth - 1 if isinstance(named, GraphQLObjectType) and _is_row_or_page(named) else depth
        if beneath < 0:
            continue
        for number, given in enumerate(_required(field)):
            alias = f"{name}{number}: " if number else ""
            inner = "" if is_leaf_type(named) else everything(named, beneath)
            yield f"{alias}{name}{arguments(given)} {inner}"


def _page(type_: GraphQLObjectType, depth: int) -> str:
    row = get_named_type(type_.fields["nodes"].type)
    info = everything(get_named_type(type_.fields["pageInfo"].type), 0)
    edges = f"edges {{ __typename cursor node {{ __typename {'id' if _has_id(row) else ''} }} }}"
    parts = ["__typename totalCount", f"pageInfo {info}", edges, f"nodes {everything(row, depth)}"]
    parts += [f"{name} {everything(get_named_type(field.type), depth)}" for name, field in _others(type_).items()]
    return f"{{ {' '.join(parts)} }}"


def _others(page: GraphQLObjectType) -> dict[str, GraphQLField]:
    """Return the fields of a page that not every page has."""
    return {name: field for name, field in page.fields.items() if name not in PAGE_FIELDS}


def _is_row_or_page(type_: GraphQLObjectType) -> bool:
    if type_.name.endswith("Connection"):
        return _has_id(get_named_type(type_.fields["nodes"].type))
    return _has_id(type_)


def _has_id(type_: GraphQLNamedType) -> bool:
    return "id" in getattr(type_, "fields", {})


def _required(field: GraphQLField) -> Iterator[dict[str, str]]:
    """Yield the required arguments of a field, with each value of enums, and a page size."""
    needed = {name: argument for name, argument in field.args.items() if is_required_argument(argument)}
    choices = [_choices(name, get_named_type(argument.type)) for name, argument in needed.items()]
    page = {"first": str(PAGE)} if "first" in field.args else {}
    for values in product(*choices):
        yield {**page, **dict(zip(needed, values, strict=True))}


def _choices(name: str, type_: GraphQLNamedType) -> list[str]:
    if isinstance(type_, GraphQLEnumType):
        return list(type_.values)
    if type_.name == "DateTime":
        return [json.dumps(LONG_AGO if name == "from" else FAR_OFF)]
    return [literal(type_, "1")]


def arguments(given: dict[str, str]) -> str:
    """Return arguments in the syntax of a document."""
    return f"({', '.join(f'{name}: {value}' for name, value in given.items())})" if given else ""


def needs(field: GraphQLField) -> dict[str, str]:
    """Return a field's required arguments with their first values."""
    return next(_required(field))


def literal(type_: Any, text: str) -> str:
    """Return a value of an input type that contains a text, in the form that the type requires, if it accepts one."""
    nullable = get_nullable_type(type_)
    if is_list_type(nullable):
        return f"[{literal(nullable.of_type, text)}]"
    if isinstance(nullable, GraphQLInputObjectType):
        needed = {name: part for name, part in nullable.fields.items() if is_required_argument(part)}
        return "{" + ", ".join(f"{name}: {literal(part.type, text)}" for name, part in needed.items()) + "}"
    if isinstance(nullable, GraphQLEnumType):
        return str(next(iter(nullable.values)))
    match nullable.name:
        case "Int" | "BigInt" | "Float":
            return text if text.isdecimal() else "1"
        case "Boolean":
            return "true"
        case "DateTime":
            return json.dumps(LONG_AGO)
        case "JSON":
            return "{}"
    return json.dumps(text)


def batches(parts: Iterable[str], size: int = 8) -> Iterator[str]:
    """Yield documents of so many parts each, under the names p0, p1, …; a part is a field with its selection."""
    pending = [f"p{number}: {part}" for number, part in enumerate(parts)]
    for start in range(0, len(pending), size):
        yield "{ " + " ".join(pending[start : start + size]) + " }"


def orders_of(field: GraphQLField) -> Sequence[str]:
    """Return the values that a list's `orderBy` accepts, in the syntax of a document."""
    order = get_named_type(field.args["orderBy"].type)
    assert isinstance(order, GraphQLInputObjectType)
    choices = {name: list(get_named_type(part.type).values) for name, part in order.fields.items()}
    return [
        "{" + ", ".join(f"{name}: {value}" for name, value in zip(choices, values, strict=True)) + "}"
        for values in product(*choices.values())
    ]
