"""The GraphQL schema: types, inputs and resolvers, arranged by noun."""
