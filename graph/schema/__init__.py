"""The GraphQL schema: types and words for what `graph.query` and the resolvers do."""
