"""From instances that came in to a study that is taken as arrived.

What came is written down first (`Arrivals`), so a crash at any point leaves a study that is still
unsettled, and the next start takes it up: jobs are submitted before the study is settled, and
submitting twice is one job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from overread.pipeline.dispatch import Dispatcher
from overread.pipeline.ports import Arrival, Arrivals, EventLog
from overread.vocabulary.errors import NotFound, OverreadError, Unavailable
from overread.vocabulary.event import EventKind

_LOOK_SECONDS = 0.5
"""How often to look for what another process (an import) wrote down."""

_RETRY_SECONDS = 5.0

log = structlog.get_logger()


@dataclass(slots=True)
class ArrivalWatch:
    """Dispatches each study once it has been quiet.

    Attributes:
        quiet_seconds: how long nothing may have come.
        now: the clock.
    """

    arrivals: Arrivals
    events: EventLog
    dispatcher: Dispatcher
    quiet_seconds: float
    now: Callable[[], datetime]
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _not_before: dict[str, datetime] = field(default_factory=dict)

    def wake(self) -> None:
        """Something came: look now. Call it on the watch's own loop."""
        self._wake.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            wait_seconds = await self.dispatch_quiet_ones()
            try:
                await asyncio.wait_for(self._wake.wait(), wait_seconds)
            except TimeoutError:
                continue
            self._wake.clear()

    async def dispatch_quiet_ones(self) -> float:
        """Dispatch what is due; returns the seconds until it is worth looking again."""
        soonest = _LOOK_SECONDS
        for arrival in await self.arrivals.list_unsettled():
            due_in = self._seconds_until_due(arrival)
            if due_in > 0:
                soonest = min(soonest, due_in)
                continue
            try:
                await self._dispatch(arrival)
            except OverreadError as error:
                await self._put_off(arrival, error)
        return soonest

    async def _dispatch(self, arrival: Arrival) -> None:
        study_uid, fingerprint = arrival.study_instance_uid, arrival.fingerprint
        await self.events.append_once(
            f"{study_uid}:{fingerprint}:arrived",
            EventKind.STUDY_ARRIVED,
            study_uid,
            arrival.to_event_data(),
        )
        await self.dispatcher.dispatch(study_uid, arrival.facts.priority, fingerprint)
        await self.arrivals.settle(study_uid, fingerprint)

    async def _put_off(self, arrival: Arrival, error: OverreadError) -> None:
        """An archive that does not answer is asked again; anything else is said and settled."""
        log.warning("study not dispatched", error=type(error).__name__)
        if isinstance(error, Unavailable | NotFound):
            later = datetime.timestamp(self.now()) + _RETRY_SECONDS
            self._not_before[arrival.study_instance_uid] = datetime.fromtimestamp(
                later, tz=self.now().tzinfo
            )
            return
        await self.events.append_once(
            f"{arrival.study_instance_uid}:{arrival.fingerprint}:not-dispatched",
            EventKind.ANALYSIS_FAILED,
            arrival.study_instance_uid,
            {
                "job_id": "",
                "model": "",
                "reason": error.message,
                "remedy": "Mend that, then ask for the analysis again.",
            },
        )
        await self.arrivals.settle(arrival.study_instance_uid, arrival.fingerprint)

    def _seconds_until_due(self, arrival: Arrival) -> float:
        now = self.now()
        last = datetime.fromisoformat(arrival.last_received_at)
        due_in = self.quiet_seconds - (now - last).total_seconds()
        put_off = self._not_before.get(arrival.study_instance_uid)
        if put_off is not None:
            due_in = max(due_in, (put_off - now).total_seconds())
        return due_in
