"""Rows on a cluster, where what is joined to a row has to be on the node of its program.

A node can tell that only by a table that is distributed by programs itself. So a row is joined with its program first,
and whatever refers to the row's program refers to that one instead.
"""

from typing import Any

from sqlalchemy import inspect, join
from sqlalchemy.orm import aliased

from db.schema.links import ReferralLink
from db.schema.programs import Program
from db.sql.top_n_per_group import Joined
from graph.query.entity import MappedRow


class RowOfProgram:
    """A mapped row, with the id of the program that it is joined with as its `program_id`."""

    def __init__(self, row: MappedRow, program: MappedRow) -> None:
        self.row = row
        self.program = program

    def __getattr__(self, name: str) -> Any:
        return self.program.id if name == "program_id" else getattr(self.row, name)


def with_program(joined: Joined) -> Joined:
    """Join rows with their program, if each of them has one: as a row of a cluster's table must."""
    column = inspect(joined.row).mapper.columns.get("program_id")
    if column is None or (column.nullable and inspect(joined.row).mapper.class_ is not ReferralLink):
        return joined
    program = aliased(Program)
    source = join(joined.source, program, program.id == joined.row.program_id)
    return Joined(source, RowOfProgram(joined.row, program))


def plain(row: MappedRow) -> MappedRow:
    """Return the mapped row itself."""
    return row.row if isinstance(row, RowOfProgram) else row
