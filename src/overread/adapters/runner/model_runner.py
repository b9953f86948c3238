"""Runs a model in a process of its own, with limits on time, CPU, memory and disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.adapters.runner.isolation import EXIT_CPU, EXIT_MEMORY
from overread.adapters.runner.wire import read_prediction
from overread.model.card_file import read_card_file
from overread.model.installation import VARIABLE
from overread.model.ports import RunRequest
from overread.model.prediction import Prediction, Progress
from overread.model.registry import ModelKind, RegisteredModel, Registry
from overread.vocabulary.errors import Defect, LimitExceeded, Rejected

DISK_BYTES = 4 * 1024**3
"""What a plug-in or an ONNX model may leave in its scratch folder."""

LOG_NAME = "model.log"
"""In the scratch folder: what the model printed. It may hold identifiers; never shown."""

_LINE_BYTES = 64 * 1024
_DISK_CHECK_SECONDS = 0.5
_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ModelRunner:
    """The port `Runner` over every kind of model in a registry.

    Attributes:
        models_dir: folder of installed weights, handed to the model's process.
        disk_bytes: bound on the scratch folder where the card file sets none.
    """

    registry: Registry
    models_dir: Path
    disk_bytes: int = DISK_BYTES

    async def run(self, request: RunRequest, progress: Progress) -> Prediction:
        """Run one model on one series; see `model.ports.Runner`.

        On cancellation every process of the run is killed before this returns.
        """
        model = self.registry.find_model(request.card.ref.name)
        if model.missing:
            raise Rejected(f"{model.card.title} can't run: {model.missing}")
        disk_bytes = self._find_disk_bytes(model)
        log = os.open(
            request.scratch_folder / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600
        )
        try:
            process = await self._start(request, log)
        finally:
            os.close(log)
        try:
            await asyncio.wait_for(
                self._follow(process, model, request, disk_bytes, progress),
                request.card.timeout_seconds,
            )
        except TimeoutError as error:
            raise LimitExceeded(
                f"{model.card.title} did not answer within "
                f"{request.card.timeout_seconds:g} s and was stopped."
            ) from error
        finally:
            await _kill(process)
        return await asyncio.to_thread(read_prediction, request.scratch_folder, request.card)

    async def ping(self) -> str:
        ready = len(self.registry.list_ready())
        return f"{ready} of {len(self.registry.models)} models can run, each in its own process"

    def _find_disk_bytes(self, model: RegisteredModel) -> int:
        if model.kind is not ModelKind.COMMAND:
            return self.disk_bytes
        command = read_card_file(Path(model.source)).command
        return self.disk_bytes if command is None else command.disk_bytes

    async def _start(self, request: RunRequest, log: int) -> Process:
        temporary = request.scratch_folder / "tmp"
        temporary.mkdir(mode=0o700, exist_ok=True)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "overread.adapters.runner.child_main",
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            cwd=temporary,
            env=_make_environment(temporary, self.models_dir),
            start_new_session=True,
            limit=_LINE_BYTES,
        )

    async def _follow(
        self,
        process: Process,
        model: RegisteredModel,
        request: RunRequest,
        disk_bytes: int,
        progress: Progress,
    ) -> None:
        """Hand the request over and read lines until the process ends."""
        order = {
            "parent": os.getpid(),
            "kind": str(model.kind),
            "source": model.source,
            "series_folder": str(request.series_folder.resolve()),
            "scratch_folder": str(request.scratch_folder.resolve()),
            "memory_bytes": request.card.memory_bytes,
            "disk_bytes": disk_bytes,
            "cpu_seconds": _count_cpu_seconds(request.card.timeout_seconds),
        }
        watch = asyncio.create_task(
            _watch_disk(request.scratch_folder, disk_bytes, model.card.title)
        )
        talk = asyncio.create_task(_talk(process, json.dumps(order).encode(), progress))
        try:
            await asyncio.wait((watch, talk), return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                watch.result()
            ended = await talk
        finally:
            for task in (watch, talk):
                task.cancel()
            await asyncio.gather(watch, talk, return_exceptions=True)
        _judge(ended, await process.wait(), model)


async def _talk(process: Process, order: bytes, progress: Progress) -> dict[str, Any]:
    """Returns how the model says that it ended, {} where it says nothing."""
    if process.stdin is None or process.stdout is None:
        raise Defect("The model's process has no pipes.")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(order)
        await process.stdin.drain()
        process.stdin.close()
    ended: dict[str, Any] = {}
    try:
        async for line in process.stdout:
            message = json.loads(line)
            if "end" in message:
                ended = message
            else:
                progress(float(message["share"]), str(message["message"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Defect("A model's process broke the form of its messages.") from error
    return ended


async def _watch_disk(folder: Path, disk_bytes: int, title: str) -> None:
    """Ends, with LimitExceeded, when the folder has grown past its bound."""
    while await asyncio.to_thread(_measure_bytes, folder) <= disk_bytes:
        await asyncio.sleep(_DISK_CHECK_SECONDS)  # the kernel tells nobody of a folder's size
    raise _passed_disk(title)


def _measure_bytes(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(root) / name).lstat().st_blocks * 512
    return total


def _judge(ended: dict[str, Any], code: int, model: RegisteredModel) -> None:
    """From how the process ended to the error it means; returns where it ended well."""
    title, end = model.card.title, ended.get("end")
    if end == "done":
        return
    if end == "rejected":
        raise Rejected(str(ended["message"]))
    if end == "limit":
        raise LimitExceeded(str(ended["message"]))
    if end == "memory" or (end is None and code == EXIT_MEMORY):
        gigabytes = model.card.memory_bytes / 1024**3
        raise LimitExceeded(f"{title} needed more than its {gigabytes:.1f} GiB of memory.")
    if end == "disk" or code in (128 + signal.SIGXFSZ, -signal.SIGXFSZ):
        raise _passed_disk(title)
    if end is None and code in (EXIT_CPU, -signal.SIGXCPU):
        raise LimitExceeded(f"{title} used more processor time than it may.")
    if end == "defect":
        raise Defect(str(ended["message"]))
    if end == "crash":
        raise Defect(f"{title} crashed with {ended['class']}.")
    raise Defect(f"{title} ended without an answer (status {code}).")


def _count_cpu_seconds(timeout_seconds: float) -> int:
    """All cores for the whole time: bounds what escaped the clock."""
    return int(timeout_seconds * (os.cpu_count() or 1)) + 1


def _passed_disk(title: str) -> LimitExceeded:
    return LimitExceeded(f"{title} wrote more than it may to its scratch folder.")


async def _kill(process: Process) -> None:
    """End the first process, which ends all below it (`isolation`), then kill the whole group."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _END_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # The pipe may still hold lines: without a reader `wait` could wait for ever.
    if process.stdout is not None:
        while await process.stdout.read(_LINE_BYTES):
            pass
    await process.wait()


def _make_environment(temporary: Path, models_dir: Path) -> dict[str, str]:
    """What the model sees: no secret of the server, and threads that repeat."""
    threads = str(os.cpu_count() or 1)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        VARIABLE: str(models_dir),
    }
