"""An engine without a journal: for `overread analyze` and tests; a killed run is just gone."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from functools import partial
from typing import Any

from overread.adapters.engine.attempt import (
    Clock,
    RetryRule,
    find_deadline,
    tell_failed,
    to_outcome,
    try_step,
    write_json,
)
from overread.pipeline.ports import JobEnd, JobOutcome, Line, OnFailed
from overread.vocabulary.errors import NotFound, Unavailable


class InProcessEngine:
    """Runs `jobs_at_once` lines at a time, the most urgent first."""

    def __init__(
        self,
        line: Line,
        *,
        clock: Clock,
        on_failed: OnFailed,
        retry: RetryRule | None = None,
        jobs_at_once: int = 1,
    ) -> None:
        self._line = line
        self._clock = clock
        self._on_failed = on_failed
        self._retry = retry or RetryRule()
        self._jobs_at_once = jobs_at_once
        self._waiting: list[tuple[int, int, str, dict[str, Any]]] = []
        self._order = itertools.count()
        self._outcomes: dict[str, asyncio.Future[JobOutcome]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._is_started = False

    async def start(self) -> None:
        self._is_started = True
        self._fill()

    async def submit(self, job_id: str, value: dict[str, Any], priority: int) -> None:
        checked = write_json(value, f"the input of {job_id}")
        if job_id in self._outcomes:
            return
        self._outcomes[job_id] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (find_deadline(priority), next(self._order), job_id, checked))
        self._fill()

    async def wait(self, job_id: str) -> JobOutcome:
        return await asyncio.shield(self._find(job_id))

    async def cancel(self, job_id: str) -> None:
        future = self._find(job_id)
        self._waiting = [entry for entry in self._waiting if entry[2] != job_id]
        heapq.heapify(self._waiting)
        task = self._running.get(job_id)
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if not future.done():
            future.set_result(JobOutcome(job_id, JobEnd.CANCELLED, {}))

    async def stop(self) -> None:
        self._is_started = False
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for future in self._outcomes.values():
            if not future.done():
                future.set_exception(Unavailable("The engine was stopped before this run ended."))
                future.exception()  # so that a run nobody waits for is not complained about

    def _find(self, job_id: str) -> asyncio.Future[JobOutcome]:
        future = self._outcomes.get(job_id)
        if future is None:
            raise NotFound(f"No run is called {job_id!r}.")
        return future

    def _fill(self) -> None:
        while self._is_started and self._waiting and len(self._running) < self._jobs_at_once:
            _, _, job_id, value = heapq.heappop(self._waiting)
            task = asyncio.create_task(self._run(job_id, value))
            self._running[job_id] = task
            task.add_done_callback(partial(self._put_down, job_id))

    def _put_down(self, job_id: str, _task: asyncio.Task[None]) -> None:
        del self._running[job_id]
        self._fill()

    async def _run(self, job_id: str, value: dict[str, Any]) -> None:
        ended = await self._run_steps(value)
        if "failure" in ended:
            await tell_failed(self._on_failed, job_id, ended["value"], ended["failure"])
        future = self._outcomes[job_id]
        if not future.done():
            future.set_result(to_outcome(job_id, ended))

    async def _run_steps(self, value: dict[str, Any]) -> dict[str, Any]:
        merged = {**value, "started_at": self._clock().isoformat()}
        for name, step in self._line.steps:
            for attempt in itertools.count(1):
                said = await try_step(name, step, merged)
                if "value" in said:
                    break
                seconds = self._retry.wait_seconds(said["failure"], attempt)
                if seconds is None:
                    return {"value": merged, "failure": said["failure"]}
                await asyncio.sleep(seconds)
            merged = {**merged, **said["value"]}
        return {"value": merged}
