"""What a client selected under a field: with its fragments, aliases, directives and variables resolved."""

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
    get_argument_values,
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
from graph.execution.documents import DerivedValues

T = TypeVar("T")


class FieldLocation(NamedTuple):
    """Where a field stands, in the answer and in the document. As a context manager it gives errors about the field's
    arguments that place: an operation's root field is read in one go, and would be blamed for all of them."""

    path: tuple[str | int, ...]
    node: FieldNode

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, InvalidRequest):
            raise GraphQLError(str(error), self.node, path=self.path, original_error=error) from error
        if isinstance(error, GraphQLError) and error.path is None:
            raise GraphQLError(error.message, error.nodes or self.node, path=self.path) from error


class Arguments:
    """The arguments of a field, which may be asked for again with other variables."""

    def __init__(self, declared: GraphQLField, node: FieldNode) -> None:
        self._declared = declared
        self._node = node

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """Return the values that are not null, coerced, by their names in the schema."""
        if not self._node.arguments:
            return {}
        values = get_argument_values(self._declared, self._node, variables)
        return {name: value for name, value in values.items() if value is not None}


class SelectedField:
    """A field that was selected: `response_key` is the client's name for it, `parent_type_name` the type that it belongs to."""

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
        """The field's type, without list and non-null around it."""
        return get_named_type(self.declared.type)

    @property
    def arguments(self) -> Arguments:
        return Arguments(self.declared, self.nodes[0])

    @property
    def argument_values(self) -> dict[str, Any]:
        """The arguments that are not null, coerced, by their names in the schema."""
        with self.location:
            return self.arguments.values(self.look_ahead.variables)

    @property
    def location(self) -> FieldLocation:
        """Where errors about the field's arguments belong."""
        return FieldLocation(self._path, self.nodes[0])

    @property
    def _path(self) -> tuple[str | int, ...]:
        if self.parent is None:
            return (self.response_key,)
        # Arguments are the same for every item of a list; the first one stands for all.
        item = (0,) if is_list_type(get_nullable_type(self.parent.declared.type)) else ()
        return (*self.parent._path, *item, self.response_key)

    def subfields(self, type_: GraphQLObjectType | None = None) -> Sequence["SelectedField"]:
        """Return what is selected under the field, where its value is of its own type or of a narrower one."""
        found = self.look_ahead.selected(type_ or self.type, self.nodes)
        for each in found:
            each.parent = self
        return found

    def cached(self, make: Callable[["SelectedField"], T]) -> T:
        """Return what `make` makes of the field. Where only values differ and not which ones are given, it is what was
        made at an earlier time, so nothing of the variables' values may be in it, but for enums and booleans."""
        return self.look_ahead.cached((self.response_key, make), lambda: make(self))

    @property
    def declared(self) -> GraphQLField:
        """The field as the schema has it."""
        return self._parent_type.fields[self._name]

    @property
    def field(self) -> StrawberryField:
        """The field as it was written."""
        field: StrawberryField = self.declared.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        return field


class LookAhead:
    """Looks ahead at what an operation selects, with its variables. What is made of that may be kept, where there is a
    place that outlives the request."""

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
        """Return a type of the schema by its name."""
        return cast(GraphQLObjectType, self.schema.type_map[name])

    def selected(
        self, type_: GraphQLObjectType, nodes: Iterable[FieldNode | OperationDefinitionNode]
    ) -> Sequence[SelectedField]:
        """Return the selections under all of a field's nodes, merged, for a value of an object type."""
        merged: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for node in nodes:
            if node.selection_set is not None:
                self._merge(merged, spread, type_, node.selection_set)
        return [SelectedField(self, response_key, same, type_) for response_key, same in merged.items()]

    def cached(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return what is made for a key and for variables of this form."""
        if self._derived is None or self._operation is None:
            return make()
        return self._derived.get((id(self._operation), *key, _variable_pattern(self.variables.coerced)), make)

    def _merge(
        self, merged: dict[str, list[FieldNode]], spread: set[str], type_: GraphQLObjectType, inner: SelectionSetNode
    ) -> None:
        """Add the fields by the client's names for them. A fragment that was `spread` before adds nothing."""
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
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and (include is None or include["if"])

    def _applies(self, condition: Any, type_: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == type_.name:
            return True
        named = self.schema.type_map[condition.name.value]
        return is_abstract_type(named) and self.schema.is_sub_type(named, type_)


def _variable_pattern(value: Any) -> Any:
    """Return what a value has in common with others that select the same: which parts of it are given, and what tells
    one selection from another."""
    match value:
        case None | bool() | Enum():
            return value
        case Mapping():
            return tuple((name, _variable_pattern(inner)) for name, inner in value.items())
    return ...
