"""PostgreSQL: its engine, connections, URLs, and PgBouncer in front of it."""
