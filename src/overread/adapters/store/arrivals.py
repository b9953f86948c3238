"""Port Arrivals: which instances came, so that a crash between the last one and the first step of
the line loses nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from overread.adapters.store.database import Database
from overread.adapters.store.event_log import Clock, read_utc_clock
from overread.adapters.store.schema import arrival, arrived_instance
from overread.pipeline.ports import Arrival, ArrivedInstance, StudyFacts
from overread.vocabulary.errors import NotFound
from overread.vocabulary.uid import Uid

_PRIORITY_ORDER = {"stat": 0, "high": 1, "routine": 2}


class SqlArrivals:
    def __init__(self, database: Database, clock: Clock = read_utc_clock) -> None:
        self._database = database
        self._clock = clock

    async def record(self, instances: Sequence[ArrivedInstance]) -> list[Arrival]:
        return await self._database.run(self._record, instances)

    async def read(self, study_instance_uid: str) -> Arrival:
        return await self._database.run(self._read, study_instance_uid)

    async def list_unsettled(self) -> list[Arrival]:
        return await self._database.run(self._list_unsettled)

    async def settle(self, study_instance_uid: str, fingerprint: str) -> Arrival:
        return await self._database.run(self._settle, study_instance_uid, fingerprint)

    def _record(self, instances: Sequence[ArrivedInstance]) -> list[Arrival]:
        ordered = sorted(instances, key=lambda instance: instance.study_instance_uid)
        with self._database.writing() as connection:
            self._database.hold_order(connection, "arrival")
            return [
                self._record_study(connection, study_uid, list(group))
                for study_uid, group in groupby(ordered, lambda i: i.study_instance_uid)
            ]

    def _record_study(
        self, connection: Connection, study_uid: Uid, instances: list[ArrivedInstance]
    ) -> Arrival:
        known = _list_instances(connection, study_uid)
        new = {i.sop_instance_uid: i for i in instances if i.sop_instance_uid not in known}
        if new:
            connection.execute(
                insert(arrived_instance),
                [
                    {
                        "study_instance_uid": study_uid,
                        "sop_instance_uid": i.sop_instance_uid,
                        "series_instance_uid": i.series_instance_uid,
                        "modality": i.modality,
                    }
                    for i in new.values()
                ],
            )
        self._write_study(connection, study_uid, instances, known | new.keys(), bool(new))
        found = _find(connection, study_uid)
        return found if found is not None else _missing(study_uid)

    def _write_study(
        self,
        connection: Connection,
        study_uid: Uid,
        instances: list[ArrivedInstance],
        sop_uids: set[str],
        is_grown: bool,
    ) -> None:
        place = arrival.c.study_instance_uid == study_uid
        row = connection.execute(select(arrival).where(place)).first()
        facts = StudyFacts() if row is None else StudyFacts(**orjson.loads(row.facts))
        for instance in instances:
            facts = _fill_gaps(facts, instance.facts)
        now = self._clock().isoformat(timespec="microseconds")
        fingerprint = _fingerprint(sop_uids)
        values: dict[str, Any] = {
            "facts": orjson.dumps(asdict(facts)).decode(),
            "fingerprint": fingerprint,
        }
        if row is None:
            times = {"first_received_at": now, "last_received_at": now}
            connection.execute(
                insert(arrival).values(
                    study_instance_uid=study_uid, is_settled=False, **times, **values
                )
            )
            return
        if is_grown:
            values["last_received_at"] = now
        values["is_settled"] = row.settled_fingerprint == fingerprint
        connection.execute(update(arrival).where(place).values(**values))

    def _read(self, study_uid: str) -> Arrival:
        with self._database.reading() as connection:
            found = _find(connection, study_uid)
        return found if found is not None else _missing(study_uid)

    def _list_unsettled(self) -> list[Arrival]:
        query = select(arrival.c.study_instance_uid).where(arrival.c.is_settled.is_(False))
        with self._database.reading() as connection:
            uids = connection.execute(query.order_by(arrival.c.first_received_at)).scalars().all()
            found = [_find(connection, uid) for uid in uids]
        return [one for one in found if one is not None]

    def _settle(self, study_uid: str, fingerprint: str) -> Arrival:
        place = arrival.c.study_instance_uid == study_uid
        with self._database.writing() as connection:
            connection.execute(
                update(arrival)
                .where(place)
                .values(
                    settled_fingerprint=fingerprint,
                    is_settled=arrival.c.fingerprint == fingerprint,
                )
            )
            found = _find(connection, study_uid)
        return found if found is not None else _missing(study_uid)


def _missing(study_uid: str) -> Arrival:
    raise NotFound(f"Nothing of study {study_uid} has arrived here.")


def _list_instances(connection: Connection, study_uid: str) -> set[str]:
    query = select(arrived_instance.c.sop_instance_uid).where(
        arrived_instance.c.study_instance_uid == study_uid
    )
    return set(connection.execute(query).scalars())


def _find(connection: Connection, study_uid: str) -> Arrival | None:
    query = select(arrival).where(arrival.c.study_instance_uid == study_uid)
    row = connection.execute(query).first()
    return None if row is None else _read_arrival(connection, row)


def _read_arrival(connection: Connection, row: Row[Any]) -> Arrival:
    query = select(arrived_instance.c.series_instance_uid, arrived_instance.c.modality).where(
        arrived_instance.c.study_instance_uid == row.study_instance_uid
    )
    instances = connection.execute(query).all()
    return Arrival(
        study_instance_uid=Uid(row.study_instance_uid),
        first_received_at=row.first_received_at,
        last_received_at=row.last_received_at,
        instances_received=len(instances),
        series_count=len({series for series, _ in instances}),
        modalities=tuple(sorted({modality for _, modality in instances if modality})),
        facts=StudyFacts(**orjson.loads(row.facts)),
        fingerprint=row.fingerprint,
        settled_fingerprint=row.settled_fingerprint,
    )


def _fingerprint(sop_uids: set[str]) -> str:
    return hashlib.sha256("\n".join(sorted(sop_uids)).encode()).hexdigest()


def _fill_gaps(known: StudyFacts, told: StudyFacts) -> StudyFacts:
    texts = {
        name: value or getattr(told, name)
        for name, value in asdict(known).items()
        if name not in ("priority", "is_synthetic")
    }
    return StudyFacts(
        **texts,
        priority=min(known.priority, told.priority, key=lambda p: _PRIORITY_ORDER.get(p, 2)),
        is_synthetic=known.is_synthetic or told.is_synthetic,
    )
