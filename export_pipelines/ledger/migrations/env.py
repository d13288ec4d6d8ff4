"""Alembic's door: runs the migrations on the engine that open_ledger hands over."""

from alembic import context

from export_pipelines.ledger.tables import metadata

engine = context.config.attributes["engine"]
with engine.begin() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
