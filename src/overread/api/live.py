"""Live events: one reader of the event table in each process, any number of followers.

Followers hold no queue: each remembers the last id it sent and takes the next ones from a ring
that all share, or from the table where it has fallen behind the ring. A slow one costs nothing and
loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import structlog

from overread.access.role import Principal, Role
from overread.api.ports import LiveEventLog
from overread.api.rest.forms import to_event_view
from overread.vocabulary.errors import OverreadError, Unavailable
from overread.vocabulary.event import Event
from overread.worklist.ports import Worklist
from overread.worklist.row import Row

POLL_SECONDS = 0.1
"""How often other processes' events are looked for; this process's own wake the reader at once."""
HEARTBEAT_SECONDS = 10.0
MAX_FOLLOWERS = 5000

_RING_LENGTH = 1000
_BATCH = 200

log = structlog.get_logger()


class LiveEvent:
    """One event with its study's row as it is now, written once for each set of roles."""

    __slots__ = ("_texts", "event", "row")

    def __init__(self, event: Event, row: Row | None) -> None:
        self.event = event
        self.row = row
        self._texts: dict[frozenset[Role], bytes | None] = {}

    def write_for(self, principal: Principal) -> bytes | None:
        """JSON (`EventView`) of what this principal may see; None where that is nothing."""
        roles = principal.roles
        if roles not in self._texts:
            self._texts[roles] = to_event_view(self.event, self.row, principal)
        return self._texts[roles]


class LiveFeed:
    def __init__(
        self,
        events: LiveEventLog,
        worklist: Worklist,
        poll_seconds: float = POLL_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._events = events
        self._worklist = worklist
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._ring: list[LiveEvent] = []
        self._head = 0
        self._followers = 0
        self._changed = asyncio.Event()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin reading; must be called on the loop that serves."""
        loop = asyncio.get_running_loop()
        self._head = await self._events.read_last_id()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._wake.set)

        self._stop_listening = self._events.listen(wake)
        self._task = asyncio.create_task(self._read(), name="live feed")

    async def stop(self) -> None:
        """End reading, and every stream with it."""
        if self._task is None:
            return
        self._stop_listening()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        self._announce()

    async def follow(
        self, after: int | None, principal: Principal
    ) -> AsyncGenerator[tuple[int, str, bytes] | None, None]:
        """(event id, kind, JSON) of every event after an id that the principal may see, for ever;
        None now and then while nothing happens, so that a dead connection is noticed.

        Args:
            after: the last id seen; None begins with what happens next. An id beyond the last
                one that exists counts as the last one.

        Raises:
            Unavailable: too many follow already.
        """
        if self._followers >= MAX_FOLLOWERS:
            raise Unavailable(f"{MAX_FOLLOWERS} streams are open here already.", 10.0)
        self._followers += 1
        self._wake.set()
        try:
            newest = await self._events.read_last_id()
            last = newest if after is None else min(after, newest)
            while self._task is not None:
                changed = self._changed
                batch = await self._read_from(last)
                for live in batch:
                    last = live.event.event_id
                    text = live.write_for(principal)
                    if text is not None:
                        yield last, live.event.kind.value, text
                if not batch and not await self._wait(changed):
                    yield None
        finally:
            self._followers -= 1

    async def wait_for_change(self, seconds: float) -> None:
        """Until something happens, or so long."""
        self._followers += 1
        self._wake.set()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        finally:
            self._followers -= 1

    async def _wait(self, changed: asyncio.Event) -> bool:
        try:
            async with asyncio.timeout(self._heartbeat_seconds):
                await changed.wait()
        except TimeoutError:
            return False
        return True

    async def _read_from(self, last: int) -> Sequence[LiveEvent]:
        if self._ring and self._ring[0].event.event_id <= last + 1:
            first = next(
                (i for i, live in enumerate(self._ring) if live.event.event_id > last),
                len(self._ring),
            )
            return self._ring[first : first + _BATCH]
        if self._head <= last:
            return ()
        return await self._join_rows(await self._events.read_after(last, _BATCH))

    async def _join_rows(self, events: Sequence[Event]) -> list[LiveEvent]:
        studies = {event.study_instance_uid for event in events if event.study_instance_uid}
        rows = await self._worklist.find_rows(studies) if studies else {}
        return [LiveEvent(event, rows.get(event.study_instance_uid or "")) for event in events]

    async def _read(self) -> None:
        while True:
            self._wake.clear()
            try:
                batch = await self._events.read_after(self._head, _BATCH)
                lives = await self._join_rows(batch)
            except OverreadError as error:
                log.warning("events can't be read", error=type(error).__name__)
                lives = []
            if lives:
                self._ring = [*self._ring, *lives][-_RING_LENGTH:]
                self._head = lives[-1].event.event_id
                self._announce()
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds if self._followers else None):
                    await self._wake.wait()

    def _announce(self) -> None:
        announced, self._changed = self._changed, asyncio.Event()
        announced.set()
