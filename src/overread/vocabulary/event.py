"""What happened, in the past tense: the one stream that worklist, live feeds and panels follow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    STUDY_RECEIVING = "StudyReceiving"
    """data: `study` (see worklist.row), `instances_received`."""
    STUDY_ARRIVED = "StudyArrived"
    """The study is complete as far as is known. data: as above."""
    ANALYSIS_STARTED = "AnalysisStarted"
    """data: `job_id`, `model`, `title`."""
    ANALYSIS_PROGRESSED = "AnalysisProgressed"
    """data: `job_id`, `share` 0..1, `message`."""
    ANALYSIS_NOT_SUITABLE = "AnalysisNotSuitable"
    """No registered model suits the study. data: `reasons`, a list of {model, reason}."""
    ANALYSIS_FAILED = "AnalysisFailed"
    """data: `job_id`, `model`, `reason`, `remedy`."""
    ANALYSIS_ENDED = "AnalysisEnded"
    """A run whose result nobody may see (withheld). data: `job_id`."""
    RESULT_RELEASED = "ResultReleased"
    """data: `job_id`, `result_uid`, `model`, `phase`, `note`, `audience` (roles), `flags` (of the
    flagged findings, strongest first), `series_instance_uid`, `key_image` {sop_instance_uid,
    frame} or null."""
    VERDICT_GIVEN = "VerdictGiven"
    """data: `result_uid`, `tracking_uid`, `kind`, `made_by`."""
    INSTANCE_QUARANTINED = "InstanceQuarantined"
    """data: `quarantine_id`, `reason`. No study where the file names none."""


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the append-only event table.

    Attributes:
        event_id: given in the order of commit, so that a stream is resumable after any id;
            0 before it is stored.
        occurred_at: ISO 8601 with offset.
        data: JSON; may hold a patient's name for the worklist, so it is never logged.
    """

    event_id: int
    kind: EventKind
    study_instance_uid: str | None
    occurred_at: str
    data: dict[str, Any]
