"""The advisory lock by which changes of the schema and the distribution of tables over a cluster exclude each other.

Distributing takes hours with a large database, so nobody waits for it: commands refuse meanwhile.
"""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

DISTRIBUTION_LOCK = 0x636C69636B64


async def keep_undistributed(connection: AsyncConnection) -> bool:
    """Keep tables from being distributed until a transaction on PostgreSQL ends; return False if they already are being
    distributed."""
    return bool(await connection.scalar(select(func.pg_try_advisory_xact_lock_shared(DISTRIBUTION_LOCK))))


async def begin_distributing(connection: AsyncConnection) -> bool:
    """Keep schemas and partitions from being changed until a transaction on PostgreSQL ends; return False if they are
    being changed, or distributed by somebody else."""
    return bool(await connection.scalar(select(func.pg_try_advisory_xact_lock(DISTRIBUTION_LOCK))))
