"""Port Jobs: every run that was asked for and how far it is."""

from __future__ import annotations

import orjson
from sqlalchemy import insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from overread.adapters.store.database import Database
from overread.adapters.store.schema import job as job_table
from overread.pipeline.ports import Job, JobState
from overread.vocabulary.errors import NotFound


class SqlJobs:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, job: Job) -> tuple[Job, bool]:
        return await self._database.run(self._create, job)

    async def save(self, job: Job) -> None:
        await self._database.run(self._save, job)

    async def read(self, job_id: str) -> Job:
        return await self._database.run(self._read, job_id)

    async def list_for_study(self, study_instance_uid: str) -> list[Job]:
        place = job_table.c.study_instance_uid == study_instance_uid
        return await self._database.run(self._list, place)

    async def list_unfinished(self) -> list[Job]:
        open_states = [JobState.QUEUED.value, JobState.RUNNING.value]
        return await self._database.run(self._list, job_table.c.state.in_(open_states))

    def _create(self, job: Job) -> tuple[Job, bool]:
        query = select(job_table.c.document).where(job_table.c.job_id == job.job_id)
        with self._database.writing() as connection:
            self._database.hold_order(connection, "job")
            document = connection.execute(query).scalar()
            if document is not None:
                return _from_document(document), False
            connection.execute(
                insert(job_table).values(
                    job_id=job.job_id,
                    study_instance_uid=job.study_instance_uid,
                    created_at=job.created_at,
                    state=job.state.value,
                    document=_to_document(job),
                )
            )
        return job, True

    def _save(self, job: Job) -> None:
        change = update(job_table).where(job_table.c.job_id == job.job_id)
        with self._database.writing() as connection:
            done = connection.execute(
                change.values(state=job.state.value, document=_to_document(job))
            )
        if not done.rowcount:
            raise _no_job(job.job_id)

    def _read(self, job_id: str) -> Job:
        query = select(job_table.c.document).where(job_table.c.job_id == job_id)
        with self._database.reading() as connection:
            document = connection.execute(query).scalar()
        if document is None:
            raise _no_job(job_id)
        return _from_document(document)

    def _list(self, condition: ColumnElement[bool]) -> list[Job]:
        query = select(job_table.c.document).where(condition)
        with self._database.reading() as connection:
            documents = connection.execute(
                query.order_by(job_table.c.created_at, job_table.c.job_id)
            ).scalars()
            return [_from_document(document) for document in documents]


def _no_job(job_id: str) -> NotFound:
    return NotFound(f"No inference job {job_id[:130]!r} is known here.")


def _to_document(job: Job) -> str:
    return orjson.dumps(job).decode()


def _from_document(document: str) -> Job:
    data = orjson.loads(document)
    return Job(**{**data, "state": JobState(data["state"])})
