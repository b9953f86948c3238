"""The durable engine of one machine: DBOS on SQLite inside this process.

DBOS does not take over the work of another process, and two processes under one executor id would
run a step twice at once. So the journal belongs to one live process, which holds a lock beside it.
DBOS is one instance a process: so is this engine.
"""

from __future__ import annotations

import asyncio
import contextvars
import fcntl
import itertools
import logging
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import sqlalchemy
import structlog
from dbos import (
    DBOS,
    DBOSPortableJSONSerializer,
    SetEnqueueOptions,
    SetWorkflowID,
)
from dbos import error as dbos_error

from overread.adapters.engine.attempt import (
    Clock,
    RetryRule,
    find_deadline,
    tell_failed,
    to_failure,
    to_outcome,
    try_step,
    write_json,
)
from overread.pipeline.ports import JobEnd, JobOutcome, Line, OnFailed, StepFunction
from overread.vocabulary.errors import Conflict, Defect, NotFound, Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")

_QUEUE = "line"
_WORKFLOW = "overread-line"
_EXECUTOR = "overread"
_POLL_SECONDS = 0.1
_MAX_STARTS = 10
"""A run found unfinished this often has probably ended the process each time."""


class DbosEngine:
    """Runs `jobs_at_once` lines at a time and goes on where a killed process was.

    Args:
        database: the journal's own SQLite file; its folder must exist.
        on_held: called by `start` once this process alone holds the journal, before anything
            runs: the moment to clear away what a dead process left.
    """

    _live: ClassVar[DbosEngine | None] = None

    def __init__(
        self,
        line: Line,
        database: Path,
        *,
        clock: Clock,
        on_failed: OnFailed,
        retry: RetryRule | None = None,
        jobs_at_once: int = 1,
        on_held: Callable[[], None] | None = None,
    ) -> None:
        self._on_held = on_held
        self._line = line
        self._database = database
        self._clock = clock
        self._on_failed = on_failed
        self._retry = retry or RetryRule()
        self._jobs_at_once = jobs_at_once
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._lock: int | None = None
        self._sqlite: sqlalchemy.Engine | None = None
        self._workflow: Callable[..., Any] | None = None
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        if DbosEngine._live is not None:
            raise Conflict("One process holds one durable engine, and this one has it already.")
        self._lock = _take_lock(self._database.with_name(f"{self._database.name}.lock"))
        DbosEngine._live = self
        self._stopped.clear()
        if self._on_held is not None:
            self._on_held()
        self._workflow = DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)(self._make_run())
        self._sqlite = _open_sqlite(self._database)
        quieten_dbos()
        DBOS(config=self._say_config())
        # Not in a thread: DBOS runs the steps on the loop that launches it.
        DBOS.launch()
        await _outside(
            lambda: DBOS.register_queue_async(
                _QUEUE,
                worker_concurrency=self._jobs_at_once,
                polling_interval_sec=_POLL_SECONDS,
                on_conflict="always_update",
            )
        )
        await self._restart_older()

    async def submit(self, job_id: str, value: dict[str, Any], priority: int) -> None:
        checked = write_json(value, f"the input of {job_id}")
        # Deadlines start at 1: DBOS would put an unset priority before all others.
        deadline = find_deadline(priority)

        async def enqueue() -> None:
            with SetWorkflowID(job_id), SetEnqueueOptions(priority=deadline):
                await DBOS.enqueue_workflow_async(_QUEUE, self._workflow, job_id, checked)

        await _outside(enqueue)

    async def wait(self, job_id: str) -> JobOutcome:
        result = asyncio.ensure_future(_outside(partial(self._read_outcome, job_id)))
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({result, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if result.done():
                return result.result()
            raise Unavailable("The engine was stopped; the run goes on at the next start.")
        finally:
            result.cancel()
            stopped.cancel()

    async def cancel(self, job_id: str) -> None:
        if await _outside(partial(DBOS.get_workflow_status_async, job_id)) is None:
            raise NotFound(f"No run is called {job_id!r}.")
        await _outside(partial(DBOS.cancel_workflow_async, job_id))
        task = self._running.get(job_id)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def stop(self) -> None:
        if DbosEngine._live is not self:
            return
        self._stopped.set()
        running = list(self._running.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(max_workers=1) as aside:
            await loop.run_in_executor(aside, lambda: DBOS.destroy(destroy_registry=True))
        # DBOS made its own threads the loop's, and has just ended them.
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="overread"))
        if self._sqlite is not None:
            self._sqlite.dispose()
        if self._lock is not None:
            os.close(self._lock)
        self._lock = self._sqlite = self._workflow = DbosEngine._live = None

    def _say_config(self) -> dict[str, Any]:
        return {
            "name": "overread",
            "system_database_url": f"sqlite:///{self._database}",
            "system_database_engine": self._sqlite,
            "serializer": DBOSPortableJSONSerializer(),
            "executor_id": _EXECUTOR,
            "application_version": self._version,
            "enable_otlp": False,
            "log_level": "ERROR",
            # Messages are not used, but stopping waits for the thread that looks for them.
            "notification_listener_polling_interval_sec": 0.5,
            "max_executor_threads": 32,
        }

    @property
    def _version(self) -> str:
        return f"{self._line.name} {self._line.version}"

    def _make_run(self) -> Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]:
        async def run_line(job_id: str, value: dict[str, Any]) -> dict[str, Any]:
            task = asyncio.current_task()
            if self._stopped.is_set() or task is None:
                raise asyncio.CancelledError  # leaves the run pending for the next start
            self._running[job_id] = task
            try:
                return await self._run(job_id, value)
            finally:
                del self._running[job_id]

        return run_line

    async def _run(self, job_id: str, value: dict[str, Any]) -> dict[str, Any]:
        status = await _outside(partial(DBOS.get_workflow_status_async, job_id))
        if status is not None and (status.recovery_attempts or 0) > _MAX_STARTS:
            failure = to_failure(
                "begin",
                Defect(
                    f"This run was found unfinished {_MAX_STARTS} times: it seems to end the "
                    "server each time, and is not tried again."
                ),
            )
            ended = {"value": value, "failure": failure}
        else:
            ended = await self._run_steps(value)
        if "failure" in ended:
            await tell_failed(self._on_failed, job_id, ended["value"], ended["failure"])
        return ended

    async def _run_steps(self, value: dict[str, Any]) -> dict[str, Any]:
        merged = dict(value)
        for name, step in (("begin", self._begin), *self._line.steps):
            try:
                said = await self._run_step(name, step, merged)
            except dbos_error.DBOSUnexpectedStepError as error:
                log.error("journal_of_another_line", step=name)
                defect = Defect(
                    "The journal tells of other steps than this version of the line has: its "
                    "version number was not raised."
                )
                defect.__cause__ = error
                said = {"failure": to_failure(name, defect)}
            if "failure" in said:
                return {"value": merged, "failure": said["failure"]}
            merged = {**merged, **said["value"]}
        return {"value": merged}

    async def _begin(self, _value: dict[str, Any]) -> dict[str, Any]:
        return {"started_at": self._clock().isoformat()}

    async def _run_step(
        self, name: str, step: StepFunction, merged: dict[str, Any]
    ) -> dict[str, Any]:
        """Attempts and the waits between them are journalled, so that a restart goes on
        counting."""
        for attempt in itertools.count(1):
            options = {"name": name if attempt == 1 else f"{name} {attempt}"}
            said: dict[str, Any] = await DBOS.run_step_async(options, try_step, name, step, merged)
            if "value" in said:
                return said
            seconds = self._retry.wait_seconds(said["failure"], attempt)
            if seconds is None:
                return said
            await DBOS.sleep_async(seconds)
        raise AssertionError

    async def _read_outcome(self, job_id: str) -> JobOutcome:
        try:
            handle = await DBOS.retrieve_workflow_async(job_id)
            ended = await handle.get_result(polling_interval_sec=_POLL_SECONDS)
        except dbos_error.DBOSNonExistentWorkflowError as error:
            raise NotFound(f"No run is called {job_id!r}.") from error
        except dbos_error.DBOSAwaitedWorkflowCancelledError:
            return JobOutcome(job_id, JobEnd.CANCELLED, {})
        return to_outcome(job_id, ended)

    async def _restart_older(self) -> None:
        """Runs that an older version of the line left go back to its first step, under their own
        id; DBOS would leave them lying."""
        left = await _outside(
            lambda: DBOS.list_workflows_async(
                status=["ENQUEUED", "PENDING", "DELAYED"], name=_WORKFLOW, load_output=False
            )
        )
        for status in left:
            if status.app_version == self._version:
                continue
            job_id = status.workflow_id
            log.warning("run_of_older_line_restarted", job_id=job_id, version=status.app_version)
            await _outside(partial(DBOS.cancel_workflow_async, job_id))
            await _outside(
                partial(
                    DBOS.rewind_workflow_async,
                    job_id,
                    application_version=self._version,
                    queue_name=_QUEUE,
                )
            )


async def _outside(call: Callable[[], Awaitable[T]]) -> T:
    """Call DBOS as from outside any run: inside a step it would take the call for a part of it."""

    async def run() -> T:
        return await call()

    return await asyncio.create_task(run(), context=contextvars.Context())


def _open_sqlite(database: Path) -> sqlalchemy.Engine:
    """DBOS's own engine has the slow default journal; WAL is five times as fast."""
    engine = sqlalchemy.create_engine(f"sqlite:///{database}")

    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    sqlalchemy.event.listen(engine, "connect", prepare)
    return engine


def _take_lock(path: Path) -> int:
    """Hold the journal until the descriptor is closed or the process ends.

    A record lock and not a lock of the open file: a child process that outlives a killed server
    must not keep it.

    Raises:
        Conflict: another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise Conflict(
            f"Another process already works on {path.with_suffix('').name}. The embedded engine "
            "is for one process on one machine: stop the other, give this one its own data "
            "folder, or run the line on Temporal, which spreads it over many machines."
        ) from error
    return descriptor


def quieten_dbos() -> None:
    """Let DBOS log as everything else does, errors alone."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        # With a handler there, DBOS adds none of its own.
        logger.addHandler(logging.NullHandler())
    logger.propagate = True
    logger.setLevel(logging.ERROR)
