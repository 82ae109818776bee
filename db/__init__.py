"""Storage: tables, migrations, the click writer and the link directory. Knows nothing of HTTP or GraphQL."""
