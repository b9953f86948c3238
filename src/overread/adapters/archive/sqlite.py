"""One way to open a SQLite file that several processes share, and to name its failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from overread.vocabulary.errors import Unavailable

BUSY_TIMEOUT_MS = 30_000


def open_sqlite(path: Path, metadata: MetaData, further: Sequence[str] = ()) -> Engine:
    """Open a file and make its missing tables; safe for several processes at once.

    Args:
        further: statements to run after the tables are there, each harmless when repeated.
    """
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        # What was confirmed must outlive a power cut.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        metadata.create_all(connection)
        for statement in further:
            connection.exec_driver_sql(statement)
        connection.commit()
    return engine


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Failures of the database and the disk in our own words.

    Raises:
        Unavailable: instead of either.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(
            f"The {what}'s index does not answer ({type(error).__name__}): see that its disk is "
            "there and not full."
        ) from error
    except OSError as error:
        raise Unavailable(
            f"The {what}'s folder can't be used ({error.strerror}): see that its disk is there "
            "and not full."
        ) from error
