"""GraphQL execution: what every operation passes before and after it runs."""
