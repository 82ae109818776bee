"""Database engines: what the store asks of a database, and how SQLite and PostgreSQL each answer."""
