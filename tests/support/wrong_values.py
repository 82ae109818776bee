"""Every argument and input field of the schema, and documents that give each of them wrong values."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_argument,
    is_union_type,
)

from graph.query.entities import ENTITIES
from graph.query.global_ids import encode_id
from tests.support.schema_documents import arguments, literal, needs, node_kinds, object_type, root_fields

# Lists of more ids than a filter takes, texts with what no database keeps, numbers beyond any bound.
WRONG: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 101, 2**31, 2**70, 1e300),
    *(
        "",
        "nope",
        "a\0b",
        "None",
        "\U0001f600" * 300,
        encode_id("Nope", 1),
        "0001-01-01T00:00:00+14:00",
        "1000-01-01T00:00:00Z",
    ),
    *({"nope": 1}, {"nope": None}, {}, [], [None], [True], ["nope"] * 101, [["nope"]], [{"nope": [None]}]),
]
# As they are written in a document.
LITERALS = ["null", "true", "0", "-1", "101", "1.5", '"nope"', "nope", "{nope: 1}", "[null]", "[{nope: null}]"]


class Driven(NamedTuple):
    """An argument, or a field of an input object in one: `document` has a hole for its value."""

    name: str
    type: Any
    document: str


def selection(field: GraphQLField) -> str:
    named = get_named_type(field.type)
    if is_leaf_type(named):
        return ""
    if is_union_type(named):
        refusals = [kind.name for kind in named.types if kind.name.startswith("Refused")]
        return f"{{ __typename ... on {refusals[0]} {{ message }} }}"
    has_errors = isinstance(named, GraphQLObjectType) and "userErrors" in named.fields
    return "{ userErrors { message } }" if has_errors else "{ __typename }"


def driven(name: str, field: GraphQLField, wrapped: str) -> Iterator[Driven]:
    """Yield what a field takes. `wrapped` is a document with a place for the field."""
    for argument, declared in field.args.items():
        for label, type_, value in values(argument, declared.type):
            given = arguments({**needs(field), argument: value})
            yield Driven(label, type_, wrapped % f"{name}{given} {selection(field)}")


def values(name: str, type_: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield an argument itself, and what is in it, each with the argument's value around a hole."""
    yield name, type_, "%s"
    nullable = get_nullable_type(type_)
    if isinstance(nullable, GraphQLInputObjectType):
        needed = {part: right(nullable, part) for part, each in nullable.fields.items() if is_required_argument(each)}
        for part, declared in nullable.fields.items():
            inner = ", ".join(f"{other}: {value}" for other, value in {**needed, part: "%s"}.items())
            yield part, declared.type, f"{{{inner}}}"


def right(input: GraphQLInputObjectType, part: str) -> str:
    """Return a value that makes sense for a part of an input object, so that the others are looked at."""
    owner = input.name.removeprefix("Update").removeprefix("Revoke").removesuffix("Input")
    kind = {"programId": "Program", "partnerId": "Partner", "id": owner}.get(part)
    return literal(input.fields[part].type, encode_id(kind, 1) if kind else "code")


def everything_that_is_taken() -> Iterator[Driven]:
    for name, field in root_fields().items():
        yield from driven(name, field, "query { %s }")
        if name == "clickReport":
            report = f"query {{ clickReport{arguments(needs(field))} {{ %s }} }}"
            for part, declared in object_type("ClickReport").fields.items():
                yield from driven(part, declared, report)
    for kind in node_kinds():
        id = encode_id(kind, *[1] * len(ENTITIES[kind].key))
        for name, field in object_type(kind).fields.items():
            yield from driven(name, field, f'query {{ node(id: "{id}") {{ ... on {kind} {{ %s }} }} }}')
    for operation in ("mutation", "subscription"):
        for name, field in root_fields(operation.capitalize()).items():
            yield from driven(name, field, f"{operation} {{ %s }}")


def tries(each: Driven) -> Iterator[tuple[str, str, Any]]:
    """Yield wrong values, each as it is written, with the document that it goes into and the variable's value."""
    operation = each.document.partition(" ")[0]
    with_variable = each.document.replace(operation, f"{operation} ($value: {each.type})", 1) % "$value"
    for value in WRONG:
        yield f"$value = {value!r}", with_variable, value
    for written in LITERALS:
        yield written, each.document.replace("%s", written), None
