"""Alembic's entry point, which runs the migrations on the connection that `db.engine.migrate` passes in.

There is no ini file and no offline mode.
"""

from alembic import context

from db.schema.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite cannot alter most of a table; batch mode copies it instead.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
