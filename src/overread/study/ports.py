"""The edges towards whatever keeps the images (an embedded archive, a PACS, a VNA) and what could
not be taken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydicom import Dataset

from overread.study.study import Study
from overread.vocabulary.uid import Uid


@dataclass(frozen=True, slots=True)
class StoreFailure:
    """Why one instance was not taken.

    Attributes:
        failure_reason: Failure Reason (0008,1197), PS3.18 table 10.5.1-1 / PS3.4 annex CC.
    """

    sop_class_uid: str
    sop_instance_uid: str
    failure_reason: int
    explanation: str


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What became of a set of instances handed to an archive.

    Attributes:
        stored: (study, series, SOP instance) UIDs newly taken.
        already_there: the same, for instances that the archive held before, byte for byte or by
            an equal SOP Instance UID with equal content.
    """

    stored: tuple[tuple[Uid, Uid, Uid], ...]
    already_there: tuple[tuple[Uid, Uid, Uid], ...]
    failures: tuple[StoreFailure, ...]


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One frame's bytes as the archive holds them and the transfer syntax they are in."""

    data: bytes
    transfer_syntax_uid: str


class Archive(Protocol):
    """Every method raises Unavailable where the archive does not answer and NotFound where the
    thing named is not there. All adapters pass tests/contract/test_archive.py."""

    async def store(self, files: Sequence[Path]) -> StoreReport:
        """Store DICOM Part 10 files; the paths are the caller's and are only read."""
        ...

    async def find_studies(
        self, matching: dict[str, str], limit: int, offset: int
    ) -> list[Dataset]:
        """QIDO-RS studies (PS3.18 10.6): matching keys are DICOM keywords."""
        ...

    async def find_series(self, study_uid: str, matching: dict[str, str]) -> list[Dataset]: ...

    async def find_instances(
        self, study_uid: str, series_uid: str | None, matching: dict[str, str]
    ) -> list[Dataset]: ...

    async def read_headers(self, study_uid: str, series_uid: str | None = None) -> list[Dataset]:
        """All attributes but bulk pixel data of each instance (WADO-RS metadata)."""
        ...

    async def read_header(self, study_uid: str, series_uid: str, sop_uid: str) -> Dataset:
        """The same of one instance."""
        ...

    async def read_study(self, study_uid: str) -> Study:
        """The study with its series in stack order."""
        ...

    def retrieve(self, study_uid: str, series_uid: str, into: Path) -> AsyncIterator[Path]:
        """Write each instance of a series as a Part 10 file into a folder, one path at a time."""
        ...

    async def read_instance(self, study_uid: str, series_uid: str, sop_uid: str) -> bytes:
        """One instance as a Part 10 file."""
        ...

    async def read_frame(
        self, study_uid: str, series_uid: str, sop_uid: str, frame: int
    ) -> EncodedFrame:
        """One frame (1-based), not decoded."""
        ...

    async def ping(self) -> str:
        """A line saying what answered (for `overread check`)."""
        ...


@dataclass(frozen=True, slots=True)
class QuarantinedFile:
    """A file that was not taken.

    Attributes:
        received_at: ISO 8601 with offset.
        source: which door it came by ("STOW-RS", "import").
        file_name: as sent; may hold a patient's name, so it is shown only to those who may view
            the quarantine, and never logged.
        reason, remedy: for people; no patient identifier.
        is_kept: whether its bytes are still there (the oldest ones give way to new ones).
    """

    quarantine_id: str
    received_at: str
    source: str
    file_name: str
    reason: str
    remedy: str
    study_instance_uid: str | None
    size_bytes: int
    is_kept: bool


class Quarantine(Protocol):
    """Where refused files wait for a person. Raises Unavailable where it can't be written."""

    async def put(
        self,
        file: Path,
        source: str,
        reason: str,
        remedy: str,
        *,
        file_name: str = "",
        study_instance_uid: str | None = None,
    ) -> QuarantinedFile:
        """Keep a copy of a file and why it was refused. The same bytes refused again for the same
        reason by the same door are one entry."""
        ...

    async def list_items(self, limit: int = 1000) -> list[QuarantinedFile]:
        """Newest first."""
        ...

    async def count(self) -> int: ...
