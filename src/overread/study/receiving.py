"""How anything comes in: the one function that every door (STOW-RS, import, DIMSE) calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydicom import Dataset

from overread.study.admission import Admitted, Refused, admit
from overread.study.attributes import read_text
from overread.study.ports import Archive, Quarantine, QuarantinedFile, StoreReport
from overread.study.reading import read_patient
from overread.vocabulary.errors import Unavailable
from overread.vocabulary.uid import Uid

CANNOT_UNDERSTAND = 0xC000
"""Failure Reason of what is no admissible instance (PS3.4 table GG.4-1)."""

DUPLICATE_INSTANCE = 0x0111
OUT_OF_RESOURCES = 0xA700
STUDY_MISMATCH = 0xA900
_DEFAULT_MAX_BYTES = 2 * 1024**3
_BATCH = 64
_FAILURE_WORDS: Mapping[int, tuple[str, str]] = {
    DUPLICATE_INSTANCE: (
        "duplicate SOP Instance UID with other content",
        "Ask the sender to give changed images new UIDs.",
    ),
}


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """An instance that the archive holds, with what a worklist shows of its study.

    Attributes:
        is_new: False where the archive held it before.
        patient_age: as DICOM writes it, "071Y", or "".
        study_datetime: ISO 8601 without offset, or "".
        priority: "stat", "high" or "routine", by Requested Procedure Priority (0040,1003).
        is_synthetic: whether the header says that this is no patient.
    """

    study_instance_uid: Uid
    series_instance_uid: Uid
    sop_instance_uid: Uid
    sop_class_uid: Uid
    is_new: bool
    patient_name: str
    patient_id: str
    patient_age: str
    patient_sex: str
    accession_number: str
    modality: str
    description: str
    body_part: str
    study_datetime: str
    priority: str
    is_synthetic: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that was not stored.

    Attributes:
        failure_reason: Failure Reason (0008,1197).
        quarantined: its entry, None where it is the archive that refuses or does not answer.
    """

    file: Path
    sop_class_uid: str
    sop_instance_uid: str
    failure_reason: int
    reason: str
    quarantined: QuarantinedFile | None


@dataclass(frozen=True, slots=True)
class ReceiveReport:
    """What became of each file: it is in exactly one of the two."""

    stored: tuple[StoredInstance, ...]
    failures: tuple[Failure, ...]


OnStored = Callable[[Sequence[StoredInstance]], Awaitable[None]]
"""Told of instances that the archive has confirmed, new or known; must be durable, because the
sender is told "stored" once it returns. Telling it twice must be harmless."""

OnQuarantined = Callable[[Sequence[QuarantinedFile]], Awaitable[None]]


async def receive(
    files: Sequence[Path],
    source: str,
    archive: Archive,
    quarantine: Quarantine,
    on_stored: OnStored,
    *,
    on_quarantined: OnQuarantined | None = None,
    max_instance_bytes: int = _DEFAULT_MAX_BYTES,
    file_names: Mapping[Path, str] | None = None,
    expected_study: str | None = None,
) -> ReceiveReport:
    """Admit files, store what passes, quarantine what does not, and say what has arrived.

    One bad file never holds up or loses a good one. The files are the caller's: they are only
    read, and may be removed once this returns.

    Args:
        source: the door, for the quarantine: "STOW-RS", "import".
        file_names: what to call files there, where it is not their own name.
        expected_study: a STOW-RS request to /studies/{study} takes this study alone.

    Raises:
        Unavailable: the archive or the quarantine does not answer; what was stored before stays
            stored and announced, and sending everything again is harmless.
    """
    door = _Door(source, archive, quarantine, on_stored, on_quarantined, dict(file_names or {}))
    stored: list[StoredInstance] = []
    failures: list[Failure] = []
    for start in range(0, len(files), _BATCH):
        batch = files[start : start + _BATCH]
        checked = await asyncio.to_thread(_admit_all, batch, max_instance_bytes)
        admitted: list[Admitted] = []
        for item in checked:
            if isinstance(item, Refused):
                failures.append(await door.refuse(item, CANNOT_UNDERSTAND))
            elif expected_study is not None and item.study_instance_uid != expected_study:
                failures.append(_mismatch(item))
            else:
                admitted.append(item)
        taken, refused = await door.store(admitted)
        stored += taken
        failures += refused
    return ReceiveReport(tuple(stored), tuple(failures))


@dataclass(frozen=True, slots=True)
class _Door:
    source: str
    archive: Archive
    quarantine: Quarantine
    on_stored: OnStored
    on_quarantined: OnQuarantined | None
    file_names: dict[Path, str]

    async def refuse(self, item: Refused, failure_reason: int) -> Failure:
        entry = await self.quarantine.put(
            item.file,
            self.source,
            item.reason,
            item.remedy,
            file_name=self.file_names.get(item.file, item.file.name),
            study_instance_uid=item.study_instance_uid or None,
        )
        if self.on_quarantined is not None:
            await self.on_quarantined([entry])
        return Failure(
            item.file,
            item.sop_class_uid,
            item.sop_instance_uid,
            failure_reason,
            item.reason,
            entry,
        )

    async def store(
        self, admitted: Sequence[Admitted]
    ) -> tuple[list[StoredInstance], list[Failure]]:
        """Store a batch; equal SOP Instance UIDs within it go one after the other, so that each
        file's own fate is known."""
        stored: list[StoredInstance] = []
        failures: list[Failure] = []
        waiting = list(admitted)
        while waiting:
            round_of = {item.sop_instance_uid: item for item in reversed(waiting)}
            waiting = [item for item in waiting if round_of[item.sop_instance_uid] is not item]
            report = await self.archive.store([item.file for item in round_of.values()])
            taken = _match_stored(report, round_of)
            if taken:
                await self.on_stored(taken)
            stored += taken
            failures += await self._refuse_unstored(report, round_of)
        return stored, failures

    async def _refuse_unstored(
        self, report: StoreReport, round_of: Mapping[Uid, Admitted]
    ) -> list[Failure]:
        known = {uids[2] for uids in (*report.stored, *report.already_there)}
        reasons = {failure.sop_instance_uid: failure for failure in report.failures}
        failures: list[Failure] = []
        for uid, item in round_of.items():
            if uid in known:
                continue
            found = reasons.get(uid)
            code = found.failure_reason if found else 0x0110
            if code & 0xFF00 == OUT_OF_RESOURCES:
                raise Unavailable("The archive is out of resources; send the images again later.")
            reason, remedy = _FAILURE_WORDS.get(
                code,
                (
                    f"The archive refused the instance (failure reason {code:#06x}).",
                    "See the archive's log, then send it again.",
                ),
            )
            refused = Refused(
                item.file, reason, remedy, item.sop_class_uid, uid, item.study_instance_uid
            )
            failures.append(await self.refuse(refused, code))
        return failures


def _admit_all(files: Sequence[Path], max_bytes: int) -> list[Admitted | Refused]:
    checked: list[Admitted | Refused] = []
    for file in files:
        try:
            checked.append(admit(file, max_bytes))
        except OSError as error:
            raise Unavailable(f"A received file can't be read ({error.strerror}).") from error
    return checked


def _mismatch(item: Admitted) -> Failure:
    """Well-formed but sent to another study's address: the sender must know, nobody else."""
    return Failure(
        item.file,
        item.sop_class_uid,
        item.sop_instance_uid,
        STUDY_MISMATCH,
        "The instance belongs to another study than the one it was sent to (PS3.18 10.5).",
        None,
    )


def _match_stored(report: StoreReport, round_of: Mapping[Uid, Admitted]) -> list[StoredInstance]:
    new = {uids[2] for uids in report.stored}
    known = {uids[2] for uids in report.already_there}
    return [
        describe_instance(item, is_new=uid in new)
        for uid, item in round_of.items()
        if uid in new or uid in known
    ]


def describe_instance(item: Admitted, *, is_new: bool) -> StoredInstance:
    """What a worklist needs of an instance."""
    header = item.header
    patient = read_patient(header)
    return StoredInstance(
        study_instance_uid=item.study_instance_uid,
        series_instance_uid=item.series_instance_uid,
        sop_instance_uid=item.sop_instance_uid,
        sop_class_uid=item.sop_class_uid,
        is_new=is_new,
        patient_name=patient.name,
        patient_id=patient.patient_id,
        patient_age=patient.age,
        patient_sex=patient.sex,
        accession_number=read_text(header, "AccessionNumber"),
        modality=read_text(header, "Modality"),
        description=read_text(header, "StudyDescription") or read_text(header, "SeriesDescription"),
        body_part=read_text(header, "BodyPartExamined"),
        study_datetime=to_iso_datetime(
            read_text(header, "StudyDate"), read_text(header, "StudyTime")
        ),
        priority=_read_priority(header),
        is_synthetic=is_synthetic(header),
    )


def is_synthetic(header: Dataset) -> bool:
    """Whether the header says that no patient stands behind the image."""
    return any(
        "SYNTHETIC" in read_text(header, keyword).upper()
        for keyword in ("ImageComments", "StudyDescription", "SeriesDescription", "PatientID")
    )


def to_iso_datetime(date: str, time: str) -> str:
    """DICOM date (DA) and time (TM) as "2024-05-03T14:05:00"; "" without a whole date."""
    if len(date) != 8:
        return ""
    digits = time.split(".", maxsplit=1)[0]
    if not (digits.isdigit() and len(digits) in (2, 4, 6)):
        digits = "000000"
    try:
        return datetime.strptime(date + digits.ljust(6, "0"), "%Y%m%d%H%M%S").isoformat()  # noqa: DTZ007
    except ValueError:
        return to_iso_datetime(date, "") if digits.strip("0") else ""


def _read_priority(header: Dataset) -> str:
    said = read_text(header, "RequestedProcedurePriority").upper()
    if said == "STAT":
        return "stat"
    return "high" if said == "HIGH" else "routine"
