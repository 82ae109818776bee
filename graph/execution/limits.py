"""The limits of a query, and the check of those that depend on the document's form alone.

The form is checked before anything else looks at the document, because some validation rules take more than linear time
in these numbers. Each fragment is measured once, however often and however deeply it is spread.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
)

from graph.domain.errors import TooComplex
from graph.execution.cost import Cost

# The depth of fragments that directly spread fragments, which is walked recursively.
MOST_NESTED = 100
# The alias of a row's field is repeated in the response for every row.
ALIAS_LENGTH = 256
# Fragments may make a document several times as large as its text.
SELECTIONS_PER_TOKEN = 5
# A few scalars for each object.
VALUES_PER_COST = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one query. The defaults allow the introspection query of GraphiQL, which is 15 fields deep, a
    dashboard of about two hundred fields, and a gateway that merges queries and therefore gives each field an alias."""

    depth: int = 15
    aliases: int = 200
    directives: int = 100
    tokens: int = 2000
    cost: int = 10_000

    @property
    def selections(self) -> int:
        """The maximum number of selected fields, counting a fragment wherever it is spread."""
        return SELECTIONS_PER_TOKEN * self.tokens

    def check(self, cost: Cost) -> None:
        """Raise `TooComplex` if the cost of an operation exceeds a limit."""
        check("cost", cost.once, self.cost)
        check("selections", cost.selections, self.selections)
        check("values", cost.values, VALUES_PER_COST * self.cost)


def check(measure: str, requested: int, maximum: int) -> None:
    """Raise `TooComplex` if more is requested than the maximum."""
    if requested > maximum:
        raise TooComplex(measure, requested, maximum)


@dataclass(slots=True)
class DefinitionSize:
    """The size of an operation or fragment: the nesting of its own fields and inline fragments, and the depth at which
    it spreads other fragments."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    spreads: list[tuple[str, int]] = field(default_factory=list)


def check_size(document: DocumentNode, limits: Limits) -> None:
    """Raise `TooComplex` if a document exceeds a limit, and `GraphQLError` if fragments form a cycle."""
    definitions = [node for node in document.definitions if isinstance(node, ExecutableDefinitionNode)]
    forms = [_size(definition) for definition in definitions]
    check("aliases", sum(form.aliases for form in forms), limits.aliases)
    check("directives", sum(form.directives for form in forms), limits.directives)
    fragments: dict[str, DefinitionSize] = {}
    for definition, form in zip(definitions, forms, strict=True):
        if isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = form
    depths: dict[str, int] = {}
    nestings: dict[str, int] = {}
    for name in innermost_first({name: [spread for spread, _ in form.spreads] for name, form in fragments.items()}):
        if name in fragments:
            depths[name] = _depth(fragments[name], depths)
            nestings[name] = 1 + max((nestings.get(spread, 0) for spread, _ in fragments[name].spreads), default=0)
    check("depth", max((_depth(form, depths) for form in forms), default=0), limits.depth)
    check("nestedFragments", max(nestings.values(), default=0), MOST_NESTED)


def innermost_first(spreads: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yield the names of fragments, each after those that it spreads. Raises `GraphQLError` for a cycle."""
    try:
        yield from TopologicalSorter(spreads).static_order()
    except CycleError as error:
        circle = " → ".join(error.args[1][:4])
        raise GraphQLError(f"Fragments form a cycle: {circle}") from None


def _size(definition: ExecutableDefinitionNode) -> DefinitionSize:
    form = DefinitionSize(directives=len(definition.directives or ()))
    form.directives += sum(len(variable.directives or ()) for variable in definition.variable_definitions or ())
    selection_sets = [(definition.selection_set, 1)]
    while selection_sets:
        selection_set, depth = selection_sets.pop()
        form.depth = max(form.depth, depth)
        for selection in selection_set.selections:
            form.directives += len(selection.directives or ())
            if isinstance(selection, FragmentSpreadNode):
                form.spreads.append((selection.name.value, depth - 1))
                continue
            if isinstance(selection, FieldNode) and selection.alias:
                form.aliases += 1
                check("aliasLength", len(selection.alias.value), ALIAS_LENGTH)
            if isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                selection_sets.append((selection.selection_set, depth + 1))
    return form


def _depth(form: DefinitionSize, depths: Mapping[str, int]) -> int:
    return max([form.depth, *(above + depths.get(name, 0) for name, above in form.spreads)])
