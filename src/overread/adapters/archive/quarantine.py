"""Refused files in a folder, with the reason for each in an index beside them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    func,
    insert,
    select,
    update,
)

from overread.adapters.archive.sqlite import open_sqlite, translated
from overread.study.ports import QuarantinedFile

MAX_ENTRIES = 100_000
"""Entries beyond these push out the oldest, so that a flood fills no disk."""

metadata = MetaData()
entries = Table(
    "quarantined",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("quarantine_id", String(32), unique=True, nullable=False),
    Column("received_at", String, nullable=False),
    Column("source", String, nullable=False),
    Column("file_name", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("remedy", String, nullable=False),
    Column("study_uid", String),
    Column("digest", String(64), nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("is_kept", Boolean, nullable=False),
)


class FolderQuarantine:
    """A `Quarantine` in one folder: `quarantine.sqlite` and the files by their digest."""

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Raises Unavailable where the folder can't be used.

        Args:
            max_bytes: size of all kept files together; the oldest give way.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._now = now
        with translated("quarantine"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._engine = open_sqlite(folder / "quarantine.sqlite", metadata)

    def close(self) -> None:
        """Give back the database connections."""
        self._engine.dispose()

    async def put(
        self,
        file: Path,
        source: str,
        reason: str,
        remedy: str,
        *,
        file_name: str = "",
        study_instance_uid: str | None = None,
    ) -> QuarantinedFile:
        values = {
            "source": source,
            "file_name": file_name[:255],
            "reason": reason[:2000],
            "remedy": remedy[:2000],
            "study_uid": study_instance_uid,
        }
        return await asyncio.to_thread(self._put, file, values)

    async def list_items(self, limit: int = 1000) -> list[QuarantinedFile]:
        return await asyncio.to_thread(self._list, limit)

    async def count(self) -> int:
        return await asyncio.to_thread(self._count)

    def find_file(self, digest: str) -> Path:
        """Where the bytes of this digest are kept, whether or not they still are."""
        return self._folder / f"{digest}.refused"

    def _put(self, file: Path, values: dict[str, Any]) -> QuarantinedFile:
        with translated("quarantine"):
            digest, size = _measure(file)
            fits = size <= self._max_bytes
            with self._engine.connect() as connection:
                # Copied under the write lock, or another process could make room by this file.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                if fits:
                    self._copy(file, digest)
                row = self._find_same(connection, digest, values)
                if row is None:
                    row = self._insert(connection, digest, size, fits, values)
                connection.execute(
                    update(entries).where(entries.c.digest == digest).values(is_kept=fits)
                )
                self._make_room(connection, keep=row.sequence)
                connection.commit()
                return replace(_to_item(row), is_kept=fits)

    def _copy(self, file: Path, digest: str) -> None:
        target = self.find_file(digest)
        if target.exists():
            return
        staged = self._folder / f"{uuid4().hex}.part"
        try:
            shutil.copyfile(file, staged)
            descriptor = os.open(staged, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            staged.rename(target)
        finally:
            staged.unlink(missing_ok=True)

    def _find_same(
        self, connection: Connection, digest: str, values: dict[str, Any]
    ) -> Row[Any] | None:
        return connection.execute(
            select(entries).where(
                entries.c.digest == digest,
                entries.c.source == values["source"],
                entries.c.reason == values["reason"],
            )
        ).first()

    def _insert(
        self, connection: Connection, digest: str, size: int, fits: bool, values: dict[str, Any]
    ) -> Row[Any]:
        identifier = uuid4().hex
        connection.execute(
            insert(entries).values(
                quarantine_id=identifier,
                received_at=self._now().isoformat(),
                digest=digest,
                size_bytes=size,
                is_kept=fits,
                **values,
            )
        )
        return connection.execute(
            select(entries).where(entries.c.quarantine_id == identifier)
        ).one()

    def _make_room(self, connection: Connection, keep: int) -> None:
        """Let the oldest files go until the rest fit; their entries stay, up to `MAX_ENTRIES`."""
        kept = connection.execute(
            select(entries.c.sequence, entries.c.digest, entries.c.size_bytes)
            .where(entries.c.is_kept)
            .order_by(entries.c.sequence)
        ).all()
        sizes = {row.digest: row.size_bytes for row in kept}
        total = sum(sizes.values())
        for row in kept:
            if total <= self._max_bytes:
                break
            if row.sequence == keep or row.digest not in sizes:
                continue
            total -= sizes.pop(row.digest)
            self.find_file(row.digest).unlink(missing_ok=True)
            connection.execute(
                update(entries).where(entries.c.digest == row.digest).values(is_kept=False)
            )
        connection.execute(
            entries.delete().where(entries.c.sequence <= keep - MAX_ENTRIES, ~entries.c.is_kept)
        )

    def _list(self, limit: int) -> list[QuarantinedFile]:
        query = select(entries).order_by(entries.c.sequence.desc()).limit(limit)
        with translated("quarantine"), self._engine.connect() as connection:
            return [_to_item(row) for row in connection.execute(query)]

    def _count(self) -> int:
        with translated("quarantine"), self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(entries)) or 0


def _measure(file: Path) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    with file.open("rb") as source:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _to_item(row: Row[Any]) -> QuarantinedFile:
    return QuarantinedFile(
        quarantine_id=row.quarantine_id,
        received_at=row.received_at,
        source=row.source,
        file_name=row.file_name,
        reason=row.reason,
        remedy=row.remedy,
        study_instance_uid=row.study_uid,
        size_bytes=row.size_bytes,
        is_kept=row.is_kept,
    )
