"""What the doors need from the rest, filled in by app/wiring alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from starlette.types import ASGIApp

from overread.access.ports import Identity
from overread.audit.ports import AuditTrail
from overread.model.card import ModelCard
from overread.pipeline.ports import EventLog, Job, Jobs, Results
from overread.study.ports import Archive, Quarantine
from overread.worklist.ports import Worklist


class LiveEventLog(EventLog, Protocol):
    """An event log that also tells this process at once of what this process appends."""

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have a function called, on any thread, after each append; returns what ends it."""
        ...


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A card and the phase it has at this site."""

    card: ModelCard
    phase: str
    phase_note: str


StartInference = Callable[[str, str | None, str | None], Awaitable[Job]]
"""(study, series or None, model or None) to the job; the same request twice gives the same job.

Raises NotFound for an unknown study, series or model, Rejected where no model suits."""


@dataclass(frozen=True, slots=True)
class ApiBounds:
    """Limits of the doors; all are refused with 413 beyond.

    Attributes:
        body_bytes: largest body of a JSON request.
        stow_bytes: largest body of a request to /dicomweb.
        volume_cache_bytes: memory for volumes made for MPR, together.
        volume_cache_seconds: how long one is kept after it was last asked for.
    """

    body_bytes: int = 8 * 1024**2
    stow_bytes: int = 4 * 1024**3
    worklist_rows: int = 1000
    volume_cache_bytes: int = 768 * 1024**2
    volume_cache_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """Attributes:
    scratch_dir: for files that live while one request runs; nothing of images stays there.
    dicomweb: the application mounted at /dicomweb, behind the same sign-in; None leaves it out.
    start_up, shut_down: run with the server, in this order and its reverse.
    is_cookie_secure: whether the session's cookie is for HTTPS alone.
    """

    archive: Archive
    quarantine: Quarantine
    events: LiveEventLog
    worklist: Worklist
    results: Results
    jobs: Jobs
    audit: AuditTrail
    identity: Identity
    list_models: Callable[[], Sequence[ListedModel]]
    start_inference: StartInference
    scratch_dir: Path
    dicomweb: ASGIApp | None = None
    start_up: Sequence[Callable[[], Awaitable[None]]] = ()
    shut_down: Sequence[Callable[[], Awaitable[None]]] = ()
    is_cookie_secure: bool = False
    bounds: ApiBounds = field(default_factory=ApiBounds)
