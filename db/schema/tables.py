"""All tables: what the migrations build, which a test compares with this. No other code defines the schema.

The large tables carry `program_id` first in every key, so that one program's rows lie together and can be sharded by
program.
"""

from db.schema import clicks, customers, id_blocks, links, partners, programs, rollups, tokens, writers
from db.schema.declarative_base import Base

# Each module has added its tables to the metadata.
MODULES = (programs, partners, links, customers, clicks, rollups, tokens, id_blocks, writers)
METADATA = Base.metadata
