"""The one order of the worklist, over all models: critical, as ordered, then who waits longest.

No model has an order of its own, so a second model can't push a study past a stronger claim of
the first. So that nothing waits for ever behind fresh orders, a study that has waited for
`AGEING` counts as ordered one step higher, and so on; it never passes a critical one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from overread.worklist.showing import ShownRow

AGEING = timedelta(hours=4)
"""Waiting time that lifts a study by one step of order priority."""

_STEPS = {"stat": 0, "high": 1, "routine": 2}


def rank(rows: Iterable[ShownRow], now: datetime) -> list[ShownRow]:
    """Sort, first to be read first.

    `now` has an offset. The order is total: two studies never tie, since the UID decides last.
    """
    return sorted(rows, key=lambda shown: _key(shown, now))


def _key(shown: ShownRow, now: datetime) -> tuple[bool, int, datetime, str]:
    received_at = datetime.fromisoformat(shown.row.received_at)
    lifted = max(0, (now - received_at) // AGEING)
    step = max(0, _STEPS.get(shown.row.priority, _STEPS["routine"]) - lifted)
    return (not shown.is_critical, step, received_at, shown.row.study_instance_uid)
