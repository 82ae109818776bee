"""Runs several statements for many rows in a single SQLite call, by means of triggers on a temporary view.

The driver releases the GIL for each call and has to take it back from the event loop afterwards, so one call per row
would be slow. Here all rows are inserted as one JSON text into a view that stores nothing, and its triggers run the
statement that belongs to each row.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

from msgspec.json import encode

from db.sql.batch_statements import ROW, BatchStatement, StatementRows

VIEW = "work"
# Passed as bytes: the driver would encode a non-ASCII str while holding the GIL.
INSERT = f"INSERT INTO {VIEW} SELECT value FROM json_each(CAST(? AS TEXT))"  # noqa: S608  no input


class TriggerBatch:
    """The view and its triggers, which exist on one connection only."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[str, int] = {}
        # SQLite would otherwise keep the statement journal, for undoing a batch with an invalid row, in a file.
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"CREATE TEMP VIEW {VIEW} AS SELECT NULL AS {ROW}")

    def of(self, *work: StatementRows) -> Callable[[], object]:
        """Return a function that runs statements for their rows, in this order, and changes nothing if a row is
        rejected. No transaction may be open: a rollback would also remove triggers created in it, and later rows for
        them would be lost."""
        rows: list[list[Any]] = []
        for statement, given in work:
            if given:  # a statement without rows must not be able to fail
                number = self._number(statement)
                rows += [[number, *values] for values in statement.converted(given)]
        json_rows = encode(rows)
        return lambda: self._connection.execute(INSERT, (json_rows,))

    def _number(self, statement: BatchStatement) -> int:
        """Return the number that marks a statement's rows. Creates its trigger on first use."""
        number = self._numbers.get(statement.of_row)
        if number is None:
            number = len(self._numbers)
            when = f"INSTEAD OF INSERT ON {VIEW} WHEN json_extract(new.{ROW}, '$[0]') = {number}"
            self._connection.execute(f"CREATE TEMP TRIGGER statement_{number} {when} BEGIN {statement.of_row}; END")
            self._numbers[statement.of_row] = number
        return number
