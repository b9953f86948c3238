"""From an arrived study to jobs: which models, on which series, and why not the others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from overread.governance.gate import Policy
from overread.model.acceptance import choose_series
from overread.model.card import ModelCard
from overread.pipeline.line import LINE_VERSION
from overread.pipeline.models import Models
from overread.pipeline.ports import Engine, EventLog, Job, Jobs, JobState
from overread.study.ports import Archive
from overread.study.study import Series, Study
from overread.vocabulary.errors import NotFound, Rejected
from overread.vocabulary.event import EventKind
from overread.vocabulary.uid import derive_uid

PRIORITIES = {"stat": 0, "high": 1, "routine": 2}
"""Of the engine's queue: the lowest first, each step worth half an hour of waiting."""


MAX_ATTEMPTS = 20
"""How often a failed analysis may be asked for again before somebody must look into it."""


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Submits jobs; asking twice for the same gives the same job."""

    archive: Archive
    models: Models
    policy: Callable[[], Policy]
    jobs: Jobs
    events: EventLog
    engine: Engine
    now: Callable[[], str]

    async def dispatch(self, study_uid: str, priority: str, fingerprint: str) -> list[Job]:
        """Start every model that takes a series of this study."""
        study = await self.archive.read_study(study_uid)
        started: list[Job] = []
        reasons: list[dict[str, str]] = []
        for card in self.models.list_ready():
            acceptance = choose_series(card, study)
            series = study.find_series(acceptance.series_instance_uid or "")
            if series is None:
                reasons.append({"model": card.ref.name, "reason": acceptance.reason})
            else:
                started.append(await self.start(study, series, card, priority))
        if not started:
            await self.events.append_once(
                f"{study_uid}:{fingerprint}:not-suitable",
                EventKind.ANALYSIS_NOT_SUITABLE,
                study_uid,
                {"reasons": reasons},
            )
        return started

    async def ask(self, study_uid: str, series_uid: str | None, model: str | None) -> Job:
        """What a person or program asks for: the first of the site's models that suits, or the
        one named, on the series named or the one that it chooses.

        Raises:
            NotFound: there is no such study, series or model.
            Rejected: nothing suits, with the reason of each model.
        """
        study = await self.archive.read_study(study_uid)
        if series_uid is not None and study.find_series(series_uid) is None:
            raise NotFound("The study holds no such series.")
        cards = self.models.list_ready() if model is None else (self.models.find(model),)
        asked = study if series_uid is None else _keep_series(study, series_uid)
        reasons = []
        for card in cards:
            acceptance = choose_series(card, asked)
            series = study.find_series(acceptance.series_instance_uid or "")
            if series is not None:
                return await self.start(study, series, card, "stat", retries_failed=True)
            reasons.append(f"{card.ref.name}: {acceptance.reason}")
        raise Rejected(" ".join(reasons) or "No model is ready to run.")

    async def start(
        self,
        study: Study,
        series: Series,
        card: ModelCard,
        priority: str,
        *,
        retries_failed: bool = False,
    ) -> Job:
        """Submit one model on one series.

        Args:
            retries_failed: whether a job that failed for good is tried once more: a person asks,
                so its cause may be mended.
        """
        job, is_new = await self._create_job(study, series, card, 1)
        for attempt in range(2, MAX_ATTEMPTS + 1):
            if not (retries_failed and job.state is JobState.FAILED):
                break
            job, is_new = await self._create_job(study, series, card, attempt)
        if is_new or job.state in (JobState.QUEUED, JobState.RUNNING):
            await self.events.append_once(
                f"{job.job_id}:started",
                EventKind.ANALYSIS_STARTED,
                study.study_instance_uid,
                {"job_id": job.job_id, "model": card.ref.name, "title": card.title},
            )
            await self.engine.submit(
                job.job_id,
                {
                    "job_id": job.job_id,
                    "study_instance_uid": study.study_instance_uid,
                    "series_instance_uid": series.series_instance_uid,
                    "model": {
                        "name": card.ref.name,
                        "version": card.ref.version,
                        "digest": card.ref.digest,
                    },
                },
                PRIORITIES.get(priority, PRIORITIES["routine"]),
            )
        return job

    async def _create_job(
        self, study: Study, series: Series, card: ModelCard, attempt: int
    ) -> tuple[Job, bool]:
        return await self.jobs.create(
            Job(
                job_id=derive_job_id(study, series, card, self.policy().version, attempt),
                study_instance_uid=study.study_instance_uid,
                series_instance_uid=series.series_instance_uid,
                model=card.ref.name,
                state=JobState.QUEUED,
                created_at=self.now(),
            )
        )


def _keep_series(study: Study, series_uid: str) -> Study:
    kept = tuple(s for s in study.series if s.series_instance_uid == series_uid)
    return replace(study, series=kept)


def derive_job_id(
    study: Study, series: Series, card: ModelCard, policy_version: str, attempt: int = 1
) -> str:
    """The same images, model, policy and line give the same job, so nothing is done twice; a
    further attempt after a failure is another job with the same result."""
    images = sorted(instance.sop_instance_uid for instance in series.instances)
    content = hashlib.sha256("\n".join(images).encode()).hexdigest()
    return derive_uid(
        "job",
        study.study_instance_uid,
        series.series_instance_uid,
        content,
        card.ref.name,
        card.ref.digest,
        policy_version,
        LINE_VERSION,
        str(attempt),
    )
