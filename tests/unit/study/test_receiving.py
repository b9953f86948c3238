"""The one way in: each file is stored or quarantined, once, and nothing is lost on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.uid import generate_uid

from overread.adapters.archive.embedded import EmbeddedArchive
from overread.adapters.archive.quarantine import FolderQuarantine
from overread.study.ports import StoreFailure, StoreReport
from overread.study.receiving import (
    CANNOT_UNDERSTAND,
    DUPLICATE_INSTANCE,
    STUDY_MISMATCH,
    ReceiveReport,
    StoredInstance,
    receive,
    to_iso_datetime,
)
from overread.vocabulary.errors import Unavailable


@dataclass(slots=True)
class House:
    archive: EmbeddedArchive
    quarantine: FolderQuarantine
    announced: list[StoredInstance] = field(default_factory=list)

    async def take(self, files: Sequence[Path], study: str | None = None) -> ReceiveReport:
        async def announce(instances: Sequence[StoredInstance]) -> None:
            self.announced += instances

        return await receive(
            files, "test", self.archive, self.quarantine, announce, expected_study=study
        )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    archive = EmbeddedArchive(tmp_path / "archive")
    quarantine = FolderQuarantine(tmp_path / "quarantine", 1 << 30)
    yield House(archive, quarantine)
    archive.close()
    quarantine.close()


@pytest.fixture
def files(test_data: Path) -> list[Path]:
    return sorted((test_data / "ct-head").glob("*.dcm"))[:4]


def change(source: Path, target: Path, **changes: object) -> Path:
    dataset = dcmread(source)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dcmwrite(target, dataset)
    return target


async def test_the_same_bytes_twice_are_one_instance(house: House, files: list[Path]) -> None:
    report = await house.take([files[0], files[1], files[0]])
    assert (len(report.stored), report.failures) == (3, ())
    assert [item.is_new for item in report.stored].count(False) == 1
    again = await house.take(files[:2])
    assert [item.is_new for item in again.stored] == [False, False]
    header = dcmread(files[0], stop_before_pixels=True)
    assert len(await house.archive.read_headers(header.StudyInstanceUID)) == 2
    assert await house.quarantine.count() == 0


async def test_one_uid_with_other_content_waits_in_quarantine(
    house: House, files: list[Path], tmp_path: Path
) -> None:
    changed = change(files[0], tmp_path / "changed.dcm", PatientID="OTHER")
    report = await house.take([files[0], changed, files[1]])
    assert len(report.stored) == 2
    (failure,) = report.failures
    assert (failure.file, failure.failure_reason) == (changed, DUPLICATE_INSTANCE)
    (entry,) = await house.quarantine.list_items()
    assert failure.quarantined == entry
    assert "duplicate SOP Instance UID" in entry.reason
    assert "new UIDs" in entry.remedy
    assert entry.study_instance_uid == dcmread(changed).StudyInstanceUID
    # The first one stays as it was.
    header = dcmread(files[0], stop_before_pixels=True)
    held = await house.archive.read_header(
        header.StudyInstanceUID, header.SeriesInstanceUID, header.SOPInstanceUID
    )
    assert held.PatientID == header.PatientID


async def test_bad_files_hold_up_no_good_one(
    house: House, files: list[Path], test_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("not an image")
    stripped = sorted((test_data / "ct-abdomen").glob("*.dcm"))
    mixed = [*stripped[:10], *files, tmp_path / "note.txt", *stripped[10:]]
    report = await house.take(mixed)
    assert len(report.stored) == 4
    assert len(report.failures) == 21
    assert {failure.failure_reason for failure in report.failures} == {CANNOT_UNDERSTAND}
    taken = {failure.file for failure in report.failures}
    assert taken == {*stripped, tmp_path / "note.txt"}
    entries = await house.quarantine.list_items()
    assert len(entries) == 21
    assert {entry.file_name for entry in entries} == {path.name for path in taken}
    assert len(house.announced) == 4


async def test_a_study_address_takes_no_other_study(house: House, files: list[Path]) -> None:
    report = await house.take(files[:1], study=generate_uid())
    assert [failure.failure_reason for failure in report.failures] == [STUDY_MISMATCH]
    assert (report.stored, house.announced, await house.quarantine.count()) == ((), [], 0)


@dataclass(slots=True)
class AwayAt:
    """An archive that stops answering at its n-th call."""

    archive: EmbeddedArchive
    calls_left: int

    async def store(self, files: Sequence[Path]) -> StoreReport:
        if self.calls_left == 0:
            raise Unavailable("The archive does not answer.")
        self.calls_left -= 1
        return await self.archive.store(files)


async def test_nothing_is_lost_while_the_archive_is_away(
    house: House, files: list[Path], tmp_path: Path
) -> None:
    """The sender hears that it failed; what was confirmed before was announced; sending all again
    gives the whole, each once."""
    twin = change(files[3], tmp_path / "twin.dcm", ImageComments="other")
    bad = tmp_path / "bad.dcm"
    bad.write_bytes(b"rubbish")
    sent = [*files, twin, bad]
    for calls in (0, 1):
        announced: list[StoredInstance] = []

        async def announce(
            instances: Sequence[StoredInstance], announced: list[StoredInstance] = announced
        ) -> None:
            announced += instances

        away = AwayAt(house.archive, calls)
        with pytest.raises(Unavailable):
            await receive(sent, "test", away, house.quarantine, announce)  # type: ignore[arg-type]  # storing is all it does
        held = await house.archive.find_studies({}, 10, 0)
        count = int(held[0].NumberOfStudyRelatedInstances) if held else 0
        assert len(announced) == count == (4 if calls else 0)
        assert all(path.exists() for path in sent)
    report = await house.take(sent)
    assert len(report.stored) == 4
    assert len({item.sop_instance_uid for item in report.stored}) == 4
    assert {failure.file for failure in report.failures} == {twin, bad}
    # The bad file came three times, by one door and for one reason: it is listed once.
    assert await house.quarantine.count() == 2


@dataclass(slots=True)
class Full:
    failure_reason: int

    async def store(self, files: Sequence[Path]) -> StoreReport:
        headers = [dcmread(path, stop_before_pixels=True) for path in files]
        failures = [
            StoreFailure(h.SOPClassUID, h.SOPInstanceUID, self.failure_reason, "") for h in headers
        ]
        return StoreReport((), (), tuple(failures))


async def test_a_full_archive_is_not_the_files_fault(house: House, files: list[Path]) -> None:
    async def announce(_: Sequence[StoredInstance]) -> None:
        raise AssertionError("nothing was stored")

    with pytest.raises(Unavailable, match="resources"):
        await receive(files, "test", Full(0xA700), house.quarantine, announce)  # type: ignore[arg-type]  # storing is all it does
    assert await house.quarantine.count() == 0
    report = await receive(files, "test", Full(0x0122), house.quarantine, announce)  # type: ignore[arg-type]  # storing is all it does
    assert {failure.failure_reason for failure in report.failures} == {0x0122}
    assert await house.quarantine.count() == len(files)


async def test_a_worklist_hears_what_it_shows(
    house: House, files: list[Path], tmp_path: Path
) -> None:
    path = change(
        files[0],
        tmp_path / "stat.dcm",
        PatientName="Doe^Jane",
        PatientAge="",
        PatientBirthDate="19500615",
        StudyDate="20240615",
        StudyTime="140509.25",
        RequestedProcedurePriority="STAT",
        ImageComments="synthetic head",
    )
    await house.take([path])
    (item,) = house.announced
    assert (item.patient_name, item.patient_age) == ("Doe^Jane", "074Y")
    assert item.study_datetime == "2024-06-15T14:05:09"
    assert (item.priority, item.is_synthetic, item.modality) == ("stat", True, "CT")


@pytest.mark.parametrize(
    ("date", "time", "iso"),
    [
        ("20240503", "14", "2024-05-03T14:00:00"),
        ("20240503", "1405", "2024-05-03T14:05:00"),
        ("20240503", "", "2024-05-03T00:00:00"),
        ("20240503", "rubbish", "2024-05-03T00:00:00"),
        ("20240503", "256000", "2024-05-03T00:00:00"),
        ("20241303", "140500", ""),
        ("", "140500", ""),
    ],
)
def test_dates_become_iso(date: str, time: str, iso: str) -> None:
    assert to_iso_datetime(date, time) == iso
