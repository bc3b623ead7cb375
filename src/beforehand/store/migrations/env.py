"""Run by Alembic; the connection is handed in by `store.database`, inside its transaction."""

from alembic import context

from beforehand.store.models import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, transaction_per_migration=False
)
context.run_migrations()
