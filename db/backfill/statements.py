"""The statements that read unfilled clicks, fill them in, and note how far that is done.

Apart from the runner, so that the order of things can be read there without their SQL.
"""

from sqlalchemy import BigInteger, Dialect, bindparam, case, delete, literal_column, select, update

from db.engine.schema_fence import find_revision
from db.schema.backfills import ClickBackfill
from db.schema.clicks import ClickEvent
from db.schema.visit_fields import DERIVED_FIELDS
from db.sql.batch_statements import Template, compiled
from db.sql.compiled_queries import CompiledQuery

FIELDS = tuple(field.name for field in DERIVED_FIELDS)
# The program with the fewest clicks left: small ones need not wait for large ones.
_next = select(ClickBackfill.program_id).order_by(ClickBackfill.clicks_left, ClickBackfill.program_id)
FIND_NEXT = CompiledQuery(_next.limit(literal_column("1")))
# Of several gateways, one fills in clicks: the others find the row locked, and take it for missing.
FIND_PROGRAM = CompiledQuery(
    select(ClickBackfill.program_id, ClickBackfill.filled_to, ClickBackfill.last_id, ClickBackfill.clicks_left)
    .where(ClickBackfill.program_id == bindparam("program"))
    .with_for_update(skip_locked=True)
)
FIND_CLICKS = CompiledQuery(
    select(ClickEvent.id, ClickEvent.affiliate_url, ClickEvent.page_url, ClickEvent.referrer_host)
    .where(
        ClickEvent.program_id == bindparam("program"),
        ClickEvent.id > bindparam("filled_to"),
        ClickEvent.id <= bindparam("last"),
    )
    .order_by(ClickEvent.id)
    .limit(bindparam("clicks"))
)


class BackfillStatements:
    """Each attribute names the values of its rows, in order."""

    def __init__(self, dialect: Dialect) -> None:
        self.find_revision = find_revision(dialect)
        new = {name: f"new_{name}" for name in FIELDS}
        fill: Template = (
            update(ClickEvent)
            .where(ClickEvent.program_id == bindparam("program"), ClickEvent.id == bindparam("row"))
            .values({name: bindparam(new[name], type_=ClickEvent.__table__.c[name].type) for name in FIELDS})
        )
        self.fill = compiled(dialect, fill, ("program", "row", *new.values()))
        # Neither finds the row where another process has filled in the same clicks meanwhile.
        is_it = (ClickBackfill.program_id == bindparam("program"), ClickBackfill.filled_to == bindparam("before"))
        left = ClickBackfill.clicks_left - bindparam("clicks", type_=BigInteger)
        none = literal_column("0", BigInteger)
        move: Template = (
            update(ClickBackfill)
            .where(*is_it)
            .values(filled_to=bindparam("after", type_=BigInteger), clicks_left=case((left > none, left), else_=none))
        )
        self.move = compiled(dialect, move, ("program", "before", "after", "clicks"))
        finish: Template = delete(ClickBackfill).where(*is_it)
        self.finish = compiled(dialect, finish, ("program", "before"))
