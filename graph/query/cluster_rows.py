"""Rows on a cluster, where what is joined to a row has to be on the node of its program.

A node can tell that only by a table that is distributed by programs itself. So a row is joined with its program first,
and whatever refers to the row's program refers to that one instead.
"""

from typing import Any

from sqlalchemy import func, inspect, join, select, true
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
    """Join rows with their program, if they are of a kind that belongs to one."""
    row, program = joined.row, aliased(Program)
    table = inspect(row).mapper.class_
    if table is ReferralLink:
        # One that has none goes with any: nothing refers to a link there that is not its program's.
        any_program = select(func.min(Program.id).label("id")).subquery("any_program")
        source = join(joined.source, any_program, true())
        source = join(source, program, program.id == func.coalesce(row.program_id, any_program.c.id))
        return Joined(source, RowOfProgram(row, program))
    column = inspect(row).mapper.columns.get("program_id")
    if column is None or column.nullable:
        return joined
    return Joined(join(joined.source, program, program.id == row.program_id), RowOfProgram(row, program))


def of_same_program(row: MappedRow, joined: MappedRow) -> MappedRow:
    """Return a row that another one refers to, as a row of the same program, if it is of a kind that belongs to one."""
    has_program = "program_id" in inspect(joined).mapper.columns
    return RowOfProgram(joined, row.program) if isinstance(row, RowOfProgram) and has_program else joined


def plain(row: MappedRow) -> MappedRow:
    """Return the mapped row itself."""
    return row.row if isinstance(row, RowOfProgram) else row
