"""What the tests of the DICOMweb door share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from pydicom import dcmread, dcmwrite
from starlette.requests import HTTPConnection

from overread.access.role import Permission, Principal, Role
from overread.adapters.archive.embedded import EmbeddedArchive
from overread.adapters.archive.quarantine import FolderQuarantine
from overread.api.dicomweb.door import DicomWebDoor, make_dicomweb
from overread.audit.event import AuditAction
from overread.study.multipart import MultipartReader, PartBegun, PartData, read_boundary
from overread.study.receiving import StoredInstance

BOUNDARY = "dicom-boundary"
STOW_HEADERS = {
    "Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
    "Accept": "application/dicom+json",
}


@dataclass(slots=True)
class OpenDoor:
    http: httpx.AsyncClient
    archive: EmbeddedArchive
    quarantine: FolderQuarantine
    scratch_dir: Path
    roles: set[Role] = field(default_factory=lambda: {Role.ADMINISTRATOR})
    announced: list[StoredInstance] = field(default_factory=list)
    audited: list[tuple[str, AuditAction, str]] = field(default_factory=list)

    async def stow(self, *parts: bytes, study: str = "") -> httpx.Response:
        path = f"/studies/{study}" if study else "/studies"
        return await self.http.post(path, content=write_body(*parts), headers=STOW_HEADERS)

    async def get_parts(self, path: str, accept: str) -> tuple[httpx.Response, list[bytes]]:
        answer = await self.http.get(path, headers={"Accept": accept})
        if answer.status_code != 200:
            return answer, []
        return answer, read_parts(answer)


@asynccontextmanager
async def open_door(folder: Path) -> AsyncIterator[OpenDoor]:
    archive = EmbeddedArchive(folder / "archive")
    quarantine = FolderQuarantine(folder / "quarantine", 1 << 30)
    holder: list[OpenDoor] = []

    def require(_connection: HTTPConnection, permission: Permission) -> Principal:
        principal = Principal("tester", "Tester", frozenset(holder[0].roles))
        principal.require(permission)
        return principal

    async def announce(instances: Sequence[StoredInstance]) -> None:
        holder[0].announced += instances

    async def audit(principal: Principal, action: AuditAction, study: str) -> None:
        holder[0].audited.append((principal.name, action, study))

    app = make_dicomweb(
        DicomWebDoor(
            archive=archive,
            quarantine=quarantine,
            on_stored=announce,
            audit=audit,
            scratch_dir=folder / "scratch",
            require=require,
            max_instance_bytes=64 << 20,
        )
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        opened = OpenDoor(http, archive, quarantine, folder / "scratch")
        holder.append(opened)
        yield opened
    archive.close()
    quarantine.close()


def write_body(*parts: bytes) -> bytes:
    """A multipart body, written independently of the code under test."""
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return b"".join(head + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def read_parts(answer: httpx.Response) -> list[bytes]:
    reader = MultipartReader(read_boundary(answer.headers["content-type"]))
    parts: list[bytes] = []
    for event in reader.feed(answer.content):
        if isinstance(event, PartBegun):
            parts.append(b"")
        elif isinstance(event, PartData):
            parts[-1] += event.data
    assert reader.is_complete
    return parts


def change(file: Path, **changes: Any) -> bytes:
    """A file's bytes with other attributes; None removes one."""
    dataset = dcmread(file)
    for keyword, value in changes.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
        if keyword == "SOPInstanceUID" and value is not None:
            dataset.file_meta.MediaStorageSOPInstanceUID = value
    out = BytesIO()
    dcmwrite(out, dataset)
    return out.getvalue()
