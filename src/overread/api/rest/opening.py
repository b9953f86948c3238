"""Who saw images of which study, in the audit: once for a while, by whatever address they came."""

from __future__ import annotations

import time
from collections import OrderedDict

from overread.access.role import Principal
from overread.audit.event import AuditAction
from overread.audit.ports import AuditTrail

REMEMBERED_SECONDS = 600.0
_MAX_REMEMBERED = 10_000


class Openings:
    """Remembers what this process recorded of late, so that a frame costs no audit row of its
    own."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail
        self._recorded: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def record(self, principal: Principal, study: str) -> None:
        """A study is opened.

        Raises:
            Unavailable: the audit takes nothing, so nothing may be shown.
        """
        await self._trail.record(principal.name, AuditAction.STUDY_OPENED, study_instance_uid=study)
        self._recorded[principal.name, study] = time.monotonic()
        self._recorded.move_to_end((principal.name, study))
        if len(self._recorded) > _MAX_REMEMBERED:
            self._recorded.popitem(last=False)

    async def ensure(self, principal: Principal, study: str) -> None:
        """Images of a study are shown: recorded unless it was of late. Raises as `record`."""
        recorded_at = self._recorded.get((principal.name, study))
        if recorded_at is None or time.monotonic() - recorded_at > REMEMBERED_SECONDS:
            await self.record(principal, study)
