"""The statements that drop the clicks of old months.

Apart from the order of things, which is in `dropping`.
"""

from collections.abc import Iterator, Sequence

from db.partitions.months import Month
from db.partitions.statements import CLICKS

# The id at which the next partition begins is the last number in the bounds.
PARTITIONS = f"""
    SELECT relid::regclass::text,
        (regexp_match(pg_get_expr(relpartbound, relid), $$TO \\('(\\d+)'\\)$$))[1]::bigint AS end_id,
        pg_total_relation_size(relid)
    FROM pg_partition_tree('{CLICKS}') JOIN pg_class ON pg_class.oid = relid
    WHERE isleaf ORDER BY end_id
"""  # noqa: S608  our own name
LONGEST_WINDOW = "SELECT max(cookie_window_days) FROM affiliate_programs"
IS_WAITING = """
    SELECT 'clicks' WHERE EXISTS (SELECT 1 FROM outbox_ranges WHERE kind = 'click' AND first_id < :end_id)
        OR EXISTS (SELECT 1 FROM outbox_histories WHERE kind = 'click')
    UNION ALL SELECT 'derived fields of clicks' WHERE EXISTS (SELECT 1 FROM click_backfills)
    LIMIT 1
"""
# Whoever waits to rewind one in a snapshot from before fails, and tries again.
HOLD_CONSUMERS = "UPDATE outbox_consumers SET updated_at = updated_at"
# What foreign keys connect clicks with loses its triggers, too.
LOCK_OUT = f"LOCK TABLE referral_links, partner_programs, customers, {CLICKS} IN ACCESS EXCLUSIVE MODE"
# Without clicks since then, the month itself is where there may be some.
FIRST_DAY = f"""
    WITH remaining AS (
        SELECT min(first.occurred_at) AS first_at FROM affiliate_programs program CROSS JOIN LATERAL (
            SELECT occurred_at FROM {CLICKS} click WHERE click.program_id = program.id AND click.id >= :end_id
            ORDER BY occurred_at LIMIT 1
        ) first
    )
    SELECT date_trunc('day', least(first_at, :start), 'UTC') FROM remaining
"""  # noqa: S608  our own name
MOVE_HORIZON = """
    INSERT INTO click_horizon (id, first_id, first_day) VALUES (1, :end_id, :day)
    ON CONFLICT (id) DO UPDATE SET first_id = excluded.first_id, first_day = excluded.first_day
"""
REFERENCES = (
    ("program_id, partner_id", "partner_programs (program_id, partner_id)"),
    ("program_id, customer_id", "customers (program_id, id)"),
    ("link_id", "referral_links (id)"),
)


def kept_table(month: Month) -> str:
    """Return the name of the partition of clicks that stay from before a month."""
    return f"{CLICKS}_before_{month.year}_{month.number:02}"


def make_kept(name: str, month: Month, *, is_cluster: bool) -> Iterator[str]:
    """Yield the commands that make it, unless an earlier attempt has. Its check saves reading it to attach it."""
    yield f"CREATE TABLE IF NOT EXISTS {name} (LIKE {CLICKS} INCLUDING ALL)"
    if is_cluster:
        yield f"""
            SELECT create_distributed_table('{name}', 'program_id', colocate_with => '{CLICKS}') FROM pg_dist_partition
            WHERE logicalrelid = '{CLICKS}'::regclass
            AND NOT EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = '{name}'::regclass)
        """  # noqa: S608  our own names
    yield (
        f"CREATE UNIQUE INDEX IF NOT EXISTS uq_{name}_event_id ON {name} (program_id, event_id) "
        "WHERE event_id IS NOT NULL"
    )
    yield f"ALTER TABLE {name} DROP CONSTRAINT IF EXISTS ids"
    yield f"ALTER TABLE {name} ADD CONSTRAINT ids CHECK (id < {month.first_id})"
    for columns, referred in REFERENCES:
        constraint = f"fk_{CLICKS}_{columns.replace(', ', '_')}"
        yield f"ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {constraint}"
        yield f"ALTER TABLE {name} ADD CONSTRAINT {constraint} FOREIGN KEY ({columns}) REFERENCES {referred}"


def keep(name: str) -> str:
    """Return the statement that copies the clicks that customers are bound by or conversions were credited to."""
    return f"""
        INSERT INTO {name} SELECT click.* FROM {CLICKS} click WHERE click.id < :end_id AND (program_id, id) IN (
            SELECT program_id, bound_event_id FROM customers WHERE bound_event_id < :end_id
            UNION SELECT program_id, click_event_id FROM affiliate_lead_events WHERE click_event_id < :end_id
            UNION SELECT program_id, click_event_id FROM affiliate_sales WHERE click_event_id < :end_id
            UNION SELECT program_id, click_event_id FROM conversion_bookings WHERE click_event_id < :end_id
        )
    """  # noqa: S608  our own names


def count_dropped(name: str) -> str:
    """Return the statement that adds the clicks that go to those that counters go on counting; their number."""
    return f"""
        WITH counted AS MATERIALIZED (
            SELECT program_id, partner_id, link_id, count(*) AS clicks, max(occurred_at) AS last_at FROM {CLICKS} click
            WHERE id < :end_id AND NOT EXISTS (
                SELECT 1 FROM {name} kept WHERE kept.program_id = click.program_id AND kept.id = click.id
            )
            GROUP BY program_id, partner_id, link_id
        ), dropped AS (
            INSERT INTO dropped_clicks (program_id, partner_id, link_id, clicks, last_at) SELECT * FROM counted
            ON CONFLICT (program_id, partner_id, link_id) DO UPDATE SET
                clicks = dropped_clicks.clicks + excluded.clicks,
                last_at = greatest(dropped_clicks.last_at, excluded.last_at)
        )
        SELECT sum(clicks) FROM counted
    """  # noqa: S608  our own names


def replace(partitions: Sequence[str], kept: str, month: Month) -> Iterator[str]:
    """Yield the commands that put the clicks that stay in the place of partitions."""
    for name in partitions:
        yield f"ALTER TABLE {CLICKS} DETACH PARTITION {name}"
    yield f"ALTER TABLE {CLICKS} ATTACH PARTITION {kept} FOR VALUES FROM (MINVALUE) TO ({month.first_id})"
    yield f"ALTER TABLE {kept} DROP CONSTRAINT ids"
    for name in partitions:
        yield f"DROP TABLE {name}"
