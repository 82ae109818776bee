"""What introspection tells, kept within the published specifications, so that older clients can read the schema."""

from typing import Any

from graphql import GraphQLDirective, GraphQLSchema, is_enum_type

# The same in the editions of October 2021 and September 2025. Clients that do not know a location give up: graphql-js
# before 16.12, graphql-core before 3.2.11, and code generators of languages with enums.
LOCATIONS = {
    *("QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"),
    *("VARIABLE_DEFINITION", "SCHEMA", "SCALAR", "OBJECT", "FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INTERFACE"),
    *("UNION", "ENUM", "ENUM_VALUE", "INPUT_OBJECT", "INPUT_FIELD_DEFINITION"),
}


def name_known_locations(schema: GraphQLSchema) -> None:
    """Leave out the locations of directives that the library has from later drafts."""
    schema.directives = tuple(_with_known_locations(directive) for directive in schema.directives)
    locations = schema.type_map["__DirectiveLocation"]
    if is_enum_type(locations):
        # The library has one such type for all schemas.
        for name in set(locations.values) - LOCATIONS:
            del locations.values[name]


def _with_known_locations(directive: GraphQLDirective) -> GraphQLDirective:
    arguments: dict[str, Any] = dict(directive.to_kwargs())
    known = [location for location in directive.locations if location.name in LOCATIONS]
    return GraphQLDirective(**{**arguments, "locations": known})
