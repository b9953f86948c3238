"""Asking for an analysis and following it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Request, Response
from starlette.responses import StreamingResponse

from overread.access.role import Permission
from overread.api.gate import require
from overread.api.rest.answering import PROBLEMS, answer, find_dependencies, find_feed
from overread.api.rest.events import SSE_HEADERS, is_still_signed_in
from overread.api.rest.forms import API, to_job_view
from overread.api.rest.schema import InferenceAsked, JobView
from overread.audit.event import AuditAction
from overread.pipeline.ports import JobState

router = APIRouter(tags=["inference"], responses=PROBLEMS)

JobId = Annotated[str, Path(max_length=128)]
_LOOK_SECONDS = 1.0


@router.post("/inference", status_code=202, response_model=JobView)
async def start_inference(request: Request, asked: InferenceAsked) -> Response:
    """Analyse a study; the same request twice is one job."""
    principal = require(request, Permission.RUN_INFERENCE)
    dependencies = find_dependencies(request)
    job = await dependencies.start_inference(
        asked.study_instance_uid, asked.series_instance_uid, asked.model
    )
    await dependencies.audit.record(
        principal.name,
        AuditAction.INFERENCE_ASKED,
        study_instance_uid=job.study_instance_uid,
        detail={"job_id": job.job_id, "model": job.model},
    )
    return answer(to_job_view(job), 202, {"Location": f"{API}/inference/{job.job_id}"})


@router.get("/inference/{job_id}", response_model=JobView)
async def read_job(request: Request, job_id: JobId) -> Response:
    """How far a job is."""
    require(request, Permission.VIEW_AI)
    return answer(to_job_view(await find_dependencies(request).jobs.read(job_id)))


@router.get(
    "/inference/{job_id}/events",
    responses={200: {"model": JobView, "description": "text/event-stream of `JobView`"}},
)
async def stream_job(request: Request, job_id: JobId) -> Response:
    """The job whenever it changes, until it is done or has failed."""
    require(request, Permission.VIEW_AI)
    await find_dependencies(request).jobs.read(job_id)
    return StreamingResponse(_write_job(request, job_id), 200, SSE_HEADERS, "text/event-stream")


async def _write_job(request: Request, job_id: str) -> AsyncIterator[bytes]:
    jobs, feed = find_dependencies(request).jobs, find_feed(request)
    sent = None
    while True:
        job = await jobs.read(job_id)
        if job != sent:
            yield b"event: Job\ndata: %b\n\n" % orjson.dumps(to_job_view(job))
            sent = job
        elif not await is_still_signed_in(request):
            return
        if job.state in (JobState.DONE, JobState.FAILED):
            return
        await feed.wait_for_change(_LOOK_SECONDS)
