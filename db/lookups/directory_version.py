"""Numbers that tell gateways what has changed in the link directory.

Each change of a link, a program or a suspension has a higher one than those before.

Triggers give numbers to changes that are made in a SQL shell. A cluster has no triggers, so what changes these rows
takes a number itself, in the same transaction; where there are triggers, they find it.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.schema.links import DirectoryVersion, ReferralLink
from db.schema.partners import PartnerProgram
from db.schema.programs import Program

# What gateways need to know of each row to record clicks.
KNOWN: Mapping[Any, frozenset[str]] = {
    Program: frozenset({"cookie_window_days"}),
    ReferralLink: frozenset({"code", "status", "program_id", "partner_id"}),
    PartnerProgram: frozenset({"suspended_at"}),
}


async def next_version(connection: AsyncConnection) -> int:
    """Return the number of the changes that the open transaction makes. It waits for other transactions that have taken
    one, so that changes become visible in the order of their numbers."""
    taken = update(DirectoryVersion).values(version=DirectoryVersion.version + 1).returning(DirectoryVersion.version)
    return int((await connection.execute(taken)).scalar_one())


async def numbered(connection: AsyncConnection, table: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes to a row of a table with their number, if gateways need to know of them."""
    if KNOWN[table].isdisjoint(changes):
        return dict(changes)
    return {**changes, "version": await next_version(connection)}
