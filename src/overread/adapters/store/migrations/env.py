"""Run by Alembic: migrates on the connection, and in the transaction, that `migrate` holds."""

from __future__ import annotations

from alembic import context

from overread.adapters.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller's transaction holds all of it
)
context.run_migrations()
