"""Port Artefacts: bytes by SHA-256 in a folder. A file is there whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from pathlib import Path

from overread.vocabulary.errors import Defect, NotFound, Rejected, Unavailable

_DIGEST = re.compile(r"[0-9a-f]{64}")


class FileArtefacts:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, data: bytes) -> str:
        return await asyncio.to_thread(self._put, data)

    async def read(self, digest: str) -> bytes:
        return await asyncio.to_thread(self._read, digest)

    async def has(self, digest: str) -> bool:
        return await asyncio.to_thread(self._find(digest).is_file)

    async def remove(self, digest: str) -> None:
        path = self._find(digest)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    def _find(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise Rejected("An artefact is named by its SHA-256: 64 lower-case hex digits.")
        return self._folder / digest[:2] / digest

    def _put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        path = self._find(digest)
        try:
            if path.is_file() and path.read_bytes() == data:
                return digest
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, data)
        except OSError as error:
            raise Unavailable(
                f"The artefact folder takes no more ({error.strerror}): check its disk."
            ) from error
        return digest

    def _read(self, digest: str) -> bytes:
        try:
            data = self._find(digest).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"Artefact {digest} is not here: make it again.") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise Defect(f"Artefact {digest} no longer holds the bytes it is named by.")
        return data


def _write_whole(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
