"""The embedded archive: files named by their content, found by an index in SQLite.

A file is complete on disk before the index names it, and it is never changed after, so that a
crash leaves at most a file that nobody refers to. Several processes may use one folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from pydicom import Dataset, dcmread
from sqlalchemy import Connection, Row, func, insert, select

from overread.adapters.archive import rows
from overread.adapters.archive.content import holds_equal_content
from overread.adapters.archive.framing import FrameLocation, read_encoded_frame
from overread.adapters.archive.index import (
    INSTANCE_KEYS,
    SERIES_INDEX,
    SERIES_KEYS,
    STUDY_KEYS,
    instances,
    match,
    metadata,
    series,
    studies,
)
from overread.adapters.archive.sqlite import open_sqlite, translated
from overread.study import reading
from overread.study.part10 import FileMap, read_header
from overread.study.ports import EncodedFrame, StoreFailure, StoreReport
from overread.study.study import Study
from overread.vocabulary.errors import NotFound, OverreadError, Rejected
from overread.vocabulary.uid import Uid

CANNOT_UNDERSTAND = 0xC000
DUPLICATE_INSTANCE = 0x0111
OUT_OF_RESOURCES = 0xA700
_BATCH = 64
_ABANDONED_SECONDS = 86_400.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A file copied into the archive's folder, not yet indexed."""

    source: Path
    staged: Path
    digest: str
    size_bytes: int
    found: FileMap
    header: Dataset


class EmbeddedArchive:
    """An `Archive` in one folder: `archive.sqlite` and the files below `files/`."""

    def __init__(self, folder: Path) -> None:
        """Raises Unavailable where the folder can't be used."""
        self._folder = folder
        self._files = folder / "files"
        self._incoming = folder / "incoming"
        with translated("archive"):
            for path in (self._files, self._incoming):
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._engine = open_sqlite(folder / "archive.sqlite", metadata, (SERIES_INDEX,))
            self._remove_abandoned()

    def close(self) -> None:
        """Give back the database connections."""
        self._engine.dispose()

    async def store(self, files: Sequence[Path]) -> StoreReport:
        """See `Archive.store`; each batch of files is confirmed together."""
        stored: list[tuple[Uid, Uid, Uid]] = []
        already: list[tuple[Uid, Uid, Uid]] = []
        failures: list[StoreFailure] = []
        for start in range(0, len(files), _BATCH):
            report = await self._run(self._store_batch, files[start : start + _BATCH])
            stored += report.stored
            already += report.already_there
            failures += report.failures
        return StoreReport(tuple(stored), tuple(already), tuple(failures))

    async def find_studies(
        self, matching: dict[str, str], limit: int, offset: int
    ) -> list[Dataset]:
        return await self._run(self._find_studies, matching, limit, offset)

    async def find_series(self, study_uid: str, matching: dict[str, str]) -> list[Dataset]:
        return await self._run(self._find_series, study_uid, matching)

    async def find_instances(
        self, study_uid: str, series_uid: str | None, matching: dict[str, str]
    ) -> list[Dataset]:
        return await self._run(self._find_instances, study_uid, series_uid, matching)

    async def read_headers(self, study_uid: str, series_uid: str | None = None) -> list[Dataset]:
        return await self._run(self._read_headers, study_uid, series_uid)

    async def read_header(self, study_uid: str, series_uid: str, sop_uid: str) -> Dataset:
        row = await self._run(self._select_instance, study_uid, series_uid, sop_uid)
        return await self._run(self._read_header, row)

    async def read_study(self, study_uid: str) -> Study:
        headers = await self.read_headers(study_uid)
        return await asyncio.to_thread(reading.read_study, headers)

    async def retrieve(self, study_uid: str, series_uid: str, into: Path) -> AsyncIterator[Path]:
        found = await self._run(self._select_instances, study_uid, series_uid)
        for row in found:
            target = into / f"{row.sop_uid}.dcm"
            await self._run(shutil.copyfile, self._path_of(row.digest), target)
            yield target

    async def read_instance(self, study_uid: str, series_uid: str, sop_uid: str) -> bytes:
        path = await self.find_file(study_uid, series_uid, sop_uid)
        return await self._run(path.read_bytes)

    async def find_file(self, study_uid: str, series_uid: str, sop_uid: str) -> Path:
        """The stored file itself, for a server that sends files; only to be read.

        Raises NotFound."""
        row = await self._run(self._select_instance, study_uid, series_uid, sop_uid)
        return self._path_of(row.digest)

    async def read_frame(
        self, study_uid: str, series_uid: str, sop_uid: str, frame: int
    ) -> EncodedFrame:
        return await self._run(self._read_frame, study_uid, series_uid, sop_uid, frame)

    async def ping(self) -> str:
        return await self._run(self._ping)

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run in a thread, with foreign failures in our own words."""

        def call() -> T:
            with translated("archive"):
                return function(*arguments)

        return await asyncio.to_thread(call)

    def _ping(self) -> str:
        with self._engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(instances))
            study_count = connection.scalar(select(func.count()).select_from(studies))
        return f"embedded archive: {count} instances in {study_count} studies"

    # Storing

    def _store_batch(self, files: Sequence[Path]) -> StoreReport:
        failures: list[StoreFailure] = []
        staged: list[_Incoming] = []
        try:
            for file in files:
                try:
                    staged.append(self._stage(file))
                except Rejected as error:
                    failures.append(StoreFailure("", "", CANNOT_UNDERSTAND, error.message))
            self._place(staged)
            with self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                report = self._index(connection, staged)
                connection.commit()
        finally:
            for item in staged:
                item.staged.unlink(missing_ok=True)
        return StoreReport(report.stored, report.already_there, tuple(failures) + report.failures)

    def _stage(self, file: Path) -> _Incoming:
        """Copy a file next to its final place, durably, and read its header there."""
        staged = self._incoming / f"{uuid4().hex}.part"
        digest = hashlib.sha256()
        size = 0
        try:
            with file.open("rb") as source, staged.open("xb") as target:
                while chunk := source.read(1 << 20):
                    digest.update(chunk)
                    target.write(chunk)
                    size += len(chunk)
                target.flush()
                os.fsync(target.fileno())
            found, header = read_header(staged)
            rows.read_identity(header)
        except (OverreadError, OSError):
            staged.unlink(missing_ok=True)
            raise
        return _Incoming(file, staged, digest.hexdigest(), size, found, header)

    def _place(self, staged: Sequence[_Incoming]) -> None:
        """Give files their final names, and make the names durable."""
        touched = set()
        for item in staged:
            path = self._path_of(item.digest)
            if not path.parent.is_dir():
                path.parent.mkdir(exist_ok=True, mode=0o700)
                touched.add(self._files)
            if not path.exists():
                item.staged.rename(path)
                touched.add(path.parent)
        for folder in touched:
            _sync_folder(folder)

    def _index(self, connection: Connection, staged: Sequence[_Incoming]) -> StoreReport:
        stored: list[tuple[Uid, Uid, Uid]] = []
        already: list[tuple[Uid, Uid, Uid]] = []
        failures: list[StoreFailure] = []
        for item in staged:
            uids = rows.read_identity(item.header)
            known = connection.execute(
                select(instances.c.digest).where(instances.c.sop_uid == uids[2])
            ).scalar()
            if known is None:
                self._insert(connection, item)
                stored.append(uids)
            elif known == item.digest or holds_equal_content(
                self._path_of(known), self._path_of(item.digest)
            ):
                already.append(uids)
            else:
                failures.append(
                    StoreFailure(
                        str(item.header.SOPClassUID),
                        uids[2],
                        DUPLICATE_INSTANCE,
                        "duplicate SOP Instance UID with other content",
                    )
                )
            if known is not None and known != item.digest:
                self._remove_unreferenced(connection, item.digest)
        return StoreReport(tuple(stored), tuple(already), tuple(failures))

    def _insert(self, connection: Connection, item: _Incoming) -> None:
        header = item.header
        connection.execute(insert(studies).prefix_with("OR IGNORE").values(rows.study_row(header)))
        connection.execute(insert(series).prefix_with("OR IGNORE").values(rows.series_row(header)))
        connection.execute(
            insert(instances).values(
                digest=item.digest,
                size_bytes=item.size_bytes,
                **rows.instance_row(header, item.found),
            )
        )

    def _remove_unreferenced(self, connection: Connection, digest: str) -> None:
        """Remove a file whose UID is taken. Nobody else can come to index it meanwhile: its bytes
        hold that same UID, and the caller holds the write lock."""
        count = connection.scalar(
            select(func.count()).select_from(instances).where(instances.c.digest == digest)
        )
        if not count:
            self._path_of(digest).unlink(missing_ok=True)

    def _remove_abandoned(self) -> None:
        """Copies of a process that was killed; a living one needs seconds, not a day."""
        oldest = time.time() - _ABANDONED_SECONDS
        for path in self._incoming.glob("*.part"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)

    # Finding

    def _find_studies(self, matching: dict[str, str], limit: int, offset: int) -> list[Dataset]:
        wanted = dict(matching)
        modality = wanted.pop("ModalitiesInStudy", "")
        query = select(studies).where(match(wanted, STUDY_KEYS))
        if modality:
            within = select(series.c.study_uid).where(match({"Modality": modality}, SERIES_KEYS))
            query = query.where(studies.c.study_uid.in_(within))
        query = query.order_by(
            studies.c.study_date.desc(), studies.c.study_time.desc(), studies.c.study_uid
        )
        with self._engine.connect() as connection:
            found = connection.execute(query.limit(limit).offset(offset)).all()
            return [rows.to_study_dataset(row, *self._sum_up(connection, row)) for row in found]

    def _sum_up(self, connection: Connection, row: Row[Any]) -> tuple[list[str], int, int]:
        """Modalities, number of series and of instances of a study."""
        of_series = connection.execute(
            select(series.c.modality).where(series.c.study_uid == row.study_uid)
        ).scalars()
        modalities = list(of_series)
        count = connection.scalar(
            select(func.count())
            .select_from(instances)
            .where(instances.c.study_uid == row.study_uid)
        )
        return sorted({m for m in modalities if m}), len(modalities), count or 0

    def _find_series(self, study_uid: str, matching: dict[str, str]) -> list[Dataset]:
        counts = (
            select(instances.c.series_uid, func.count().label("instance_count"))
            .where(instances.c.study_uid == study_uid)
            .group_by(instances.c.series_uid)
            .subquery()
        )
        query = (
            select(series, counts.c.instance_count)
            .join(counts, counts.c.series_uid == series.c.series_uid)
            .where(series.c.study_uid == study_uid, match(matching, SERIES_KEYS))
            .order_by(series.c.series_number, series.c.series_uid)
        )
        with self._engine.connect() as connection:
            self._require_study(connection, study_uid)
            return [rows.to_series_dataset(row) for row in connection.execute(query)]

    def _find_instances(
        self, study_uid: str, series_uid: str | None, matching: dict[str, str]
    ) -> list[Dataset]:
        query = select(instances).where(
            instances.c.study_uid == study_uid, match(matching, INSTANCE_KEYS)
        )
        if series_uid is not None:
            query = query.where(instances.c.series_uid == series_uid)
        query = query.order_by(
            instances.c.series_uid, instances.c.instance_number, instances.c.sop_uid
        )
        with self._engine.connect() as connection:
            self._require_study(connection, study_uid)
            return [rows.to_instance_dataset(row) for row in connection.execute(query)]

    def _require_study(self, connection: Connection, study_uid: str) -> None:
        query = select(studies.c.study_uid).where(studies.c.study_uid == study_uid)
        if connection.execute(query).first() is None:
            raise NotFound(f"Study {study_uid} is not in the archive.")

    def _select_instances(self, study_uid: str, series_uid: str | None) -> Sequence[Row[Any]]:
        query = select(instances).where(instances.c.study_uid == study_uid)
        if series_uid is not None:
            query = query.where(instances.c.series_uid == series_uid)
        query = query.order_by(
            instances.c.series_uid, instances.c.instance_number, instances.c.sop_uid
        )
        with self._engine.connect() as connection:
            found = connection.execute(query).all()
        if not found:
            name = f"Study {study_uid}" if series_uid is None else f"Series {series_uid}"
            raise NotFound(f"{name} is not in the archive.")
        return found

    def _select_instance(self, study_uid: str, series_uid: str, sop_uid: str) -> Row[Any]:
        query = select(instances).where(
            instances.c.sop_uid == sop_uid,
            instances.c.series_uid == series_uid,
            instances.c.study_uid == study_uid,
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound(f"Instance {sop_uid} is not in that series of the archive.")
        return row

    # Reading

    def _read_headers(self, study_uid: str, series_uid: str | None) -> list[Dataset]:
        return [self._read_header(row) for row in self._select_instances(study_uid, series_uid)]

    def _read_header(self, row: Row[Any]) -> Dataset:
        with self._path_of(row.digest).open("rb") as file:
            return dcmread(BytesIO(file.read(row.header_end)), stop_before_pixels=True)

    def _read_frame(
        self, study_uid: str, series_uid: str, sop_uid: str, frame: int
    ) -> EncodedFrame:
        row = self._select_instance(study_uid, series_uid, sop_uid)
        location = FrameLocation(
            transfer_syntax_uid=row.transfer_syntax_uid,
            pixel_offset=row.pixel_offset,
            number_of_frames=row.number_of_frames,
            frame_bits=row.frame_bits,
        )
        data = read_encoded_frame(self._path_of(row.digest), location, frame)
        return EncodedFrame(data, row.transfer_syntax_uid)

    def _path_of(self, digest: str) -> Path:
        return self._files / digest[:2] / f"{digest}.dcm"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
