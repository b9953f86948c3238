"""Port Results: what models claimed and what people said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, insert, select, update

from overread.access.role import Role
from overread.adapters.store.database import Database
from overread.adapters.store.schema import result, verdict
from overread.pipeline.ports import StoredObject, StoredResult, StoredVerdict
from overread.vocabulary.errors import Conflict, NotFound
from overread.vocabulary.uid import Uid


class SqlResults:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, saved: StoredResult) -> None:
        await self._database.run(self._save, saved)

    async def set_objects(self, result_uid: str, objects: Sequence[StoredObject]) -> None:
        await self._database.run(self._set_objects, result_uid, objects)

    async def read(self, result_uid: str) -> StoredResult:
        return await self._database.run(self._read, result_uid)

    async def list_for_study(self, study_instance_uid: str) -> list[StoredResult]:
        return await self._database.run(self._list_for_study, study_instance_uid)

    async def add_verdict(self, given: StoredVerdict) -> tuple[StoredVerdict, bool]:
        return await self._database.run(self._add_verdict, given)

    async def list_verdicts(self, result_uid: str) -> list[StoredVerdict]:
        return await self._database.run(self._list_verdicts, result_uid)

    def _save(self, saved: StoredResult) -> None:
        place = result.c.result_uid == saved.result_uid
        values: dict[str, Any] = {
            "study_instance_uid": saved.study_instance_uid,
            "series_instance_uid": saved.series_instance_uid,
            "model_name": saved.model_name,
            "document": saved.document,
            "phase": saved.phase,
            "note": saved.note,
            "audience": orjson.dumps(sorted(saved.audience)).decode(),
            "objects": _write_objects(saved.objects),
        }
        with self._database.writing() as connection:
            self._database.hold_order(connection, "result")
            if connection.execute(update(result).where(place).values(**values)).rowcount:
                return
            last = connection.execute(select(func.max(result.c.saved_number))).scalar() or 0
            connection.execute(
                insert(result).values(result_uid=saved.result_uid, saved_number=last + 1, **values)
            )

    def _set_objects(self, result_uid: str, objects: Sequence[StoredObject]) -> None:
        change = update(result).where(result.c.result_uid == result_uid)
        with self._database.writing() as connection:
            done = connection.execute(change.values(objects=_write_objects(objects)))
        if not done.rowcount:
            raise _no_result(result_uid)

    def _read(self, result_uid: str) -> StoredResult:
        query = select(result).where(result.c.result_uid == result_uid)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise _no_result(result_uid)
        return _read_result(row)

    def _list_for_study(self, study_instance_uid: str) -> list[StoredResult]:
        query = select(result).where(result.c.study_instance_uid == study_instance_uid)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(result.c.saved_number)).all()
        return [_read_result(row) for row in rows]

    def _add_verdict(self, given: StoredVerdict) -> tuple[StoredVerdict, bool]:
        with self._database.writing() as connection:
            self._database.hold_order(connection, "verdict")
            first = _find_verdict(connection, given.verdict_id)
            if first is None:
                connection.execute(
                    insert(verdict).values(
                        verdict_id=given.verdict_id,
                        result_uid=given.result_uid,
                        tracking_uid=given.tracking_uid,
                        kind=given.kind,
                        made_by=given.made_by,
                        made_at=given.made_at,
                        document=given.document,
                    )
                )
                return given, True
        if _name_of(first) != _name_of(given):
            raise Conflict(
                f"Verdict {given.verdict_id} was sent before for another result, finding, kind or "
                "person: every verdict needs an id of its own."
            )
        return first, False

    def _list_verdicts(self, result_uid: str) -> list[StoredVerdict]:
        query = select(verdict).where(verdict.c.result_uid == result_uid)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(verdict.c.number)).all()
        return [_read_verdict(row) for row in rows]


def _no_result(result_uid: str) -> NotFound:
    return NotFound(f"No result {result_uid} is known here: it may never have been made.")


def _name_of(given: StoredVerdict) -> tuple[str, str, str, str]:
    return (given.result_uid, given.tracking_uid, given.kind, given.made_by)


def _find_verdict(connection: Connection, verdict_id: str) -> StoredVerdict | None:
    query = select(verdict).where(verdict.c.verdict_id == verdict_id)
    row = connection.execute(query).first()
    return None if row is None else _read_verdict(row)


def _read_verdict(row: Row[Any]) -> StoredVerdict:
    return StoredVerdict(
        verdict_id=row.verdict_id,
        result_uid=Uid(row.result_uid),
        tracking_uid=Uid(row.tracking_uid),
        kind=row.kind,
        made_by=row.made_by,
        made_at=row.made_at,
        document=bytes(row.document),
    )


def _read_result(row: Row[Any]) -> StoredResult:
    return StoredResult(
        result_uid=Uid(row.result_uid),
        study_instance_uid=Uid(row.study_instance_uid),
        series_instance_uid=Uid(row.series_instance_uid),
        model_name=row.model_name,
        document=bytes(row.document),
        phase=row.phase,
        note=row.note,
        audience=frozenset(Role(role) for role in orjson.loads(row.audience)),
        objects=tuple(StoredObject(**item) for item in orjson.loads(row.objects)),
    )


def _write_objects(objects: Sequence[StoredObject]) -> str:
    return orjson.dumps(list(objects)).decode()
