"""Creates programs, which only administrators may do, and updates them. An owner may change its program in part.

Changes reach the link directory before they are acknowledged.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.lookups.directory_version import numbered
from db.lookups.site_programs import domains_of
from db.schema.programs import Program
from graph.domain.context import Context
from graph.domain.currencies import currency_field
from graph.domain.errors import FieldInvalid, Forbidden, UnknownProgram, outages
from graph.domain.fields import domain_field, name_field
from graph.domain.permissions import check_administrator, check_manager_of

LONGEST_WINDOW_DAYS = 3650
# What owners decide. The currency and who may send leads concern how money is counted, and stay with administrators.
OF_OWNERS = frozenset({"name", "domain", "cookie_window_days"})
# The key of a lock: an owner's new domain is checked and stored before that of the next owner is checked. The claims of
# an administrator, who may give a site to several programs, need not wait.
SITES_LOCK = 0x636C69636B73
TAKEN = "belongs to the site of another program; ask an administrator if both are yours"
LeadAuth = Literal["browser", "server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProgram:
    """A program to create."""

    name: str
    domain: str | None = None
    cookie_window_days: int = 60
    currency: str = "USD"
    lead_auth: LeadAuth = "browser"


async def create(context: Context, program: NewProgram) -> dict[str, Any]:
    """Create a program and return its row. Raises `FieldInvalid`, `Forbidden`, `DatabaseAway`."""
    check_administrator(context)
    values = _checked(asdict(program))
    with outages():
        async with context.services.store.write() as connection:
            values = await numbered(connection, Program, values)
            made = (await connection.execute(insert(Program).values(values).returning(Program.id))).scalar_one()
            row = (await connection.execute(select(Program.__table__).where(Program.id == made))).one()._asdict()
    context.services.directory.program_changed(row)
    return row


async def change(context: Context, program_id: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Update the given fields of a program, and return its row. An owner may change the name, the domain and the window
    of its own program. Raises `UnknownProgram`, also for a program out of scope, `FieldInvalid`, also for an owner
    whose new domain overlaps with another program's site, `Forbidden`, `DatabaseAway`."""
    viewer = check_manager_of(context, program_id)
    is_owner = viewer.role == "program"
    if is_owner and not changes.keys() <= OF_OWNERS:
        raise Forbidden
    values, this = _checked(changes), Program.id == program_id
    with outages():
        async with context.services.store.write() as connection:
            if is_owner and values.get("domain") is not None:
                await context.services.store.take_lock(connection, SITES_LOCK)
                await _check_site(connection, program_id, values["domain"])
            if values:
                numbered_values = await numbered(connection, Program, values)
                await connection.execute(update(Program).where(this).values(numbered_values))
            found = (await connection.execute(select(Program.__table__).where(this))).one_or_none()
    if found is None:
        raise UnknownProgram
    row = found._asdict()
    # After the commit and before the response, so that the next click sees the change.
    context.services.directory.program_changed(row)
    return row


async def _check_site(connection: AsyncConnection, program_id: int, domain: str) -> None:
    """Raise `FieldInvalid` if a new domain overlaps with another program's: what visitors of that site bring would be
    noted for both."""
    domains = {row.id: row.domain for row in await connection.execute(select(Program.id, Program.domain))}
    if domains.pop(program_id, None) == domain:
        return
    above = set(domains_of(domain))
    if any(other is not None and (other in above or domain in domains_of(other)) for other in domains.values()):
        raise FieldInvalid("domain", TAKEN)


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(given)
    if "name" in values:
        values["name"] = name_field("name", values["name"])
    if values.get("domain") is not None:
        values["domain"] = domain_field(values["domain"])
    if not 1 <= values.get("cookie_window_days", 1) <= LONGEST_WINDOW_DAYS:
        raise FieldInvalid("cookie_window_days", f"must be between 1 and {LONGEST_WINDOW_DAYS}")
    if "currency" in values:
        values["currency"] = currency_field("currency", values["currency"])
    return values
