"""The domain rules, and the GraphQL API on top of them."""
