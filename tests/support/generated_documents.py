"""GraphQL documents that Hypothesis generates from the schema: operations of every kind with fragments, inline
fragments, directives, aliases, introspection and variables. Most of them are valid."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLCompositeType,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)
from hypothesis import strategies as st

from tests.support.schema_documents import SCHEMA

ROOTS = ("Query", "Mutation", "Subscription")
FRAGMENT_TYPES = [
    *(*ROOTS, "Program", "ReferralLink", "ReferralLinkConnection", "ClickEvent", "Customer", "Node", "ClickReport"),
    *("TrackClickResult", "__Schema", "__Type"),
]
VARIABLES = {"$yes": "Boolean = true", "$no": "Boolean!", "$n": "Int = 3"}
WORD = re.compile(r"\$\w+")
SPREAD = re.compile(r"\.\.\.F(\d+)")
PAGES = ["", "first: 0", "first: 2", "first: $n", "first: 1000"]
VALUES = {
    "ID": '"x"',
    "String": '"x"',
    "Int": "1",
    "Boolean": "true",
    "DateTime": '"2026-05-01T00:00:00Z"',
    "BigInt": "1",
}
DIRECTIVES = [
    *("@include(if: $yes)", "@skip(if: $yes)", "@skip(if: $no)", "@include(if: true)"),
    *("@skip(if: true) @include(if: $yes)", "@include(if: $yes) @skip(if: true)"),
    "@include(if: false) @skip(if: $yes)",
]
LARGEST_DEPTH = 9


@dataclass
class Growth:
    """The remaining budget, and the types of the fragments that may be spread."""

    selections: int
    fragments: dict[str, str]


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Return a document with up to three operations, and fragments that spread each other several times."""
    types = draw(st.lists(st.sampled_from(FRAGMENT_TYPES), max_size=8))
    fragments = {f"F{number}": name for number, name in enumerate(types)}
    growth = Growth(draw(st.integers(5, 120)), fragments)
    roots = draw(st.lists(st.sampled_from(ROOTS), min_size=1, max_size=3))
    operations = [_operation(draw, growth, root) for root in roots]
    bodies = [_selections(draw, growth, _composite(name), 0, after=number) for number, name in enumerate(types)]
    parts = []
    used: set[int] = set()
    for number, (root, inner) in enumerate(zip(roots, operations, strict=True)):
        spread = _spread(inner, bodies)
        used |= spread
        words = WORD.findall(inner + "".join(bodies[each] for each in spread))
        variables = ", ".join(f"{name}: {type_}" for name, type_ in VARIABLES.items() if name in words)
        parts.append(f"{root.lower()} o{number}{f'({variables})' if variables else ''} {inner}")
    parts += [f"fragment F{number} on {types[number]} {bodies[number]}" for number in sorted(used)]
    return " ".join(parts)


def _operation(draw: st.DrawFn, growth: Growth, root: str) -> str:
    if root == "Subscription":
        # It may have only one field, without a condition.
        return f"{{ clickTracked {_selections(draw, growth, _composite('ClickEvent'), 1, after=-1)} }}"
    return _selections(draw, growth, _composite(root), 0, after=-1)


def _spread(text: str, bodies: Sequence[str]) -> set[int]:
    """Return the numbers of the fragments that a selection spreads, directly or indirectly."""
    found: set[int] = set()
    waiting = [text]
    while waiting:
        spread = {int(number) for number in SPREAD.findall(waiting.pop())} - found
        found |= spread
        waiting += [bodies[number] for number in spread]
    return found


def _selections(draw: st.DrawFn, growth: Growth, parent: GraphQLCompositeType, depth: int, after: int) -> str:
    """Generate a selection set. It spreads only fragments with numbers `after` this one, which rules out cycles."""
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        growth.selections -= 1
        condition = draw(st.sampled_from(["", "", "", *DIRECTIVES]))
        spreads = [
            name
            for name, type_ in growth.fragments.items()
            if int(name[1:]) > after and _overlap(parent, _composite(type_))
        ]
        kind = draw(st.sampled_from(["field", "field", "spread", "inline"]))
        if kind == "spread" and spreads:
            name = draw(st.sampled_from(spreads))
            parts += [f"...{name} {condition}"] * draw(st.integers(1, 3))
        elif kind == "inline" and depth < LARGEST_DEPTH and growth.selections > 0:
            on = f"on {parent.name}" if draw(st.booleans()) else ""
            parts.append(f"... {on} {condition} {_selections(draw, growth, parent, depth + 1, after)}")
        else:
            parts.append(_field(draw, growth, parent, depth, after, condition))
    return "{ " + " ".join(parts) + " }"


def _field(
    draw: st.DrawFn, growth: Growth, parent: GraphQLCompositeType, depth: int, after: int, condition: str
) -> str:
    fields: dict[str, GraphQLField] = dict(getattr(parent, "fields", {}))
    if parent.name == "Query":
        fields |= {name: found for name in ("__schema", "__type") if (found := SCHEMA.get_field(parent, name))}
    name = draw(st.sampled_from(["__typename", *fields]))
    # An alias always stands for the same field, since most documents would be invalid otherwise.
    alias = draw(st.sampled_from(["", "a_", "b_"]))
    if name == "__typename":
        return f"{alias}type: __typename {condition}" if alias else f"__typename {condition}"
    declared = fields[name]
    named = get_named_type(declared.type)
    arguments = [f"{key}: {_value(each.type)}" for key, each in declared.args.items() if is_required_argument(each)]
    if "first" in declared.args and (page := draw(st.integers(0, len(PAGES) - 1))):
        arguments.append(PAGES[page])
        alias = f"{alias}p{page}_"
    written = f"{alias}{name}: {name}{'(' + ', '.join(arguments) + ')' if arguments else ''} {condition}"
    if not is_composite_type(named):
        return written
    if depth >= LARGEST_DEPTH or growth.selections <= 0:
        return f"{written} {{ __typename }}"
    return f"{written} {_selections(draw, growth, named, depth + 1, after)}"


def _value(type_: Any) -> str:
    """Generate a value of the right type, which may be invalid otherwise."""
    if is_non_null_type(type_):
        return _value(type_.of_type)
    if is_list_type(type_):
        return f"[{_value(type_.of_type)}]"
    if isinstance(type_, GraphQLEnumType):
        return str(next(iter(type_.values)))
    if isinstance(type_, GraphQLInputObjectType):
        fields = {name: each for name, each in type_.fields.items() if is_required_input_field(each)}
        return "{" + ", ".join(f"{name}: {_value(each.type)}" for name, each in fields.items()) + "}"
    return VALUES[type_.name]


def _composite(name: str) -> Any:
    return SCHEMA.type_map[name]


def _overlap(one: GraphQLCompositeType, other: GraphQLCompositeType) -> bool:
    def possible(type_: GraphQLCompositeType) -> set[str]:
        if isinstance(type_, GraphQLObjectType):
            return {type_.name}
        return {each.name for each in SCHEMA.get_possible_types(type_)}

    return not possible(one).isdisjoint(possible(other))
