"""Asking twice is one job; asking again after a failure is a new attempt at it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from overread.adapters.archive.embedded import EmbeddedArchive
from overread.adapters.store.database import Database
from overread.adapters.store.event_log import SqlEventLog
from overread.adapters.store.jobs import SqlJobs
from overread.adapters.store.migrate import migrate
from overread.governance.gate import Policy
from overread.model.registry import read_registry
from overread.pipeline.dispatch import MAX_ATTEMPTS, Dispatcher
from overread.pipeline.ports import JobState
from overread.vocabulary.errors import NotFound, Rejected

MODEL = "head-ct-hyperdensity"


class Submitting:
    """Stands in for the engine: remembers what was submitted."""

    def __init__(self) -> None:
        self.jobs: list[str] = []

    async def submit(self, job_id: str, value: dict[str, Any], priority: int) -> None:
        self.jobs.append(job_id)


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Dispatcher, Submitting, SqlJobs]:
    database = Database(f"sqlite:///{tmp_path / 'test.sqlite'}")
    migrate(database)
    engine, jobs = Submitting(), SqlJobs(database)
    dispatcher = Dispatcher(
        archive=EmbeddedArchive(tmp_path / "archive"),
        models=read_registry(tmp_path / "models"),
        policy=lambda: Policy("1", ()),
        jobs=jobs,
        events=SqlEventLog(database),
        engine=engine,  # type: ignore[arg-type]  # the one method that the dispatcher calls
        now=lambda: "2026-01-02T03:04:05+00:00",
    )
    return dispatcher, engine, jobs


async def store_head(dispatcher: Dispatcher, test_data: Path) -> str:
    report = await dispatcher.archive.store(sorted((test_data / "ct-head").glob("*.dcm")))
    return str(report.stored[0][0])


async def test_asking_twice_is_one_job(
    parts: tuple[Dispatcher, Submitting, SqlJobs], test_data: Path
) -> None:
    dispatcher, _, jobs = parts
    study = await store_head(dispatcher, test_data)
    first = await dispatcher.ask(study, None, MODEL)
    second = await dispatcher.ask(study, None, MODEL)
    assert first.job_id == second.job_id
    assert len(await jobs.list_for_study(study)) == 1


async def test_a_failed_job_is_tried_again_when_a_person_asks(
    parts: tuple[Dispatcher, Submitting, SqlJobs], test_data: Path
) -> None:
    dispatcher, engine, jobs = parts
    study = await store_head(dispatcher, test_data)
    first = await dispatcher.ask(study, None, MODEL)
    await jobs.save(replace(first, state=JobState.FAILED))
    second = await dispatcher.ask(study, None, MODEL)
    assert second.job_id != first.job_id
    assert engine.jobs == [first.job_id, second.job_id]
    assert (await dispatcher.ask(study, None, MODEL)).job_id == second.job_id


async def test_the_same_study_sent_again_does_not_retry_by_itself(
    parts: tuple[Dispatcher, Submitting, SqlJobs], test_data: Path
) -> None:
    dispatcher, _, jobs = parts
    study = await store_head(dispatcher, test_data)
    (first,) = await dispatcher.dispatch(study, "routine", "f")
    await jobs.save(replace(first, state=JobState.FAILED))
    (again,) = await dispatcher.dispatch(study, "routine", "f")
    assert again.job_id == first.job_id


async def test_attempts_are_bounded(
    parts: tuple[Dispatcher, Submitting, SqlJobs], test_data: Path
) -> None:
    dispatcher, engine, jobs = parts
    study = await store_head(dispatcher, test_data)
    for _ in range(MAX_ATTEMPTS + 3):
        job = await dispatcher.ask(study, None, MODEL)
        await jobs.save(replace(job, state=JobState.FAILED))
    assert len(set(engine.jobs)) == MAX_ATTEMPTS


async def test_what_can_not_be_run_is_said(
    parts: tuple[Dispatcher, Submitting, SqlJobs], test_data: Path
) -> None:
    dispatcher, engine, _ = parts
    study = await store_head(dispatcher, test_data)
    with pytest.raises(NotFound):
        await dispatcher.ask(study, "1.2.3", MODEL)
    with pytest.raises(NotFound):
        await dispatcher.ask(study, None, "no-such-model")
    with pytest.raises(Rejected, match="brain-mr-volumes"):
        await dispatcher.ask(study, None, "brain-mr-volumes")
    assert engine.jobs == []
