"""Access to the database: the store, schema upgrades, and the SQLite and PostgreSQL backends."""
