"""The edges of the line: what it writes down, so that a killed process goes on where it was.

All methods are safe to call from several processes at once and none of them waits for another
machine. Whatever is asked for and absent raises NotFound; a store that does not answer raises
Unavailable. All adapters pass tests/contract/test_store.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

from overread.access.role import Role
from overread.vocabulary.errors import Defect, OverreadError
from overread.vocabulary.event import Event, EventKind
from overread.vocabulary.uid import Uid


class EventLog(Protocol):
    """The append-only stream of what happened; the worklist is projected from it."""

    async def append(
        self, kind: EventKind, study_instance_uid: str | None, data: dict[str, Any]
    ) -> Event:
        """Write one event and, in the same transaction, its study's worklist row.

        `event_id`s are given in the order of commit: a reader that saw id n never finds a smaller
        one later.
        """
        ...

    async def append_once(
        self, key: str, kind: EventKind, study_instance_uid: str | None, data: dict[str, Any]
    ) -> Event:
        """As `append`, but a second call with the same `key` writes nothing and returns the first
        event: what a repeated step must use."""
        ...

    async def read_after(self, event_id: int, limit: int = 500) -> list[Event]:
        """Events with greater ids, ascending."""
        ...

    async def read_last_id(self) -> int:
        """The greatest id, 0 where nothing has happened."""
        ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A DICOM object (or the JSON form) made of a result.

    Attributes:
        kind: "SR", "SEG", "SC" or "JSON".
        digest: SHA-256 (hex) of its bytes among the artefacts, None once these were removed.
        is_stored: whether the archive has confirmed it.
    """

    kind: str
    series_instance_uid: Uid | None
    sop_instance_uid: Uid | None
    digest: str | None
    is_stored: bool


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result as the gate left it.

    Attributes:
        document: its JSON form (`result.encoding.json_form`).
        phase, note: of the model at this site when the gate decided.
        audience: roles that may see it; empty for a withheld one, which nobody sees.
    """

    result_uid: Uid
    study_instance_uid: Uid
    series_instance_uid: Uid
    model_name: str
    document: bytes
    phase: str
    note: str
    audience: frozenset[Role]
    objects: tuple[StoredObject, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """One person's verdict.

    Attributes:
        verdict_id: chosen by the client.
        document: the verdict's JSON form, as the API shows it.
    """

    verdict_id: str
    result_uid: Uid
    tracking_uid: Uid
    kind: str
    made_by: str
    made_at: str
    document: bytes


class Results(Protocol):
    async def save(self, result: StoredResult) -> None:
        """Insert, or replace what the same `result_uid` held: a repeated step changes nothing."""
        ...

    async def set_objects(self, result_uid: str, objects: Sequence[StoredObject]) -> None:
        """Replace the list of objects. Raises NotFound."""
        ...

    async def read(self, result_uid: str) -> StoredResult:
        """Raises NotFound."""
        ...

    async def list_for_study(self, study_instance_uid: str) -> list[StoredResult]:
        """All of a study, oldest first."""
        ...

    async def add_verdict(self, verdict: StoredVerdict) -> tuple[StoredVerdict, bool]:
        """Append; rows are never changed. Returns the stored verdict and whether it is new:
        a `verdict_id` that was there gives back the first one.

        Raises:
            Conflict: the `verdict_id` was used for another result, finding, kind or person.
        """
        ...

    async def list_verdicts(self, result_uid: str) -> list[StoredVerdict]:
        """Oldest first."""
        ...


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one model on one study.

    Attributes:
        job_id: derived by the caller from what is asked, so that asking twice is one job.
        series_instance_uid: None until one was chosen.
        step: the verb at work ("fetch", "run", …), "" before the first.
        share: 0 to 1, None where unknown.
        message: for people; no patient identifier.
        result_uid: once there is one.
    """

    job_id: str
    study_instance_uid: Uid
    series_instance_uid: Uid | None
    model: str
    state: JobState
    created_at: str
    step: str = ""
    share: float | None = None
    message: str = ""
    result_uid: Uid | None = None


class Jobs(Protocol):
    async def create(self, job: Job) -> tuple[Job, bool]:
        """Insert; returns the stored job and whether it is new (an equal `job_id` is kept)."""
        ...

    async def save(self, job: Job) -> None:
        """Replace the row. Raises NotFound."""
        ...

    async def read(self, job_id: str) -> Job:
        """Raises NotFound."""
        ...

    async def list_for_study(self, study_instance_uid: str) -> list[Job]:
        """Oldest first."""
        ...

    async def list_unfinished(self) -> list[Job]:
        """Queued and running ones, oldest first: what a restart takes up."""
        ...


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What the worklist shows of a study, as its headers say it; "" where they are silent.

    Attributes:
        patient_age: for people, "71 Y".
        study_datetime: ISO 8601 or "".
        priority: "stat", "high" or "routine".
    """

    patient_name: str = ""
    patient_id: str = ""
    patient_age: str = ""
    patient_sex: str = ""
    accession_number: str = ""
    description: str = ""
    body_part: str = ""
    study_datetime: str = ""
    priority: str = "routine"
    is_synthetic: bool = False


@dataclass(frozen=True, slots=True)
class ArrivedInstance:
    """One instance that the archive has taken."""

    study_instance_uid: Uid
    series_instance_uid: Uid
    sop_instance_uid: Uid
    modality: str
    facts: StudyFacts


@dataclass(frozen=True, slots=True)
class Arrival:
    """What has come of one study so far.

    Attributes:
        first_received_at, last_received_at: ISO 8601 with offset, of new instances alone.
        modalities: sorted, each once.
        fingerprint: SHA-256 (hex) over the sorted SOP Instance UIDs received.
        settled_fingerprint: that of the last `settle`, None before the first.
    """

    study_instance_uid: Uid
    first_received_at: str
    last_received_at: str
    instances_received: int
    series_count: int
    modalities: tuple[str, ...]
    facts: StudyFacts
    fingerprint: str
    settled_fingerprint: str | None

    @property
    def is_settled(self) -> bool:
        return self.fingerprint == self.settled_fingerprint

    def to_event_data(self) -> dict[str, Any]:
        """The data of a StudyReceiving or StudyArrived event."""
        return {
            "study": {
                **asdict(self.facts),
                "modalities": list(self.modalities),
                "series_count": self.series_count,
                "received_at": self.first_received_at,
            },
            "instances_received": self.instances_received,
        }


class Arrivals(Protocol):
    """What survives a crash between the last slice and the first step."""

    async def record(self, instances: Sequence[ArrivedInstance]) -> list[Arrival]:
        """Write instances down, one `Arrival` back for each study touched; instances known before
        change nothing. Facts already known are kept, gaps are filled."""
        ...

    async def read(self, study_instance_uid: str) -> Arrival:
        """Raises NotFound."""
        ...

    async def list_unsettled(self) -> list[Arrival]:
        """Studies of which something came after they were last settled, oldest arrival first."""
        ...

    async def settle(self, study_instance_uid: str, fingerprint: str) -> Arrival:
        """Say that the study was taken as complete with this fingerprint. More may have come
        meanwhile: `is_settled` of what is returned tells. Raises NotFound."""
        ...


class Artefacts(Protocol):
    """Bytes by digest, between steps. What holds image content is removed when the run ends."""

    async def put(self, data: bytes) -> str:
        """Keep bytes, durably, and return their SHA-256 (hex)."""
        ...

    async def read(self, digest: str) -> bytes:
        """Raises NotFound, or Defect where the bytes no longer match their digest."""
        ...

    async def has(self, digest: str) -> bool: ...

    async def remove(self, digest: str) -> None:
        """Absent already is well."""
        ...


Json = dict[str, Any]

StepFunction = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""JSON in (everything said so far), JSON out (what is added): UIDs, digests and numbers, never
pixels or paths. It may run twice, so whatever it does outside must be idempotent."""


@dataclass(frozen=True, slots=True)
class Line:
    """The steps of a run, in order.

    Attributes:
        version: changes whenever the steps or their JSON do; runs of an older version that a
            restart finds unfinished start again from the first step.
        steps: (name, function); names are unique and none is "begin", which every engine puts
            before them and which adds `started_at` (ISO 8601 with offset).
    """

    name: str
    version: str
    steps: tuple[tuple[str, StepFunction], ...]

    def __post_init__(self) -> None:
        names = [name for name, _ in self.steps]
        if len(set(names)) != len(names) or "begin" in names:
            raise Defect(f"The steps of line {self.name} need unique names, none of them `begin`.")


class JobEnd(StrEnum):
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How a run ended.

    Attributes:
        value: everything said up to the end.
        step: where it failed, else "".
        error: why it failed, else None.
    """

    job_id: str
    end: JobEnd
    value: dict[str, Any]
    step: str = ""
    error: OverreadError | None = None


OnFailed = Callable[[str, dict[str, Any], OverreadError], Awaitable[None]]
"""Told once of each run that failed for good: (job_id, value so far, error). After a crash it may
be told again."""


class Engine(Protocol):
    """Runs a line's steps in order. All adapters pass tests/contract/test_engine.py.

    A step that raises Unavailable is tried again, after the seconds it names and longer each
    time, a bounded number of times; Rejected and Conflict end the run as failed, and so does
    anything else, as a Defect.
    """

    async def start(self) -> None:
        """Begin to work, first on what a dead process left.

        Raises:
            Conflict: another live process works on the same journal.
        """
        ...

    async def submit(self, job_id: str, value: dict[str, Any], priority: int) -> None:
        """Write a run down and return; a `job_id` known already, ended or not, changes nothing.

        Args:
            priority: 0 is the most urgent. A waiting run is not overtaken for ever: each step of
                priority is worth half an hour of waiting.

        Raises:
            Defect: `value` is not JSON.
        """
        ...

    async def wait(self, job_id: str) -> JobOutcome:
        """The outcome, once there is one. Raises NotFound for an unknown `job_id`."""
        ...

    async def cancel(self, job_id: str) -> None:
        """Stop a run where it stands; one that has ended stays as it ended. Raises NotFound."""
        ...

    async def stop(self) -> None:
        """Put the work down: a durable engine goes on with it at the next start."""
        ...
