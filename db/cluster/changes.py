"""The log of what changes in tables while they are copied.

A trigger notes the primary key of each row that is inserted, updated or deleted. Applying the log makes these rows of a
twin what the table's are now, so it does not matter how often a row changed, or whether it was copied before.

The trigger notes nothing unless a run holds `NOTING_LOCK`. A run that was killed therefore leaves behind what does
nothing, and the next one removes it.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.cluster.copied import Copied
from db.cluster.placement import DISTRIBUTED
from db.cluster.twins import COPIES

# The key of an advisory lock.
NOTING_LOCK = 0x636C69636B6E
TRIGGER = "clickgate_note_changes"
TRIGGERS = f"""
    SELECT relnamespace::regnamespace || '.' || relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE tgname = '{TRIGGER}' AND tgparentid = 0 ORDER BY 1
"""  # noqa: S608  our own name


def create_log(table: Copied) -> Iterator[str]:
    """Yield the commands that create a table's log and the function that writes to it."""
    columns = ", ".join(f"{name} {table.types[name]}" for name in table.key)
    yield (
        f"CREATE UNLOGGED TABLE {_log(table)} (noted_number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {columns})"
    )
    old, new = (", ".join(f"{row}.{name}" for name in table.key) for row in ("OLD", "NEW"))
    insert = f"INSERT INTO {_log(table)} ({', '.join(table.key)}) VALUES"
    # Whoever writes to the table need not have any privilege here.
    yield f"""
        CREATE FUNCTION {COPIES}.note_{table.name}() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
        BEGIN
            IF pg_try_advisory_xact_lock_shared({NOTING_LOCK}) THEN
                RETURN NULL;
            END IF;
            IF TG_OP <> 'INSERT' THEN
                {insert} ({old});
            END IF;
            IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND ROW({old}) IS DISTINCT FROM ROW({new}) THEN
                {insert} ({new});
            END IF;
            RETURN NULL;
        END $$
    """


def create_trigger(table: Copied) -> str:
    return (
        f"CREATE TRIGGER {TRIGGER} AFTER INSERT OR UPDATE OR DELETE ON {table.name} "
        f"FOR EACH ROW EXECUTE FUNCTION {COPIES}.note_{table.name}()"
    )


async def waiting(connection: AsyncConnection, tables: Sequence[Copied]) -> Sequence[Copied]:
    """Return the tables that have changes that were not applied."""
    # By the index: the rows of those that were applied may still take room.
    found = ", ".join(f"EXISTS (SELECT FROM {_log(table)} WHERE noted_number > 0)" for table in tables)
    (row,) = await connection.execute(text(f"SELECT {found}"))
    return [table for table, has_changes in zip(tables, row, strict=True) if has_changes]


async def apply(connection: AsyncConnection, table: Copied, limit: int) -> int:
    """Apply so many changes of a table, the oldest first; return how many there were."""
    taken = [tuple(key) for key in await connection.execute(text(_take(table)), {"limit": limit})]
    if taken:
        keys = sorted(set(taken))
        arrays = {f"k{at}": list(values) for at, values in enumerate(zip(*keys, strict=True))}
        types = [bindparam(name, type_=ARRAY(Text)) for name in arrays]
        programs = [] if table.program_at is None else [key[table.program_at] for key in keys]
        await connection.execute(text(_remove(table, programs)).bindparams(*types), arrays)
        await connection.execute(text(_insert(table)).bindparams(*types), arrays)
    return len(taken)


def _log(table: Copied) -> str:
    return f"{COPIES}.changes_of_{table.name}"


def _take(table: Copied) -> str:
    key = ", ".join(f"{name}::text" for name in table.key)
    return f"""
        DELETE FROM {_log(table)} WHERE noted_number = ANY (ARRAY(
            SELECT noted_number FROM {_log(table)} ORDER BY noted_number LIMIT :limit
        )) RETURNING {key}
    """  # noqa: S608  our own names


def _remove(table: Copied, programs: Sequence[str]) -> str:
    condition = _is_given(table)
    if programs:
        # Named by themselves, in the statement's text, so that only the nodes are asked that have them.
        numbers = ", ".join(str(int(program)) for program in sorted(set(programs)))
        condition = f"rows.{DISTRIBUTED[table.table]} IN ({numbers}) AND {condition}"
    return f"DELETE FROM {COPIES}.{table.name} AS rows USING {_given(table)} WHERE {condition}"  # noqa: S608  our own names, and numbers


def _insert(table: Copied) -> str:
    return (
        f"INSERT INTO {COPIES}.{table.name} ({table.columns}) "  # noqa: S608  our own names
        f"SELECT {table.columns} FROM {table.name} AS rows, {_given(table)} WHERE {_is_given(table)}"
    )


def _given(table: Copied) -> str:
    # Each array has its type before it is taken apart: a node converts no text to a time.
    names = [f"k{at}" for at in range(len(table.key))]
    arrays = [f"CAST(:{name} AS {table.types[column]}[])" for name, column in zip(names, table.key, strict=True)]
    return f"unnest({', '.join(arrays)}) AS given ({', '.join(names)})"


def _is_given(table: Copied) -> str:
    # Not as a list of rows, which Citus takes apart wrongly when it passes on a statement.
    return " AND ".join(f"rows.{name} = given.k{at}" for at, name in enumerate(table.key))
