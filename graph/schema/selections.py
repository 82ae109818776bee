"""What a client selected under a field: with its fragments, aliases, directives and variables resolved."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
    is_abstract_type,
)
from graphql.execution.values import VariableValues
from strawberry.schema import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField


class Selection:
    """A field that was selected: `answer` is the client's name for it, `parent_name` the type that it belongs to."""

    def __init__(
        self, looking: "LookAhead", answer: str, nodes: Sequence[FieldNode], parent: GraphQLObjectType
    ) -> None:
        self.answer = answer
        self.parent_name = parent.name
        self._looking = looking
        self._nodes = nodes
        self._name = nodes[0].name.value
        self._parent = parent

    @property
    def is_typename(self) -> bool:
        return self._name == "__typename"

    @property
    def name(self) -> str:
        """The field's name in Python."""
        return self._field.python_name

    @property
    def name_or_typename(self) -> str:
        return self._name if self.is_typename else self.name

    @property
    def type(self) -> Any:
        """The field's type, without list and non-null around it."""
        return get_named_type(self._definition.type)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments by their names in Python, as a resolver would get them."""
        return self._looking.arguments(self._field, self._definition, self._nodes[0])

    def under(self, type_: GraphQLObjectType | None = None) -> Sequence["Selection"]:
        """Return what is selected under the field, where its value is of its own type or of a narrower one."""
        return self._looking.selected(type_ or self.type, self._nodes)

    @property
    def _definition(self) -> GraphQLField:
        return self._parent.fields[self._name]

    @property
    def _field(self) -> StrawberryField:
        field: StrawberryField = self._definition.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        return field


class LookAhead:
    """Looks ahead from a field that is being resolved."""

    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self._info = info
        self._variables = VariableValues(sources={}, coerced=info.variable_values)  # type: ignore[arg-type]
        self._strawberry: Schema = info.schema._strawberry_schema  # type: ignore[attr-defined]

    @property
    def field(self) -> Selection:
        """The field that is being resolved."""
        info = self._info
        return Selection(self, str(info.path.key), info.field_nodes, info.parent_type)

    def object_type(self, name: str) -> GraphQLObjectType:
        """Return a type of the schema by its name."""
        return cast(GraphQLObjectType, self._info.schema.type_map[name])

    def selected(self, type_: GraphQLObjectType, nodes: Iterable[FieldNode]) -> Sequence[Selection]:
        """Return the selections under all of a field's nodes, merged, for a value of an object type."""
        merged: dict[str, list[FieldNode]] = {}
        for node in nodes:
            if node.selection_set is not None:
                for field in self._fields(type_, node.selection_set.selections):
                    merged.setdefault((field.alias or field.name).value, []).append(field)
        return [Selection(self, answer, same, type_) for answer, same in merged.items()]

    def arguments(self, field: StrawberryField, declared: GraphQLField, node: FieldNode) -> dict[str, Any]:
        """Return a field's arguments as Strawberry gives them to a resolver."""
        values = get_argument_values(declared, node, self._variables)
        return convert_arguments(
            values, field.arguments, self._strawberry.schema_converter.scalar_registry, self._strawberry.config
        )

    def _fields(self, type_: GraphQLObjectType, selections: Iterable[SelectionNode]) -> Iterator[FieldNode]:
        for node in selections:
            if node.directives and not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
                continue
            fragment = node if isinstance(node, InlineFragmentNode) else self._info.fragments[node.name.value]  # type: ignore[attr-defined]
            if self._applies(fragment.type_condition, type_):
                yield from self._fields(type_, fragment.selection_set.selections)

    def _is_included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and (include is None or include["if"])

    def _applies(self, condition: Any, type_: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == type_.name:
            return True
        named = self._info.schema.type_map[condition.name.value]
        return is_abstract_type(named) and self._info.schema.is_sub_type(named, type_)
