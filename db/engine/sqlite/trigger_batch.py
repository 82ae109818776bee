"""Many statements for many rows, run in one step of SQLite's driver: it lets go of the interpreter's lock for a step,
and waits for it after each one, while the event loop has it.

Rows are inserted, all as one JSON text, into a view that keeps nothing; triggers on it hand each to its statement.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

from msgspec.json import encode

from db.sql.batch_statements import ROW, BatchStatement, StatementRows

VIEW = "work"
# As bytes: a text that is not ASCII would be encoded by the driver, under the interpreter's lock.
INSERT = f"INSERT INTO {VIEW} SELECT value FROM json_each(CAST(? AS TEXT))"  # noqa: S608  a name of our own


class TriggerBatch:
    """The view and its triggers on one connection, which are nobody else's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[str, int] = {}
        # What is undone where a row is refused would be kept in a file otherwise.
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"CREATE TEMP VIEW {VIEW} AS SELECT NULL AS {ROW}")

    def of(self, *work: StatementRows) -> Callable[[], object]:
        """Return the step that runs statements for their rows, in this order: for all of them, or for none where one is
        refused. No transaction may be open yet: a trigger that is made in it would be gone after a rollback, and the
        rows for it would be lost."""
        rows: list[list[Any]] = []
        for statement, given in work:
            if given:  # what is not needed cannot fail, either
                number = self._number(statement)
                rows += [[number, *values] for values in statement.converted(given)]
        json_rows = encode(rows)
        return lambda: self._connection.execute(INSERT, (json_rows,))

    def _number(self, statement: BatchStatement) -> int:
        """Return what the rows for a statement begin with."""
        number = self._numbers.get(statement.of_row)
        if number is None:
            number = len(self._numbers)
            when = f"INSTEAD OF INSERT ON {VIEW} WHEN json_extract(new.{ROW}, '$[0]') = {number}"
            self._connection.execute(f"CREATE TEMP TRIGGER statement_{number} {when} BEGIN {statement.of_row}; END")
            self._numbers[statement.of_row] = number
        return number
