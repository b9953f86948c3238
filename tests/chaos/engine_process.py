"""A process that runs one line durably, to be killed by test_engine_killed.py.

Its steps write into a file what they do, a line a write, so that the test sees what ran however
the process ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from overread.adapters.engine.attempt import RetryRule
from overread.adapters.engine.dbos_engine import DbosEngine
from overread.pipeline.ports import Line
from overread.vocabulary.errors import OverreadError, Unavailable

STEPS = ("fetch", "run", "deliver")


def note(path: Path, **what: Any) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, (json.dumps({"pid": os.getpid(), **what}) + "\n").encode())
    finally:
        os.close(descriptor)


def make_step(name: str, options: argparse.Namespace) -> Any:
    async def step(value: dict[str, Any]) -> dict[str, Any]:
        note(options.notes, did="began", step=name, value=value)
        if options.unavailable_in == name:
            raise Unavailable("Away.", retry_after_seconds=0.2)
        if options.hang_in == name:
            await asyncio.sleep(3600)
        note(options.notes, did="ended", step=name, job=value["job"])
        return {name: f"{name} of {value['job']} by version {options.version}"}

    return step


async def run(options: argparse.Namespace) -> None:
    async def on_failed(job_id: str, _value: dict[str, Any], error: OverreadError) -> None:
        note(options.notes, did="failed", job=job_id, kind=type(error).__name__)

    engine = DbosEngine(
        Line("test", options.version, tuple((name, make_step(name, options)) for name in STEPS)),
        options.database,
        clock=lambda: datetime.now(UTC),
        on_failed=on_failed,
        retry=RetryRule(max_attempts=6, max_wait_seconds=0.2),
    )
    await engine.start()
    note(options.notes, did="started")
    for job_id in options.jobs:
        await engine.submit(job_id, {"job": job_id}, 1)
    outcomes = []
    for job_id in options.jobs:
        outcome = await engine.wait(job_id)
        outcomes.append(
            {
                "job": outcome.job_id,
                "end": outcome.end,
                "value": outcome.value,
                "error": type(outcome.error).__name__,
            }
        )
    await engine.stop()
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--version", default="1")
    parser.add_argument("--hang-in", default="")
    parser.add_argument("--unavailable-in", default="")
    parser.add_argument("jobs", nargs="+")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(run(parser.parse_args()))
