"""What is said when a job ends without a result: never silence, never "no finding"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from overread.pipeline.ports import EventLog, Jobs, JobState, Json
from overread.pipeline.scratch import Scratch
from overread.vocabulary.errors import Defect, LimitExceeded, OverreadError, Rejected, Unavailable
from overread.vocabulary.event import EventKind


@dataclass(frozen=True, slots=True)
class FailureReport:
    """Called by the engine once a job has failed for good."""

    jobs: Jobs
    events: EventLog
    scratch: Scratch

    async def __call__(self, job_id: str, value: Json, error: OverreadError) -> None:
        self.scratch.remove(job_id)
        job = await self.jobs.read(job_id)
        await self.jobs.save(replace(job, state=JobState.FAILED, message=error.message))
        is_refusal = isinstance(error, Rejected) and not isinstance(error, LimitExceeded)
        if is_refusal:
            await self.events.append_once(
                f"{job_id}:refused",
                EventKind.ANALYSIS_ENDED,
                job.study_instance_uid,
                {"job_id": job_id, "model": job.model},
            )
            kind = EventKind.ANALYSIS_NOT_SUITABLE
            data: Json = {"reasons": [{"model": job.model, "reason": error.message}]}
        else:
            kind = EventKind.ANALYSIS_FAILED
            data = {
                "job_id": job_id,
                "model": job.model,
                "reason": error.message,
                "remedy": _remedy_of(error),
            }
        await self.events.append_once(f"{job_id}:failed", kind, job.study_instance_uid, data)


def _remedy_of(error: OverreadError) -> str:
    if isinstance(error, Unavailable):
        return "The archive or model did not answer. Check it, then analyse the study again."
    if isinstance(error, LimitExceeded):
        return "The model passed its limits. Read the study without it; tell the administrator."
    if isinstance(error, Defect):
        return "The model or Overread broke. Read the study without it; tell the administrator."
    return "Read the study without this model; tell the administrator."
