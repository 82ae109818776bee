"""Make programs."""

from typing import Any

from sqlalchemy import insert, select

from db.tables import Program
from graph.context import Context
from graph.errors import FieldInvalid, outages
from graph.resolvers.fields import name_field

LONGEST_WINDOW_DAYS = 3650


async def create(
    context: Context, *, name: str, domain: str | None = None, cookie_window_days: int = 60
) -> dict[str, Any]:
    """Make a program and return its row. Raises `FieldInvalid`, `DatabaseAway`."""
    values = {"name": name_field("name", name), "domain": domain, "cookie_window_days": cookie_window_days}
    if not 1 <= cookie_window_days <= LONGEST_WINDOW_DAYS:
        raise FieldInvalid("cookie_window_days", f"must be between 1 and {LONGEST_WINDOW_DAYS}")
    if domain is not None:
        values["domain"] = name_field("domain", domain)
    with outages():
        async with context.services.store.write() as connection:
            made = (await connection.execute(insert(Program).values(values).returning(Program.id))).scalar_one()
            return (await connection.execute(select(Program.__table__).where(Program.id == made))).one()._asdict()
