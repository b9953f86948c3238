"""Bring the tables to the form this version expects."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from overread.adapters.store.database import Database

_FOLDER = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Run all steps that are missing, in one transaction; processes that start at once take turns.

    Raises:
        Unavailable: the database does not answer.
    """
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    with database.writing() as connection:
        database.hold_order(connection, "migrate")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
