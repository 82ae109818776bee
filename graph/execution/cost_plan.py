"""Turns a valid document into a cost plan: the parts of it that cost anything, and the variables that the cost depends
on.

The plan is made once per document; costs are then computed from it for each request.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

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
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from graph.domain.errors import TooComplex
from graph.execution.cost import (
    ArgumentValue,
    Cost,
    CostCalculator,
    FragmentSpread,
    IncludeCondition,
    InlineFragment,
    ObjectField,
    PageSize,
    PricedSelection,
    ScalarField,
    SelectionSet,
    Variables,
)

# The key in a field's metadata for a cost of its own.
COST = "cost"
TOTAL_COUNT_COST = 10
# The executor resolves each value of introspection separately, which takes as long as reading this many values of a
# row.
INTROSPECTION_VALUES = 20
# An alias is repeated in every row, so this many characters of it count as one value.
ALIAS_LETTERS = 16
# Costs by the variables that a document is sent with, mostly different page sizes.
CACHED_COSTS = 16
MISSING = object()
# The assumed lengths of the lists of introspection: roughly their real lengths, except `types`, which counts a tenth.
# The default maximum thus allows the introspection query of GraphiQL once, but not twice.
INTROSPECTION_ITEMS = {"types": 5, "fields": 10, "args": 2, "inputFields": 5, "enumValues": 5, "possibleTypes": 5}


class CostPlan:
    """The costs of one document's operations."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._lengths = introspection_lengths(schema)
        # The variables that determine page sizes and what is included.
        self._variables: set[str] = set()
        self._known: dict[tuple[object, ...], Cost | TooComplex] = {}
        self._fragments = {
            node.name.value: self._selected(node.selection_set, self._composite(node.type_condition.name.value))
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._operations: dict[int, SelectionSet] = {}
        for node in document.definitions:
            root = schema.get_root_type(node.operation) if isinstance(node, OperationDefinitionNode) else None
            if isinstance(node, OperationDefinitionNode) and root is not None:
                self._operations[id(node)] = self._selected(node.selection_set, root)

    def cost(self, operation: OperationDefinitionNode, values: Variables, most_steps: int) -> Cost:
        """Return the cost of one of the document's operations, given its coerced variables. Raises `TooComplex` after
        too many steps, and `GraphQLError` if the variables leave it open what is included."""
        key = (id(operation), *(values.get(name, MISSING) for name in self._variables))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= CACHED_COSTS:
                self._known.clear()
            try:
                known = CostCalculator(self._fragments, values, most_steps).cost(self._operations[id(operation)])
            except TooComplex as refusal:
                known = refusal
            self._known[key] = known
        if isinstance(known, TooComplex):
            raise known.with_traceback(None)
        return known

    def _selected(self, selection_set: SelectionSetNode, parent: GraphQLCompositeType) -> SelectionSet:
        found = [self._selection(node, parent) for node in selection_set.selections]
        others = tuple(selection for selection in found if selection is not None)
        return SelectionSet(len(found) - len(others), others)

    def _selection(self, node: SelectionNode, parent: GraphQLCompositeType) -> PricedSelection | None:
        """Return a selection, or None for a scalar that is free and always included."""
        # `@skip` is checked first: if it applies, `@include` does not matter.
        conditions = tuple(sorted(self._conditions(node.directives or ()), key=lambda condition: condition.required))
        match node:
            case FragmentSpreadNode():
                return FragmentSpread(conditions, node.name.value)
            case InlineFragmentNode():
                condition = node.type_condition
                inner_parent = self._composite(condition.name.value) if condition else parent
                return InlineFragment(conditions, self._selected(node.selection_set, inner_parent))
            case FieldNode():
                return self._field(node, parent, conditions)
        raise TypeError(node)

    def _field(
        self, node: FieldNode, parent: GraphQLCompositeType, conditions: tuple[IncludeCondition, ...]
    ) -> PricedSelection | None:
        name = node.name.value
        definition = self._schema.get_field(parent, name)
        values = len(node.alias.value) // ALIAS_LETTERS if node.alias else 0
        if definition is None or name == "__typename":
            return ScalarField(conditions, 0, values + 1) if conditions or values else None
        if parent.name.startswith("__"):
            values += INTROSPECTION_VALUES
        kind, own = get_named_type(definition.type), _own_cost(name, definition, parent)
        if not node.selection_set or not is_composite_type(kind):
            return ScalarField(conditions, own, max(1, values)) if conditions or own or values else None
        page = None
        if kind.name.endswith("Connection"):
            page = PageSize(self._argument(node, definition, "first"), self._argument(node, definition, "last"))
        inner = self._selected(node.selection_set, kind)
        if parent.name.startswith("__"):
            items, length = INTROSPECTION_ITEMS.get(name, 1), self._lengths.get(name, 1)
            return ObjectField(conditions, own, inner, values, items, length)
        is_item = parent.name.endswith("Connection") and name in ("edges", "nodes")
        return ObjectField(conditions, own, inner, values, page=page, is_item=is_item)

    def _conditions(self, directives: Sequence[DirectiveNode]) -> Iterator[IncludeCondition]:
        for directive in directives:
            if directive.name.value in ("include", "skip"):
                for argument in directive.arguments or ():
                    yield IncludeCondition(self._value(argument.value), directive.name.value == "include", directive)

    def _argument(self, node: FieldNode, definition: GraphQLField, name: str) -> ArgumentValue:
        declared = definition.args.get(name)
        default = None if declared is None else coerce_default_value(declared)
        for argument in node.arguments or ():
            if argument.name.value == name:
                return self._value(argument.value, default)
        return ArgumentValue(None, default)

    def _value(self, node: ValueNode, default: object = None) -> ArgumentValue:
        match node:
            case VariableNode():
                self._variables.add(node.name.value)
                return ArgumentValue(node.name.value, default)
            case IntValueNode():
                return ArgumentValue(None, int(node.value))
            case BooleanValueNode():
                return ArgumentValue(None, node.value)
        return ArgumentValue()

    def _composite(self, name: str) -> GraphQLCompositeType:
        kind = self._schema.type_map[name]
        if not is_composite_type(kind):
            raise TypeError(name)
        return kind


@lru_cache(1)
def introspection_lengths(schema: GraphQLSchema) -> Mapping[str, float]:
    """Return the lengths of the lists of introspection: the number of all types, and averages for the others."""
    types = schema.type_map.values()
    fields = [type_.fields for type_ in types if is_object_type(type_) or is_interface_type(type_)]
    inputs = [type_.fields for type_ in types if is_input_object_type(type_)]
    enums = [type_.values for type_ in types if is_enum_type(type_)]
    arguments = [field.args for declared in fields for field in declared.values()]
    return {
        "types": len(types),
        "fields": sum(map(len, fields)) / len(types),
        "inputFields": sum(map(len, inputs)) / len(types),
        "enumValues": sum(map(len, enums)) / len(types),
        "args": sum(map(len, arguments)) / max(1, len(arguments)),
        "ofType": 0.5,  # types have few wrappers
    }


def _own_cost(name: str, definition: GraphQLField, parent: GraphQLCompositeType) -> int:
    declared = getattr(definition.extensions.get("strawberry-definition"), "metadata", {}).get(COST)
    if isinstance(declared, int):
        return declared
    if name == "totalCount" and parent.name.endswith("Connection"):
        return TOTAL_COUNT_COST
    return 1 if is_composite_type(get_named_type(definition.type)) or parent.name.startswith("__") else 0
