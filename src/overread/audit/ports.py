"""The edge towards where the audit is kept."""

from __future__ import annotations

from typing import Any, Protocol

from overread.audit.event import AuditAction, Outcome, SealedEvent
from overread.audit.hash_chain import Broken, Intact


class AuditTrail(Protocol):
    """Append-only. Raises Unavailable: what can't be audited must not happen."""

    async def record(
        self,
        actor: str,
        action: AuditAction,
        outcome: Outcome = Outcome.SUCCESS,
        study_instance_uid: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> SealedEvent: ...

    async def read_after(self, sequence: int, limit: int) -> list[SealedEvent]:
        """Events with greater sequences, ascending."""
        ...

    async def verify(self) -> Intact | Broken:
        """Follow the whole chain."""
        ...
