"""The arguments of a field: coerced with the variables of each request, and once if they have none."""

from typing import Any, cast

import pytest
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLScalarType,
    GraphQLString,
    OperationDefinitionNode,
    ValueNode,
    parse,
)
from graphql.execution.values import VariableValues

from graph.execution.arguments import Arguments


class Words:
    """A scalar type that counts how often literals are coerced."""

    def __init__(self) -> None:
        self.coerced = 0
        self.type = GraphQLScalarType("Word", parse_value=str, parse_literal=self._literal)

    def _literal(self, node: ValueNode, _variables: object = None) -> Any:
        self.coerced += 1
        return cast(Any, node).value


@pytest.fixture
def words() -> Words:
    return Words()


def arguments(words: Words, text: str) -> Arguments:
    inner = GraphQLInputObjectType("Inner", {"words": GraphQLInputField(GraphQLList(words.type))})
    declared = GraphQLField(
        GraphQLString,
        {
            "word": GraphQLArgument(words.type),
            "size": GraphQLArgument(GraphQLInt),
            "inner": GraphQLArgument(inner),
        },
    )
    operation = cast(OperationDefinitionNode, parse(f"{{ field{text} }}").definitions[0])
    return Arguments(declared, cast(FieldNode, operation.selection_set.selections[0]))


def values(given: Arguments, **variables: Any) -> dict[str, Any]:
    return given.values(VariableValues({}, variables))


def test_literals_are_coerced_once(words: Words) -> None:
    given = arguments(words, '(word: "a", size: $size)')
    assert values(given, size=1) == {"word": "a", "size": 1}
    assert values(given, size=2) == {"word": "a", "size": 2}
    assert words.coerced == 1


@pytest.mark.parametrize("inner", ["{words: [$word]}", "{words: $word}"])
def test_a_variable_within_a_value_is_read_for_each_request(words: Words, inner: str) -> None:
    given = arguments(words, f"(inner: {inner}, size: 1)")
    for word in ("a", "b"):
        found = values(given, word=[word] if "[" not in inner else word)
        assert found == {"inner": {"words": [word]}, "size": 1}


def test_a_null_and_a_variable_that_is_absent_are_left_out(words: Words) -> None:
    given = arguments(words, "(word: null, size: $size)")
    assert values(given) == {}
    assert values(given, size=None) == {}
    assert values(given, size=3) == {"size": 3}


def test_a_field_without_arguments_has_no_values(words: Words) -> None:
    assert values(arguments(words, "")) == {}
