"""What the DICOMweb services need from the rest, and the application that holds them."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.requests import HTTPConnection

from overread.access.role import Permission, Principal
from overread.api import gate, problems
from overread.audit.event import AuditAction
from overread.study.ports import Archive, Quarantine
from overread.study.receiving import OnQuarantined, OnStored

Require = Callable[[HTTPConnection, Permission], Principal]
Audit = Callable[[Principal, AuditAction, str], Awaitable[None]]
"""(who, what, study) written down before the answer leaves."""

_SAME_OPENING_SECONDS = 60.0
_MAX_OPENINGS = 10_000


@dataclass(frozen=True, slots=True)
class DicomWebDoor:
    """Everything the services reach for.

    Attributes:
        scratch_dir: for parts that live while one request runs.
        max_instance_bytes: a longer part is refused; the rest of its request is taken.
    """

    archive: Archive
    quarantine: Quarantine
    on_stored: OnStored
    audit: Audit
    scratch_dir: Path
    on_quarantined: OnQuarantined | None = None
    require: Require = gate.require
    max_instance_bytes: int = 2 * 1024**3
    _openings: OrderedDict[tuple[str, str], float] = field(default_factory=OrderedDict)

    async def open_study(self, connection: HTTPConnection, study_uid: str) -> Principal:
        """Whoever may view studies; that they opened this one is audited once a minute, so that a
        stack of 500 frames is one opening.

        Raises:
            NotPermitted: they may not.
            Unavailable: the audit can't be written.
        """
        principal = self.require(connection, Permission.VIEW_STUDY)
        key, now = (principal.name, study_uid), time.monotonic()
        last = self._openings.get(key)
        if last is None or now - last > _SAME_OPENING_SECONDS:
            await self.audit(principal, AuditAction.STUDY_OPENED, study_uid)
            self._openings[key] = now
            self._openings.move_to_end(key)
            while len(self._openings) > _MAX_OPENINGS:
                self._openings.popitem(last=False)
        return principal


def dicomweb_router(door: DicomWebDoor) -> APIRouter:
    """All routes, without a prefix."""
    from overread.api.dicomweb import retrieve, search, store  # noqa: PLC0415  # they import this

    router = APIRouter()
    for module in (store, search, retrieve):
        router.include_router(module.make_router(door))
    return router


def make_dicomweb(door: DicomWebDoor) -> FastAPI:
    """The application to mount at /dicomweb, behind the gate."""
    app = FastAPI(title="Overread DICOMweb", openapi_url=None, docs_url=None, redoc_url=None)
    problems.install(app)
    app.include_router(dicomweb_router(door))
    return app
