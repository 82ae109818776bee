"""What a client selected under a field, with fragments, aliases, directives and variables resolved.

Root fields use it to look ahead at everything they have to read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple, TypeVar, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_directive_values,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
)
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from graph.domain.errors import InvalidRequest
from graph.execution.arguments import Arguments
from graph.execution.documents import DerivedValues

T = TypeVar("T")
# The variables of a list with all its filters take a few hundred characters. A JSON value may have thousands of names,
# and what is derived from them is not cached.
PATTERN_LENGTH = 2000


class FieldLocation(NamedTuple):
    """The location of a field in the response and in the document. As a context manager it assigns errors about the
    field's arguments to that location; otherwise they would be reported for the root field, which reads everything at
    once."""

    path: tuple[str | int, ...]
    node: FieldNode

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, InvalidRequest):
            raise GraphQLError(str(error), self.node, path=self.path, original_error=error) from error
        if isinstance(error, GraphQLError) and error.path is None:
            raise GraphQLError(error.message, error.nodes or self.node, path=self.path) from error


class SelectedField:
    """A selected field: `response_key` is its key in the response, `parent_type_name` the type that it belongs to."""

    def __init__(
        self, look_ahead: "LookAhead", response_key: str, nodes: Sequence[FieldNode], parent: GraphQLObjectType
    ) -> None:
        self.response_key = response_key
        self.look_ahead = look_ahead
        self.nodes = nodes
        self.parent_type_name = parent.name
        self.parent: SelectedField | None = None
        """The field that this one was selected under; None at the root."""
        self._name = nodes[0].name.value
        self._parent_type = parent

    @property
    def is_typename(self) -> bool:
        return self._name == "__typename"

    @property
    def name(self) -> str:
        """The field's name in Python."""
        return self.field.python_name

    @property
    def name_or_typename(self) -> str:
        return self._name if self.is_typename else self.name

    @property
    def type(self) -> Any:
        """The field's named type, without list and non-null wrappers."""
        return get_named_type(self.declared.type)

    @property
    def arguments(self) -> Arguments:
        return self.look_ahead.arguments(self.declared, self.nodes[0])

    @property
    def argument_values(self) -> dict[str, Any]:
        """The coerced arguments that are not null, by their names in the schema."""
        with self.location:
            return self.arguments.values(self.look_ahead.variables)

    @property
    def location(self) -> FieldLocation:
        """The location of errors about the field's arguments."""
        return FieldLocation(self._path, self.nodes[0])

    @property
    def _path(self) -> tuple[str | int, ...]:
        if self.parent is None:
            return (self.response_key,)
        # Arguments are the same for every item of a list, so the first one stands for all.
        item = (0,) if is_list_type(get_nullable_type(self.parent.declared.type)) else ()
        return (*self.parent._path, *item, self.response_key)

    def subfields(self, type_: GraphQLObjectType | None = None) -> Sequence["SelectedField"]:
        """Return what is selected under the field, for its own type or a narrower one."""
        found = self.look_ahead.selected(type_ or self.type, self.nodes)
        for each in found:
            each.parent = self
        return found

    def cached(self, make: Callable[["SelectedField"], T]) -> T:
        """Return what `make` derives from the field, cached across requests with the same form of variables. The result
        must not depend on the values of variables, except enums and booleans."""
        return self.look_ahead.cached((self.response_key, make), lambda: make(self))

    @property
    def declared(self) -> GraphQLField:
        """The field's definition in the schema."""
        return self._parent_type.fields[self._name]

    @property
    def field(self) -> StrawberryField:
        """The field's Strawberry definition."""
        field: StrawberryField = self.declared.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        return field


class LookAhead:
    """The selections of one operation, with its variables. What is derived from them may be cached beyond the
    request."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        *,
        operation: OperationDefinitionNode | None = None,
        derived: DerivedValues | None = None,
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.variables = variables
        self._operation = operation
        self._derived = derived

    def object_type(self, name: str) -> GraphQLObjectType:
        """Return a type of the schema by name."""
        return cast(GraphQLObjectType, self.schema.type_map[name])

    def selected(
        self, type_: GraphQLObjectType, nodes: Iterable[FieldNode | OperationDefinitionNode]
    ) -> Sequence[SelectedField]:
        """Return the merged selections under all of a field's nodes, for a value of an object type."""
        merged: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for node in nodes:
            if node.selection_set is not None:
                self._merge(merged, spread, type_, node.selection_set)
        return [SelectedField(self, response_key, same, type_) for response_key, same in merged.items()]

    def arguments(self, declared: GraphQLField, node: FieldNode) -> Arguments:
        """Return the arguments of a field, cached with the document."""
        if self._derived is None:
            return Arguments(declared, node)
        known: dict[tuple[int, int], Arguments] = self._derived.get("arguments", dict)
        key = id(declared), id(node)  # both live as long as the document
        if key not in known:
            known[key] = Arguments(declared, node)
        return known[key]

    def cached(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return the value for a key and this form of variables, computing it if needed."""
        if self._derived is None or self._operation is None:
            return make()
        pattern = _variable_pattern(self.variables.coerced)
        if len(str(pattern)) > PATTERN_LENGTH:
            return make()
        return self._derived.get((id(self._operation), *key, pattern), make)

    def _merge(
        self, merged: dict[str, list[FieldNode]], spread: set[str], type_: GraphQLObjectType, inner: SelectionSetNode
    ) -> None:
        """Add fields by response key. A fragment in `spread` adds nothing."""
        for node in inner.selections:
            if node.directives and not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                merged.setdefault((node.alias or node.name).value, []).append(node)
                continue
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name in spread:
                    continue
                spread.add(name)
                fragment: FragmentDefinitionNode | InlineFragmentNode = self.fragments[name]
            else:
                fragment = cast(InlineFragmentNode, node)
            if self._applies(fragment.type_condition, type_):
                self._merge(merged, spread, type_, fragment.selection_set)

    def _is_included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        if skip and skip["if"]:
            return False  # whatever `@include` says: the cost plan, which admits operations, has not looked at it
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return include is None or bool(include["if"])

    def _applies(self, condition: Any, type_: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == type_.name:
            return True
        named = self.schema.type_map[condition.name.value]
        return is_abstract_type(named) and self.schema.is_sub_type(named, type_)


def _variable_pattern(value: Any) -> Any:
    """Return what a value has in common with all values that lead to the same selection: which parts are given, and
    those that tell selections apart."""
    match value:
        case None | bool() | Enum():
            return value
        case Mapping():
            return tuple((name, _variable_pattern(inner)) for name, inner in value.items())
        case list() if all(isinstance(each, Mapping) for each in value):
            return tuple(map(_variable_pattern, value))
    return ...
