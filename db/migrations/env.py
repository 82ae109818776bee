"""Run the revisions on the connection that `db.engine.migrate` hands over; there is no ini file and no offline mode."""

from alembic import context

from db.schema.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite changes a table by copying it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
