"""Storage: tables, migrations, the click writer and the link directory. Nothing here depends on HTTP or GraphQL."""
