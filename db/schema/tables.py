"""The metadata of all tables. A test checks that the migrations create exactly these.

In large tables `program_id` is the first column of each key, so that a program's rows are stored together and the
tables can be sharded by program.
"""

from db.schema import (
    backfills,
    clicks,
    commissions,
    conversions,
    customers,
    dropped,
    id_blocks,
    integrations,
    links,
    outbox,
    partners,
    programs,
    rollups,
    secrets,
    segments,
    sessions,
    tokens,
    writers,
)
from db.schema.declarative_base import Base

# Each module has added its tables to the metadata.
MODULES = (
    *(programs, partners, links, customers, clicks, backfills, conversions, commissions),
    *(outbox, rollups, dropped, segments, tokens, sessions, secrets, integrations, id_blocks, writers),
)
METADATA = Base.metadata
