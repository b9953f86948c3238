"""Port EventLog (and the read side of the worklist): what happened and what it made of each row."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, insert, select, update

from overread.adapters.store.database import Database
from overread.adapters.store.schema import event, worklist_row
from overread.vocabulary.event import Event, EventKind
from overread.worklist import row as worklist
from overread.worklist.document import from_document, to_document
from overread.worklist.projection import project

Clock = Callable[[], datetime]


def read_utc_clock() -> datetime:
    return datetime.now(UTC)


class SqlEventLog:
    """Append-only; a listener is called, on any thread, after each commit of this process."""

    def __init__(self, database: Database, clock: Clock = read_utc_clock) -> None:
        self._database = database
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after each append; returns what takes it away again."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def append(
        self, kind: EventKind, study_instance_uid: str | None, data: dict[str, Any]
    ) -> Event:
        return await self._database.run(self._append, None, kind, study_instance_uid, data)

    async def append_once(
        self, key: str, kind: EventKind, study_instance_uid: str | None, data: dict[str, Any]
    ) -> Event:
        return await self._database.run(self._append, key, kind, study_instance_uid, data)

    async def read_after(self, event_id: int, limit: int = 500) -> list[Event]:
        return await self._database.run(self._read_after, event_id, limit)

    async def read_last_id(self) -> int:
        return await self._database.run(self._read_last_id)

    def _append(
        self, key: str | None, kind: EventKind, study_uid: str | None, data: dict[str, Any]
    ) -> Event:
        with self._database.writing() as connection:
            self._database.hold_order(connection, "event")
            if key is not None:
                query = select(event).where(event.c.once_key == key)
                first = connection.execute(query).first()
                if first is not None:
                    return _read(first)
            occurred_at = self._clock().isoformat(timespec="microseconds")
            done = connection.execute(
                insert(event).values(
                    once_key=key,
                    kind=kind.value,
                    study_instance_uid=study_uid,
                    occurred_at=occurred_at,
                    data=orjson.dumps(data).decode(),
                )
            )
            event_id = int(done.inserted_primary_key[0])  # type: ignore[index]  # one was inserted
            # What is projected is what a reader of the table would get back.
            kept = orjson.loads(orjson.dumps(data))
            happened = Event(event_id, kind, study_uid, occurred_at, kept)
            _project(connection, happened)
        for listener in tuple(self._listeners):
            listener()
        return happened

    def _read_after(self, event_id: int, limit: int) -> list[Event]:
        query = select(event).where(event.c.event_id > event_id)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(event.c.event_id).limit(limit)).all()
        return [_read(row) for row in rows]

    def _read_last_id(self) -> int:
        with self._database.reading() as connection:
            return _last_id(connection)


class SqlWorklist:
    """Port Worklist over the rows that SqlEventLog writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_rows(self, limit: int) -> tuple[list[worklist.Row], int]:
        return await self._database.run(self._list_rows, limit)

    async def find_rows(self, study_instance_uids: Collection[str]) -> dict[str, worklist.Row]:
        return await self._database.run(self._find_rows, study_instance_uids)

    def _list_rows(self, limit: int) -> tuple[list[worklist.Row], int]:
        query = select(worklist_row.c.document).order_by(
            worklist_row.c.received_at.desc(), worklist_row.c.study_instance_uid
        )
        with self._database.reading() as connection:
            last_id = _last_id(connection)
            documents = connection.execute(query.limit(limit)).scalars().all()
        return [from_document(document) for document in documents], last_id

    def _find_rows(self, study_instance_uids: Collection[str]) -> dict[str, worklist.Row]:
        query = select(worklist_row.c.study_instance_uid, worklist_row.c.document).where(
            worklist_row.c.study_instance_uid.in_(list(study_instance_uids))
        )
        with self._database.reading() as connection:
            found = connection.execute(query).all()
        return {uid: from_document(document) for uid, document in found}


def _project(connection: Connection, happened: Event) -> None:
    uid = happened.study_instance_uid
    if uid is None:
        return
    place = worklist_row.c.study_instance_uid == uid
    document = connection.execute(select(worklist_row.c.document).where(place)).scalar()
    row = project(None if document is None else from_document(document), happened)
    if row is None:
        return
    values = {
        "received_at": row.received_at,
        "event_id": happened.event_id,
        "document": to_document(row),
    }
    if document is None:
        connection.execute(insert(worklist_row).values(study_instance_uid=uid, **values))
    else:
        connection.execute(update(worklist_row).where(place).values(**values))


def _last_id(connection: Connection) -> int:
    return int(connection.execute(select(func.max(event.c.event_id))).scalar() or 0)


def _read(row: Row[Any]) -> Event:
    return Event(
        event_id=int(row.event_id),
        kind=EventKind(row.kind),
        study_instance_uid=row.study_instance_uid,
        occurred_at=row.occurred_at,
        data=orjson.loads(row.data),
    )
