"""Writing rows one by one in a transaction that survives the ones that the database refuses."""

from collections.abc import Awaitable, Callable

from db.engine.backend.protocol import Database, Fault, WriteConnection
from db.engine.redaction import described
from db.errors import RowRefused
from db.sql.batch_statements import StatementRows


async def refusal(database: Database, connection: WriteConnection, *work: StatementRows) -> Exception | None:
    """Do some work in the open transaction, which goes on if the database refuses a row; then return the error. Raises
    any other error of the driver."""
    return await refusal_in(database, connection, lambda: connection.execute(*work))


async def refusal_in(
    database: Database, connection: WriteConnection, step: Callable[[], Awaitable[None]]
) -> Exception | None:
    """Run a step in the open transaction, which goes on without the step's changes if the database refuses a row; then
    return the error. Raises any other error of the driver."""
    refused = None
    await connection.command("SAVEPOINT one_row")
    try:
        await step()
    except Exception as error:
        if database.fault(error) is not Fault.ROW:
            raise
        await connection.command("ROLLBACK TO SAVEPOINT one_row")
        refused = RowRefused(described(error)).with_traceback(error.__traceback__)
    await connection.command("RELEASE SAVEPOINT one_row")
    return refused
