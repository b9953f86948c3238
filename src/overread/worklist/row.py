"""One study as a reader meets it, and everything its line says is derived from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AnalysisState(StrEnum):
    RECEIVING = "receiving"
    WAITING = "waiting"
    ANALYSING = "analysing"
    ANALYSED = "analysed"
    NOT_SUITABLE = "not_suitable"
    FAILED = "failed"
    IDLE = "idle"
    """Nothing runs and nothing is said: no model looked, or what it found is withheld."""


class RunState(StrEnum):
    RUNNING = "running"
    RELEASED = "released"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """The last that was heard of one job.

    Attributes:
        share: 0 to 1, None where unknown.
        instances: of the study, when the run started: more now means that it has not seen all.
    """

    job_id: str
    model: str
    title: str
    state: RunState
    share: float | None
    message: str
    instances: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a model does not suit the study."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Flag:
    """One flagged finding of a released result.

    Attributes:
        text: "AI priority: suspected intracranial haemorrhage".
        finding: words for the place and kind, "Intraparenchymal bleed, right".
    """

    result_uid: str
    tracking_uid: str
    text: str
    finding: str
    confidence: float | None
    volume_ml: float | None
    model: str
    model_version: str
    model_status: str


@dataclass(frozen=True, slots=True)
class KeyImage:
    """Where the study's thumbnail is taken."""

    series_instance_uid: str
    sop_instance_uid: str
    frame: int


@dataclass(frozen=True, slots=True)
class Released:
    """One result that somebody may see.

    Attributes:
        audience: roles that may see it, sorted; None where every role that sees AI may.
        flags: its flagged findings, strongest first; empty where the phase raises none.
    """

    result_uid: str
    series_instance_uid: str
    model: str
    phase: str
    audience: tuple[str, ...] | None
    flags: tuple[Flag, ...]
    key_image: KeyImage | None


@dataclass(frozen=True, slots=True)
class Mark:
    """One standing verdict of a person on a finding; a withdrawn one is gone."""

    result_uid: str
    tracking_uid: str
    kind: str
    made_by: str


@dataclass(frozen=True, slots=True)
class Row:
    """A study in the worklist.

    Attributes:
        modalities: sorted.
        study_datetime: ISO 8601 or "".
        received_at: ISO 8601 with offset, when its first image came: waiting starts there.
        priority: "stat", "high" or "routine", as ordered.
        is_complete: whether its images are all there as far as is known.
        marks: in the order they were given.
        event_id: the last event that this row reflects.
    """

    study_instance_uid: str
    received_at: str
    patient_name: str = ""
    patient_id: str = ""
    patient_age: str = ""
    patient_sex: str = ""
    accession_number: str = ""
    modalities: tuple[str, ...] = ()
    description: str = ""
    body_part: str = ""
    study_datetime: str = ""
    instances_received: int = 0
    series_count: int = 0
    is_synthetic: bool = False
    priority: str = "routine"
    is_complete: bool = False
    runs: tuple[Run, ...] = ()
    reasons: tuple[Reason, ...] = ()
    results: tuple[Released, ...] = ()
    marks: tuple[Mark, ...] = ()
    event_id: int = 0

    def find_verdict(self, result_uid: str, tracking_uid: str) -> str | None:
        """The kind of the newest standing verdict on a finding."""
        standing = [
            mark.kind
            for mark in self.marks
            if (mark.result_uid, mark.tracking_uid) == (result_uid, tracking_uid)
        ]
        return standing[-1] if standing else None
