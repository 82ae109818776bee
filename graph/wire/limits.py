"""How much one query may ask for, and the part of it that shows in the document's form alone.

The form is measured before anything else looks at a document: the rules that validate one take more than linear time
in some of these numbers. Each fragment is measured once, however often and however deep it is spread.
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

from graph.errors import TooComplex


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one query may ask for. The defaults leave room for the introspection query of GraphiQL, which is 15
    fields deep, and for a dashboard of some two hundred fields."""

    depth: int = 15
    aliases: int = 30
    directives: int = 30
    tokens: int = 2000
    cost: int = 10_000


@dataclass(slots=True)
class Form:
    """What shows in a definition's form: how deep its own fields and inline fragments nest, and under how many of them
    it spreads other fragments."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    spreads: list[tuple[str, int]] = field(default_factory=list)


def check_form(document: DocumentNode, limits: Limits) -> None:
    """Raise `TooComplex` where a document's form is over a limit, `GraphQLError` where fragments spread in a circle."""
    definitions = [node for node in document.definitions if isinstance(node, ExecutableDefinitionNode)]
    forms = [_form(definition) for definition in definitions]
    _check("number of aliases", sum(form.aliases for form in forms), limits.aliases)
    _check("number of directives", sum(form.directives for form in forms), limits.directives)
    fragments: dict[str, Form] = {}
    for definition, form in zip(definitions, forms, strict=True):
        if isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = form
    depths: dict[str, int] = {}
    for name in innermost_first({name: [spread for spread, _ in form.spreads] for name, form in fragments.items()}):
        if name in fragments:
            depths[name] = _depth(fragments[name], depths)
    _check("depth", max((_depth(form, depths) for form in forms), default=0), limits.depth)


def innermost_first(spreads: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yield the names of fragments, each after those that it spreads. Raises `GraphQLError` for a circle."""
    try:
        yield from TopologicalSorter(spreads).static_order()
    except CycleError as error:
        circle = " → ".join(error.args[1][:4])
        raise GraphQLError(f"Fragments spread each other in a circle: {circle}") from None


def _form(definition: ExecutableDefinitionNode) -> Form:
    form = Form(directives=len(definition.directives or ()))
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
            if isinstance(selection, FieldNode):
                form.aliases += 1 if selection.alias else 0
            if isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                selection_sets.append((selection.selection_set, depth + 1))
    return form


def _depth(form: Form, depths: Mapping[str, int]) -> int:
    return max([form.depth, *(above + depths.get(name, 0) for name, above in form.spreads)])


def _check(measure: str, requested: int, maximum: int) -> None:
    if requested > maximum:
        raise TooComplex(measure, requested, maximum)
