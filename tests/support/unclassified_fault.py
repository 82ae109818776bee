"""An error that clickgate does not classify: a statement that fails neither because of an outage nor because of a
row."""

from typing import NamedTuple


class Unforeseen(NamedTuple):
    """The statement that breaks inserts into a table, the one that repairs them, and a word of the error."""

    breaks: str
    mends: str
    word: str


def unforeseen(table: str, *, is_sqlite: bool) -> Unforeseen:
    """Return an error that affects inserts into a table of clicks."""
    if is_sqlite:
        trigger = f"CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT no_such_function(); END"
        return Unforeseen(trigger, "DROP TRIGGER broken", "no_such_function")
    column = f"ALTER TABLE {table} ALTER COLUMN page_title TYPE"
    return Unforeseen(f"{column} integer USING NULL", f'{column} varchar(512) COLLATE "C"', "page_title")
