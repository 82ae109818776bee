"""A valid document, made ready to be priced: what of it costs anything, and from which variables that is known."""

from collections.abc import Iterator, Sequence

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from graph.wire.cost import Condition, Cost, Field, Group, Page, Selection, Spread, Value, Values, total
from graph.wire.limits import innermost_first

# The key in a field's metadata under which it names a cost of its own.
COST = "cost"
TOTAL_COUNT_COST = 10
# What the lists of introspection count as: about what they hold, but for `types`, which counts a tenth. So the whole
# introspection query of GraphiQL is within the default maximum once, and twice it is not.
INTROSPECTION_ITEMS = {"types": 5, "fields": 10, "args": 2, "inputFields": 5, "enumValues": 5, "possibleTypes": 5}


class Plan:
    """The costs of one document's operations."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        fragments = {
            node.name.value: self._selected(node.selection_set, self._composite(node.type_condition.name.value))
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        order = innermost_first({name: list(_spreads(inner)) for name, inner in fragments.items()})
        self._fragments = [(name, fragments[name]) for name in order]
        self._operations: dict[int, tuple[Selection, ...]] = {}
        for node in document.definitions:
            root = schema.get_root_type(node.operation) if isinstance(node, OperationDefinitionNode) else None
            if isinstance(node, OperationDefinitionNode) and root is not None:
                self._operations[id(node)] = self._selected(node.selection_set, root)

    def cost(self, operation: OperationDefinitionNode, values: Values) -> int:
        """Return what an operation of this very document costs, with its coerced variables."""
        fragments: dict[str, Cost] = {}
        for name, inner in self._fragments:
            fragments[name] = total(inner, values, fragments)
        return total(self._operations[id(operation)], values, fragments).once

    def _selected(self, selection_set: SelectionSetNode, parent: GraphQLCompositeType) -> tuple[Selection, ...]:
        found = (self._selection(node, parent) for node in selection_set.selections)
        return tuple(selection for selection in found if selection is not None)

    def _selection(self, node: SelectionNode, parent: GraphQLCompositeType) -> Selection | None:
        conditions = tuple(_conditions(node.directives or ()))
        match node:
            case FragmentSpreadNode():
                return Spread(conditions, node.name.value)
            case InlineFragmentNode():
                condition = node.type_condition
                inner_parent = self._composite(condition.name.value) if condition else parent
                inner = self._selected(node.selection_set, inner_parent)
                return Group(conditions, inner) if inner else None
            case FieldNode():
                return self._field(node, parent, conditions)
        raise TypeError(node)

    def _field(
        self, node: FieldNode, parent: GraphQLCompositeType, conditions: tuple[Condition, ...]
    ) -> Selection | None:
        name = node.name.value
        definition = self._schema.get_field(parent, name)
        if definition is None or name == "__typename":
            return None
        kind = get_named_type(definition.type)
        inner = self._selected(node.selection_set, kind) if node.selection_set and is_composite_type(kind) else ()
        own = _own_cost(name, definition, parent)
        if not own and not inner:
            return None
        page = Page(_argument(node, definition, "first"), _argument(node, definition, "last"))
        return Field(
            conditions,
            own,
            inner,
            items=INTROSPECTION_ITEMS.get(name, 1) if parent.name.startswith("__") else 1,
            page=page if kind.name.endswith("Connection") else None,
            is_item=parent.name.endswith("Connection") and name in ("edges", "nodes"),
        )

    def _composite(self, name: str) -> GraphQLCompositeType:
        kind = self._schema.type_map[name]
        if not is_composite_type(kind):
            raise TypeError(name)
        return kind


def _own_cost(name: str, definition: GraphQLField, parent: GraphQLCompositeType) -> int:
    declared = getattr(definition.extensions.get("strawberry-definition"), "metadata", {}).get(COST)
    if isinstance(declared, int):
        return declared
    if name == "totalCount" and parent.name.endswith("Connection"):
        return TOTAL_COUNT_COST
    return 1 if is_composite_type(get_named_type(definition.type)) or parent.name.startswith("__") else 0


def _conditions(directives: Sequence[DirectiveNode]) -> Iterator[Condition]:
    for directive in directives:
        if directive.name.value in ("include", "skip"):
            for argument in directive.arguments or ():
                yield Condition(_value(argument.value), directive.name.value == "include")


def _argument(node: FieldNode, definition: GraphQLField, name: str) -> Value:
    declared = definition.args.get(name)
    default = None if declared is None else coerce_default_value(declared)
    for argument in node.arguments or ():
        if argument.name.value == name:
            return _value(argument.value, default)
    return Value(None, default)


def _value(node: ValueNode, default: object = None) -> Value:
    match node:
        case VariableNode():
            return Value(node.name.value, default)
        case IntValueNode():
            return Value(None, int(node.value))
        case BooleanValueNode():
            return Value(None, node.value)
    return Value()


def _spreads(selections: Sequence[Selection]) -> Iterator[str]:
    for selection in selections:
        match selection:
            case Spread():
                yield selection.fragment
            case Field() | Group():
                yield from _spreads(selection.inner)
