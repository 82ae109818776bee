"""The forms that statements are written in: SQLite's, PostgreSQL's, or that of a cluster of PostgreSQL servers."""

from typing import NamedTuple


class StatementForm(NamedTuple):
    """What decides how a statement is written. `is_cluster` implies PostgreSQL."""

    is_sqlite: bool
    is_cluster: bool = False
