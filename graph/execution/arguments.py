"""The arguments of a field, coerced as far as possible once for each document."""

from collections.abc import Collection
from functools import cached_property
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_argument_values,
)
from graphql.execution.values import VariableValues


class Arguments:
    """The arguments of a field, which can be coerced repeatedly with different variables. Those without variables are
    coerced once."""

    def __init__(self, declared: GraphQLField, node: FieldNode) -> None:
        varying = {each.name.value for each in node.arguments or () if _has_variables(each.value)}
        self._node = node
        self._varying = _with_arguments(declared, varying)
        self._constant = _with_arguments(declared, declared.args.keys() - varying)

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """Return the coerced values that are not null, by their names in the schema."""
        if not self._node.arguments:
            return {}
        if not self._varying.args:
            return self._constant_values
        return self._constant_values | self._coerced(self._varying, variables)

    @cached_property
    def _constant_values(self) -> dict[str, Any]:
        return self._coerced(self._constant, None)

    def _coerced(self, declared: GraphQLField, variables: VariableValues | None) -> dict[str, Any]:
        values = get_argument_values(declared, self._node, variables)
        return {name: value for name, value in values.items() if value is not None}


def _has_variables(value: ValueNode) -> bool:
    match value:
        case VariableNode():
            return True
        case ListValueNode():
            return any(map(_has_variables, value.values))
        case ObjectValueNode():
            return any(_has_variables(field.value) for field in value.fields)
    return False


def _with_arguments(declared: GraphQLField, names: Collection[str]) -> GraphQLField:
    """Return a field's definition with only these of its arguments."""
    return GraphQLField(declared.type, {name: each for name, each in declared.args.items() if name in names})
