"""GraphQL execution: parsing, limits, costs, and resolving with look-ahead."""
