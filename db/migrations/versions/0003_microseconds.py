"""Timestamps on SQLite as microseconds since 1970 instead of text; nothing changes on PostgreSQL.

SQLite can change a column's type only by copying its table. Each copy is created by the table's own SQL, so that
nothing else about it changes.
"""

import re

from alembic import op
from sqlalchemy import Connection

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OLD = "DATETIME"
NEW = "BIGINT"
NOW = "(CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000)"
# A text has six decimal places, or none if SQLite's own clock wrote it.
MICROSECONDS = (
    "CAST(strftime('%s', substr({0}, 1, 19)) AS INTEGER) * 1000000"
    " + CAST(substr(substr({0}, 21) || '000000', 1, 6) AS INTEGER)"
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    tables = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE ?", (f"% {OLD}%",)
    )
    for name, sql in tables.all():
        _copy(connection, name, sql)


def _copy(connection: Connection, table: str, sql: str) -> None:
    run = connection.exec_driver_sql
    around = run("SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type <> 'table' AND sql <> ''", (table,)).all()
    copy = f"{table}_in_microseconds"
    sql = re.sub(rf'^CREATE TABLE "?{table}"? ', f"CREATE TABLE {copy} ", sql)
    sql = re.sub(rf" {OLD} DEFAULT \(?CURRENT_TIMESTAMP\)?", f" {NEW} DEFAULT {NOW}", sql).replace(f" {OLD}", f" {NEW}")
    run(sql)
    columns = run(f"PRAGMA table_info({table})").all()
    values = (MICROSECONDS.format(name) if type == OLD else name for _, name, type, *_ in columns)
    run(f"INSERT INTO {copy} SELECT {', '.join(values)} FROM {table}")  # noqa: S608  the schema's own names
    if "AUTOINCREMENT" in sql:  # numbers that are gone are not given again, even where no row is left
        run("DELETE FROM sqlite_sequence WHERE name = ?", (copy,))
        run("INSERT INTO sqlite_sequence SELECT ?, seq FROM sqlite_sequence WHERE name = ?", (copy, table))
    run(f"DROP TABLE {table}")
    run(f"ALTER TABLE {copy} RENAME TO {table}")
    for (statement,) in around:
        run(statement)
