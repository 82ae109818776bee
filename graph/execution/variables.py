"""Describes invalid variables in the client's terms: names as sent, and values in JSON notation.

It replaces the messages of the library, which quote values in Python notation.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    VariableDefinitionNode,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    is_specified_scalar_type,
    type_from_ast,
)
from graphql.pyutils import did_you_mean, suggestion_list
from msgspec import json

# Enough to recognize a value.
QUOTED_LENGTH = 60
# `$input.name` is at `.name`.
Path: TypeAlias = str


def wrong_values(
    schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode], given: Mapping[str, Any]
) -> Iterator[GraphQLError]:
    """Yield an error for each problem with the variables, in the order of their definitions."""
    for definition in definitions:
        name, type_ = definition.variable.name.value, type_from_ast(schema, definition.type)
        if name in given:
            for path, problem in _problems(given[name], type_, ""):
                at = f" at {path}" if path else ""
                yield GraphQLError(f'Variable "${name}" has an invalid value{at}: {problem}', definition)
        elif is_non_null_type(type_) and definition.default_value is None:
            yield GraphQLError(f'Variable "${name}" is required: its type is {type_}', definition)


def _problems(value: Any, type_: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if is_non_null_type(type_):
        if value is None:
            yield path, "it must not be null"
            return
        type_ = type_.of_type
    if value is None:
        return
    if is_list_type(type_):
        # A single value is coerced to a list of one.
        items = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, item in items:
            yield from _problems(item, type_.of_type, path if index is None else f"{path}[{index}]")
    elif isinstance(type_, GraphQLInputObjectType):
        yield from _problems_of_object(value, type_, path)
    elif (problem := _problem_of_leaf(value, type_)) is not None:
        yield path, problem


def _problems_of_object(value: Any, type_: GraphQLInputObjectType, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(value, dict):
        yield path, f"it must be an object of type {type_.name}, not {_quoted(value)}"
        return
    for name, field in type_.fields.items():
        if name in value:
            yield from _problems(value[name], field.type, f"{path}.{name}")
        elif is_required_input_field(field):
            yield f"{path}.{name}", "it is required"
    for name in value:
        if name not in type_.fields:
            hint = did_you_mean(suggestion_list(name[:QUOTED_LENGTH], list(type_.fields)))
            yield path, f"{type_.name} has no field {_quoted(name)}.{hint}"


def _problem_of_leaf(value: Any, type_: GraphQLScalarType | GraphQLEnumType) -> str | None:
    try:
        type_.coerce_input_value(value)
    except GraphQLError as error:
        if isinstance(type_, GraphQLEnumType):
            return f"it must be one of {', '.join(type_.values)}, not {_quoted(value)}"
        if is_specified_scalar_type(type_):
            article = "an" if type_.name[0] in "AEIO" else "a"
            return f"it must be {article} {type_.name}, not {_quoted(value)}"
        return error.message
    return None


def _quoted(value: Any) -> str:
    """Return a value as JSON, or a description of it if that would be long."""
    match value:
        case list():
            return "a list"
        case dict():
            return "an object"
        case str() if len(value) > QUOTED_LENGTH:
            return f"{json.encode(value[:QUOTED_LENGTH]).decode()}…"
    text = json.encode(value).decode()
    return text if len(text) <= QUOTED_LENGTH or isinstance(value, str) else "a long number"
