"""Port AuditTrail: the hash-chained table, to which SQL triggers let rows only be added."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Row, insert, select

from overread.adapters.store.database import Database
from overread.adapters.store.event_log import Clock, read_utc_clock
from overread.adapters.store.schema import audit_event
from overread.audit.event import AuditAction, AuditEvent, Outcome, SealedEvent
from overread.audit.hash_chain import FIRST_HASH, Broken, Intact, seal, verify

_PAGE = 1000


class SqlAuditTrail:
    def __init__(self, database: Database, clock: Clock = read_utc_clock) -> None:
        self._database = database
        self._clock = clock

    async def record(
        self,
        actor: str,
        action: AuditAction,
        outcome: Outcome = Outcome.SUCCESS,
        study_instance_uid: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> SealedEvent:
        return await self._database.run(
            self._record, actor, action, outcome, study_instance_uid, detail or {}
        )

    async def read_after(self, sequence: int, limit: int) -> list[SealedEvent]:
        return await self._database.run(self._read_after, sequence, limit)

    async def verify(self) -> Intact | Broken:
        return await self._database.run(self._verify)

    def _record(
        self,
        actor: str,
        action: AuditAction,
        outcome: Outcome,
        study_uid: str | None,
        detail: dict[str, Any],
    ) -> SealedEvent:
        last_row = (
            select(audit_event.c.sequence, audit_event.c.hash)
            .order_by(audit_event.c.sequence.desc())
            .limit(1)
        )
        with self._database.writing() as connection:
            self._database.hold_order(connection, "audit_event")
            last = connection.execute(last_row).first()
            event = AuditEvent(
                sequence=1 if last is None else int(last.sequence) + 1,
                occurred_at=self._clock().isoformat(timespec="microseconds"),
                actor=actor,
                action=action.value,
                outcome=outcome.value,
                study_instance_uid=study_uid,
                detail=orjson.loads(orjson.dumps(detail)),
            )
            sealed = seal(event, FIRST_HASH if last is None else last.hash)
            connection.execute(
                insert(audit_event).values(
                    sequence=event.sequence,
                    occurred_at=event.occurred_at,
                    actor=actor,
                    action=action.value,
                    outcome=outcome.value,
                    study_instance_uid=study_uid,
                    detail=orjson.dumps(event.detail).decode(),
                    previous_hash=sealed.previous_hash,
                    hash=sealed.hash,
                )
            )
        return sealed

    def _read_after(self, sequence: int, limit: int) -> list[SealedEvent]:
        query = select(audit_event).where(audit_event.c.sequence > sequence)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(audit_event.c.sequence).limit(limit)).all()
        return [_read(row) for row in rows]

    def _verify(self) -> Intact | Broken:
        so_far = Intact(0, FIRST_HASH)
        sequence = 0
        while page := self._read_after(sequence, _PAGE):
            verdict = verify(page, so_far.last_hash, so_far.length)
            if isinstance(verdict, Broken):
                return verdict
            so_far, sequence = verdict, page[-1].event.sequence
        return so_far


def _read(row: Row[Any]) -> SealedEvent:
    event = AuditEvent(
        sequence=int(row.sequence),
        occurred_at=row.occurred_at,
        actor=row.actor,
        action=row.action,
        outcome=row.outcome,
        study_instance_uid=row.study_instance_uid,
        detail=_read_detail(row.detail),
    )
    return SealedEvent(event, row.previous_hash, row.hash)


def _read_detail(text: str) -> dict[str, Any]:
    """What is no JSON was tampered with: its place is kept, and its hash will not fit."""
    try:
        detail = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"unreadable": True}
    return detail if isinstance(detail, dict) else {"unreadable": True}
