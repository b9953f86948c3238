"""One database and the threads that talk to it.

SQLite runs in WAL mode, and every transaction that writes starts with BEGIN IMMEDIATE: writers of
several processes wait for one another at the start and never fail in the middle, and ids are given
in the order of commit. On other databases `hold_order` takes a lock for the same promise.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from overread.vocabulary.errors import Rejected, Unavailable

T = TypeVar("T")

_WRITES = "overread_writes"
_BUSY_TIMEOUT_SECONDS = 20.0
_THREADS = 4


class Database:
    """Raises Unavailable from every call where the database does not answer."""

    def __init__(self, url: str) -> None:
        self.engine = _open_engine(url)
        self._writer = self.engine.execution_options(**{_WRITES: True})
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read transaction: one consistent picture."""
        with _translating(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A write transaction; whatever is raised inside rolls it back."""
        with _translating(), self._writer.begin() as connection:
            yield connection

    def hold_order(self, connection: Connection, name: str) -> None:
        """Until this transaction ends, no other one holds the same name."""
        if self.engine.dialect.name == "postgresql":
            number = zlib.crc32(name.encode())
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": number})

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run a blocking function on one of the store's own threads."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self.engine.dispose()


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        # The driver's words may hold parameters, and these a name: only the kind is passed on.
        raise Unavailable(
            f"The database did not take a statement ({type(error.orig).__name__}). "
            "Check its disk, its locks and `overread check`."
        ) from error
    except SQLAlchemyError as error:
        raise Unavailable(f"The database does not answer ({type(error).__name__}).") from error


def _open_engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    if not parsed.database or parsed.database == ":memory:":
        raise Rejected("The store needs a file: sqlite:///FOLDER/overread.sqlite.")
    Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: it would do so with a deferred BEGIN.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {int(_BUSY_TIMEOUT_SECONDS * 1000)}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
