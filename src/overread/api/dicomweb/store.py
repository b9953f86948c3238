"""STOW-RS (PS3.18 10.5): instances arrive as parts of one body, which is never held in memory."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from overread.access.role import Permission, Principal
from overread.api.dicomweb.answers import DICOM_JSON, accepts, answer_json, answer_not_acceptable
from overread.api.dicomweb.door import DicomWebDoor
from overread.api.problems import to_problem
from overread.audit.event import AuditAction
from overread.study.multipart import (
    MultipartReader,
    PartBegun,
    PartData,
    PartEvent,
    parse_content_type,
)
from overread.study.receiving import (
    CANNOT_UNDERSTAND,
    OUT_OF_RESOURCES,
    Failure,
    StoredInstance,
    receive,
)
from overread.vocabulary.errors import Rejected
from overread.vocabulary.uid import parse_uid

_SOURCE = "STOW-RS"
_BATCH_PARTS = 64
_BATCH_BYTES = 256 * 1024**2
_PART_TYPES = frozenset({"application/dicom", "application/octet-stream", "text/plain", ""})


def make_router(door: DicomWebDoor) -> APIRouter:
    """Store routes."""
    router = APIRouter()

    @router.post("/studies")
    async def store(request: Request) -> Response:
        return await take(request, None)

    @router.post("/studies/{study}")
    async def store_study(request: Request, study: str) -> Response:
        return await take(request, parse_uid(study))

    async def take(request: Request, study: str | None) -> Response:
        principal = door.require(request, Permission.STORE_STUDY)
        if not accepts(request, DICOM_JSON, "application/json"):
            return answer_not_acceptable(DICOM_JSON)
        media_type, parameters = parse_content_type(request.headers.get("content-type", ""))
        part_type = parameters.get("type", "application/dicom").lower()
        if media_type != "multipart/related" or part_type != "application/dicom":
            return to_problem(
                415,
                "Unsupported media type",
                'The body must be multipart/related; type="application/dicom" (PS3.18 10.5).',
            )
        reader = MultipartReader(parameters.get("boundary", ""))
        door.scratch_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix="stow-", dir=door.scratch_dir) as folder:
            intake = _Intake(door, principal, Path(folder), study)
            await intake.read(request.stream(), reader)
        if not intake.stored and not intake.failures and not intake.too_large:
            raise Rejected("The body holds no part: there is nothing to store (PS3.18 10.5).")
        return _answer(intake, str(request.base_url).rstrip("/"))

    return router


@dataclass(slots=True)
class _Intake:
    """Parts of one request on their way to the archive, a batch at a time."""

    door: DicomWebDoor
    principal: Principal
    folder: Path
    study: str | None
    stored: list[StoredInstance] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    too_large: int = 0
    is_broken: bool = False
    _waiting: list[Path] = field(default_factory=list)
    _waiting_bytes: int = 0
    _part: BinaryIO | None = None
    _part_path: Path | None = None
    _part_bytes: int = 0
    _count: int = 0
    _audited: set[str] = field(default_factory=set)

    async def read(self, body: AsyncIterator[bytes], reader: MultipartReader) -> None:
        """Take all parts. Whatever ends the body early, every part that was complete is stored,
        and the last one is judged like any file.

        Raises:
            Rejected: the body is no multipart body from its beginning.
            Unavailable: the archive does not answer.
        """
        broken: Rejected | None = None
        try:
            try:
                async for chunk in body:
                    for event in reader.feed(chunk):
                        await self._take(event)
            except ClientDisconnect:
                pass  # nobody reads the answer, but what came stays
            except Rejected as error:
                broken = error
            for event in reader.flush():
                await self._take(event)
            self._end_part()
            await self._store_waiting()
        finally:
            if self._part is not None:
                self._part.close()
        self.is_broken = broken is not None
        if broken is not None and not self.stored and not self.failures:
            raise broken

    async def _take(self, event: PartEvent) -> None:
        if isinstance(event, PartBegun):
            self._begin_part(event)
        elif isinstance(event, PartData):
            self._part_bytes += len(event.data)
            # A part that is too long is read to its end and dropped; the others are not to blame.
            if self._part is not None and self._part_bytes <= self.door.max_instance_bytes:
                self._part.write(event.data)
        else:
            self._end_part()
            if len(self._waiting) >= _BATCH_PARTS or self._waiting_bytes >= _BATCH_BYTES:
                await self._store_waiting()

    def _begin_part(self, event: PartBegun) -> None:
        media_type, _ = parse_content_type(event.headers.get("content-type", ""))
        if media_type not in _PART_TYPES:
            raise Rejected(
                f"A part is {media_type}; STOW-RS here takes application/dicom parts alone."
            )
        self._count += 1
        self._part_path = self.folder / f"{self._count}.dcm"
        self._part = self._part_path.open("wb")
        self._part_bytes = 0

    def _end_part(self) -> None:
        if self._part is None or self._part_path is None:
            return
        self._part.close()
        if self._part_bytes > self.door.max_instance_bytes:
            self._part_path.unlink()
            self.too_large += 1
        else:
            self._waiting.append(self._part_path)
            self._waiting_bytes += self._part_bytes
        self._part, self._part_path = None, None

    async def _store_waiting(self) -> None:
        files, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not files:
            return
        report = await receive(
            files,
            _SOURCE,
            self.door.archive,
            self.door.quarantine,
            self._announce,
            on_quarantined=self.door.on_quarantined,
            max_instance_bytes=self.door.max_instance_bytes,
            expected_study=self.study,
            file_names=dict.fromkeys(files, ""),
        )
        self.stored += report.stored
        self.failures += report.failures
        for file in files:
            file.unlink(missing_ok=True)

    async def _announce(self, instances: Sequence[StoredInstance]) -> None:
        await self.door.on_stored(instances)
        for uid in sorted({str(item.study_instance_uid) for item in instances} - self._audited):
            await self.door.audit(self.principal, AuditAction.STUDY_STORED, uid)
            self._audited.add(uid)


def _answer(intake: _Intake, root: str) -> Response:
    """The Store Instances Response (PS3.18 table 10.5.1-3): 200 all taken, 202 some, 409 none."""
    named = [failure for failure in intake.failures if failure.sop_instance_uid]
    unnamed = [
        failure.failure_reason for failure in intake.failures if not failure.sop_instance_uid
    ]
    unnamed += [OUT_OF_RESOURCES] * intake.too_large
    unnamed += [CANNOT_UNDERSTAND] * intake.is_broken  # whatever stood behind the break
    body: dict[str, Any] = {}
    studies = {str(item.study_instance_uid) for item in intake.stored}
    if len(studies) == 1:
        body["00081190"] = _text("UR", f"{root}/studies/{studies.pop()}")
    if named:
        body["00081198"] = _sequence(
            {
                "00081150": _text("UI", failure.sop_class_uid),
                "00081155": _text("UI", failure.sop_instance_uid),
                "00081197": {"vr": "US", "Value": [failure.failure_reason]},
            }
            for failure in named
        )
    if intake.stored:
        body["00081199"] = _sequence(
            {
                "00081150": _text("UI", item.sop_class_uid),
                "00081155": _text("UI", item.sop_instance_uid),
                "00081190": _text(
                    "UR",
                    f"{root}/studies/{item.study_instance_uid}/series/{item.series_instance_uid}"
                    f"/instances/{item.sop_instance_uid}",
                ),
            }
            for item in intake.stored
        )
    if unnamed:
        # Other Failures Sequence (0008,119A): instances that could not be named.
        body["0008119A"] = _sequence(
            {"00081197": {"vr": "US", "Value": [reason]}} for reason in unnamed
        )
    if not named and not unnamed:
        return answer_json(body, 200)
    return answer_json(body, 202 if intake.stored else 409)


def _text(vr: str, value: str) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]} if value else {"vr": vr}


def _sequence(items: Any) -> dict[str, Any]:
    return {"vr": "SQ", "Value": list(items)}
