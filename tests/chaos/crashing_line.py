"""Run a site's line with no doors, and die at a chosen point: the chaos tests' subject.

python crashing_line.py DATA_DIR [STEP MOMENT]

MOMENT is `before` (nothing of the step was done), `after` (all of it was, and the journal does
not know) or `during` (50 ms into it). It dies by SIGKILL, once: the second start of the same data
folder finds the mark of the first death and lives.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from overread.adapters.engine.dbos_engine import DbosEngine
from overread.app.settings import read_settings
from overread.app.wiring import wire
from overread.pipeline.ports import Engine, Json, Line, OnFailed, StepFunction

_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""The journalled start of every run, so that two runs can be compared byte for byte."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def make_deadly(step: StepFunction, moment: str, mark: Path) -> StepFunction:
    async def deadly(value: Json) -> Json:
        if mark.exists():
            return await step(value)
        mark.touch()
        if moment == "before":
            die()
        if moment == "during":
            asyncio.get_running_loop().call_later(0.05, die)
        done = await step(value)
        die()
        return done

    return deadly


async def main(data_dir: Path, step: str, moment: str) -> None:
    mark = data_dir / "has-died"

    def make_engine(line: Line, on_failed: OnFailed) -> Engine:
        steps = tuple(
            (name, make_deadly(function, moment, mark) if name == step else function)
            for name, function in line.steps
        )
        return DbosEngine(
            Line(line.name, line.version, steps),
            data_dir / "line.sqlite",
            clock=lambda: _NOW,
            on_failed=on_failed,
        )

    site = wire(read_settings({"OVERREAD_DATA_DIR": str(data_dir)}), make_engine)
    site.scratch.remove_all()
    await site.engine.start()
    watch = asyncio.create_task(site.watch.run())
    while True:
        await asyncio.sleep(0.1)
        rows, _ = await site.stores.worklist.list_rows(10)
        if not rows or await site.stores.arrivals.list_unsettled():
            continue
        jobs = await site.stores.jobs.list_for_study(rows[0].study_instance_uid)
        if jobs and all(job.state in ("done", "failed") for job in jobs):
            break
    for job in jobs:
        await site.engine.wait(job.job_id)
    watch.cancel()
    await site.engine.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *(sys.argv[2:4] or ("", ""))))
