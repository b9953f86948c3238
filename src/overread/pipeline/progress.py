"""How far a job is, told to the worklist without flooding it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import TracebackType

from overread.pipeline.ports import EventLog, Jobs, JobState, Json
from overread.vocabulary.event import EventKind

_SMALLEST_STEP = 0.1
"""A share that grew by less than this is not told: a hundred events a job help nobody."""


class ProgressReport:
    """Call it with (share, message); it is written down in the background until the block ends."""

    def __init__(self, jobs: Jobs, events: EventLog, value: Json, step: str) -> None:
        self._jobs = jobs
        self._events = events
        self._value = value
        self._step = step
        self._told: tuple[float, str] | None = None
        self._pending: tuple[float, str] | None = None
        self._wake = asyncio.Event()
        self._is_over = False
        self._writer: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    async def __aenter__(self) -> ProgressReport:
        self._writer = asyncio.create_task(self._write())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over = True
        self._wake.set()
        if self._writer is not None:
            await self._writer

    def __call__(self, share: float, message: str) -> None:
        """May be called from any thread."""
        told = self._pending or self._told
        is_news = told is None or message != told[1] or share - told[0] >= _SMALLEST_STEP
        if is_news:
            self._pending = (share, message)
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._pending is not None:
                self._told, self._pending = self._pending, None
                await self._tell(*self._told)
            elif self._is_over:
                return
            if self._is_over:
                self._wake.set()

    async def _tell(self, share: float, message: str) -> None:
        job = await self._jobs.read(self._value["job_id"])
        await self._jobs.save(
            replace(job, state=JobState.RUNNING, step=self._step, share=share, message=message)
        )
        await self._events.append(
            EventKind.ANALYSIS_PROGRESSED,
            self._value["study_instance_uid"],
            {"job_id": job.job_id, "share": share, "message": message},
        )
