"""A cluster takes the schema as `clickgate db distribute` changes it.

The extension is not needed to show this: its rules on placement, keys and triggers are checked in the catalogs of plain
PostgreSQL.
"""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.cluster.placement import DISTRIBUTED, LOCAL, REFERENCE
from db.engine.store import Store
from db.lookups.directory_version import KNOWN
from db.partitions.months import Month
from db.partitions.statements import make
from db.schema.tables import METADATA
from tests.support.cluster_schema import Fault, faults, make_ready
from tests.support.databases import MakeDatabase

STAMPED = text("""
    SELECT relname, attname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    JOIN pg_attribute ON attrelid = tgrelid AND attnum = ANY (tgattr::int2[])
    WHERE tgname = relname || '_stamp' AND relnamespace = current_schema()::regnamespace
""")
# All there is of the schema but triggers, as text.
SCHEMA = text("""
    SELECT concat_ws(
        ' ', 'relation', relkind, relname, relowner::regrole, relacl, reloptions, pg_get_partkeydef(oid),
        pg_get_expr(relpartbound, oid)
    ) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind <> 'i'
    UNION ALL
    SELECT concat_ws(
        ' ', 'column', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
        attstorage, attcollation::regcollation, attacl, pg_get_expr(adbin, adrelid)
    ) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = current_schema()::regnamespace AND relkind <> 'i' AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'index', indexdef) FROM pg_indexes WHERE schemaname = current_schema()
    UNION ALL
    SELECT concat_ws(
        ' ', 'sequence', sequencename, data_type, start_value, min_value, max_value, increment_by, cycle, cache_size,
        last_value, pg_get_serial_sequence(replace(sequencename, '_id_seq', ''), 'id')
    ) FROM pg_sequences WHERE schemaname = current_schema()
""")
# What an operator may have added.
ADDED = (
    "CREATE ROLE reader",
    "GRANT SELECT ON customers, affiliate_click_events TO reader",
    "GRANT UPDATE (code, status) ON referral_links TO PUBLIC",
    "GRANT USAGE ON SEQUENCE referral_links_id_seq TO reader WITH GRANT OPTION",
    "CREATE ROLE owner",
    "ALTER TABLE payouts OWNER TO owner",
    "ALTER TABLE customers SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01)",
    "CREATE INDEX found ON customers (program_id, lower(click_id)) WHERE id > 7",
    "ALTER TABLE tracker_sites ADD COLUMN length integer GENERATED ALWAYS AS (length(host)) STORED",
    "ALTER TABLE tracker_sites ADD CONSTRAINT long CHECK (length > 0)",
    "INSERT INTO affiliate_programs (name) VALUES ('First'), ('Second')",
)


@pytest.fixture(scope="module")
def url(make_postgres: MakeDatabase) -> str:
    return make_postgres()


@pytest.fixture
async def connection(url: str) -> AsyncIterator[AsyncConnection]:
    """A transaction that is rolled back, so that all tests can share a database."""
    store = Store(url)
    async with store.write() as connection:
        yield connection
        await connection.rollback()
    await store.close()


def test_every_table_is_placed_exactly_once() -> None:
    placed = [*DISTRIBUTED, *REFERENCE, *LOCAL]
    assert len(placed) == len(set(placed))
    # Alembic's own is not in the metadata.
    assert set(placed) == METADATA.tables.keys() | {"alembic_version"}


async def test_a_cluster_takes_the_schema(connection: AsyncConnection) -> None:
    await make_ready(connection)
    assert not await faults(connection)


async def test_a_cluster_has_the_same_schema_but_for_triggers_and_what_it_cannot_have(
    connection: AsyncConnection,
) -> None:
    for command in ADDED:
        await connection.execute(text(command))
    before = set(await connection.scalars(SCHEMA))
    await make_ready(connection)
    after = set(await connection.scalars(SCHEMA))
    gone, new = sorted(before - after), sorted(after - before)
    assert new == [
        "constraint outbox_ranges pk_outbox_ranges t PRIMARY KEY (program_id, id)",
        "index CREATE INDEX ix_outbox_ranges_id ON public.outbox_ranges USING btree (id)",
        "index CREATE UNIQUE INDEX pk_outbox_ranges ON public.outbox_ranges USING btree (program_id, id)",
    ]
    keys = [each for each in gone if "FOREIGN KEY" in each]
    assert keys
    assert all("REFERENCES affiliate_programs" in each for each in keys)
    assert [each for each in gone if each not in keys] == [
        "constraint outbox_ranges pk_outbox_ranges t PRIMARY KEY (id)",
        "index CREATE UNIQUE INDEX pk_outbox_ranges ON public.outbox_ranges USING btree (id)",
    ]


async def test_numbers_continue_where_they_were(connection: AsyncConnection) -> None:
    insert = text("INSERT INTO affiliate_programs (name) VALUES ('A program') RETURNING id")
    before = await connection.scalar(insert)
    await make_ready(connection)
    assert await connection.scalar(insert) == before + 1


async def test_a_cluster_takes_a_partition_that_is_made_later(connection: AsyncConnection) -> None:
    await make_ready(connection)
    for command in make(Month(2099, 1)):
        await connection.execute(text(command))
    assert not await faults(connection)


async def test_a_cluster_would_refuse_the_schema_as_it_was(connection: AsyncConnection) -> None:
    rules = {fault.rule for fault in await faults(connection)}
    assert rules == {
        "a table has a trigger",
        "a foreign key leads to another node",
        "a unique index lacks the program",
    }


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        (
            "CREATE UNIQUE INDEX uq_found ON customers (click_id)",
            Fault("a unique index lacks the program", "customers", "uq_found"),
        ),
        (
            # Included columns are in the index, but they do not decide whether a row is unique.
            "CREATE UNIQUE INDEX uq_found ON customers (click_id) INCLUDE (program_id)",
            Fault("a unique index lacks the program", "customers", "uq_found"),
        ),
        (
            "CREATE UNIQUE INDEX uq_found ON affiliate_click_events_older (event_id, id)",
            Fault("a unique index lacks the program", "affiliate_click_events", "uq_found"),
        ),
        (
            "CREATE TRIGGER found AFTER DELETE ON referral_links EXECUTE FUNCTION reload_directory()",
            Fault("a table has a trigger", "referral_links", "found"),
        ),
        (
            "CREATE TRIGGER found AFTER DELETE ON customers EXECUTE FUNCTION reload_directory()",
            Fault("a table has a trigger", "customers", "found"),
        ),
        (
            "ALTER TABLE referral_links ADD CONSTRAINT found FOREIGN KEY (program_id) REFERENCES affiliate_programs",
            Fault("a foreign key leads to another node", "referral_links", "found"),
        ),
        (
            "ALTER TABLE customers ADD COLUMN writer_id bigint CONSTRAINT found REFERENCES click_writers",
            Fault("a foreign key leads to another node", "customers", "found"),
        ),
        (
            # Each joins on a program, but not on the same one.
            "ALTER TABLE customers ADD COLUMN other_id bigint CONSTRAINT found REFERENCES affiliate_programs",
            Fault("a foreign key leads to another node", "customers", "found"),
        ),
        (
            "ALTER TABLE click_writers ADD COLUMN program_id bigint CONSTRAINT found REFERENCES affiliate_programs",
            Fault("a foreign key leads to another node", "click_writers", "found"),
        ),
        (
            "ALTER TABLE unknown_codes ALTER program_id TYPE integer",
            Fault("a distribution column is not a required bigint", "unknown_codes", "program_id"),
        ),
        (
            "CREATE TABLE found (id bigint)",
            Fault("a table is not placed exactly once", "found"),
        ),
        (
            "DROP TABLE click_backfills",
            Fault("a table is not placed exactly once", "click_backfills"),
        ),
    ],
)
async def test_what_a_cluster_refuses_is_found(connection: AsyncConnection, command: str, fault: Fault) -> None:
    await make_ready(connection)
    await connection.execute(text(command))
    assert fault in await faults(connection)


async def test_changes_are_numbered_of_exactly_the_columns_that_triggers_number(connection: AsyncConnection) -> None:
    stamped: dict[str, set[str]] = {}
    for table, column in await connection.execute(STAMPED):
        stamped.setdefault(table, set()).add(column)
    assert stamped == {table.__tablename__: set(columns) for table, columns in KNOWN.items()}
