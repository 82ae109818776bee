"""An error that clickgate does not classify: a statement that fails neither because of an outage nor because of a
row."""

from typing import NamedTuple


class Unforeseen(NamedTuple):
    """The statement that breaks inserts into a table, the one that repairs them, and a word of the error."""

    breaks: str
    mends: str
    word: str


def unforeseen(
    table: str, *, is_sqlite: bool, column: str = "page_title", type_: str = 'varchar(512) COLLATE "C"'
) -> Unforeseen:
    """Return an error that affects inserts into a table, on PostgreSQL those with a value in a column of texts."""
    if is_sqlite:
        trigger = f"CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT no_such_function(); END"
        return Unforeseen(trigger, "DROP TRIGGER broken", "no_such_function")
    altered = f"ALTER TABLE {table} ALTER COLUMN {column} TYPE"
    return Unforeseen(f"{altered} integer USING NULL", f"{altered} {type_}", column)
