"""Restricts introspection to the published specifications, so that older clients can read the schema.

The library already lists directive locations from later drafts, which some clients reject.
"""

from typing import Any

from graphql import GraphQLDirective, GraphQLSchema, is_enum_type

# The locations of the editions of October 2021 and September 2025. graphql-js before 16.12, graphql-core before 3.2.11,
# and code generators for languages with enums fail on any other.
LOCATIONS = {
    *("QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"),
    *("VARIABLE_DEFINITION", "SCHEMA", "SCALAR", "OBJECT", "FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INTERFACE"),
    *("UNION", "ENUM", "ENUM_VALUE", "INPUT_OBJECT", "INPUT_FIELD_DEFINITION"),
}


def name_known_locations(schema: GraphQLSchema) -> None:
    """Remove directive locations that only later drafts of the specification define."""
    schema.directives = tuple(_with_known_locations(directive) for directive in schema.directives)
    locations = schema.type_map["__DirectiveLocation"]
    if is_enum_type(locations):
        # The library shares this type among all schemas.
        for name in set(locations.values) - LOCATIONS:
            del locations.values[name]


def _with_known_locations(directive: GraphQLDirective) -> GraphQLDirective:
    arguments: dict[str, Any] = dict(directive.to_kwargs())
    known = [location for location in directive.locations if location.name in LOCATIONS]
    return GraphQLDirective(**{**arguments, "locations": known})
