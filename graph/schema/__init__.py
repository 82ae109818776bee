"""The GraphQL schema: types and words for what `graph.reading` and the resolvers do."""
