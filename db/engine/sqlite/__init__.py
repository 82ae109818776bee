"""SQLite: its engine, connections, file and write-ahead log, and backups."""
