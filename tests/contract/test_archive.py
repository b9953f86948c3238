"""What every archive promises, held by the embedded one and by a real PACS."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.encaps import generate_frames
from pydicom.uid import ImplicitVRLittleEndian, generate_uid

from overread.adapters.archive.dicomweb import DicomWebArchive
from overread.adapters.archive.embedded import EmbeddedArchive
from overread.study.pixels.decode import LOSSY_SYNTAXES, decode_frame
from overread.study.pixels.frame import prepare_frame, read_pixels
from overread.study.pixels.layout import read_layout
from overread.study.ports import Archive
from overread.study.reading import is_lossy
from overread.vocabulary.errors import NotFound, Rejected, Unavailable
from peers.orthanc import Orthanc, run_orthanc


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with run_orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture(params=["embedded", "orthanc"])
async def archive(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Archive]:
    if request.param == "embedded":
        embedded = EmbeddedArchive(tmp_path / "archive")
        yield embedded
        embedded.close()
        return
    server: Orthanc = request.getfixturevalue("orthanc")
    server.clear()
    pacs = DicomWebArchive(server.dicomweb_url)
    yield pacs
    await pacs.close()


def list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def read(path: Path) -> Dataset:
    return dcmread(path, stop_before_pixels=True)


def write_variant(source: Path, target: Path, **changes: object) -> Path:
    dataset = dcmread(source)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
        if keyword == "SOPInstanceUID":
            dataset.file_meta.MediaStorageSOPInstanceUID = value
    dcmwrite(target, dataset)
    return target


async def collect(archive: Archive, study: str, series: str, into: Path) -> list[Path]:
    into.mkdir()
    return [path async for path in archive.retrieve(study, series, into)]


async def test_a_stored_series_is_found_and_comes_back_equal(
    archive: Archive, test_data: Path, tmp_path: Path
) -> None:
    files = list_files(test_data / "ct-head")
    report = await archive.store(files)
    assert (len(report.stored), report.already_there, report.failures) == (28, (), ())
    first = read(files[0])
    study_uid, series_uid = first.StudyInstanceUID, first.SeriesInstanceUID

    studies = await archive.find_studies({"StudyInstanceUID": study_uid}, 10, 0)
    assert [s.StudyInstanceUID for s in studies] == [study_uid]
    assert studies[0].PatientID == first.PatientID
    assert int(studies[0].NumberOfStudyRelatedInstances) == 28
    series = await archive.find_series(study_uid, {})
    assert [(s.SeriesInstanceUID, s.Modality) for s in series] == [(series_uid, "CT")]
    found = await archive.find_instances(study_uid, series_uid, {})
    originals = {read(path).SOPInstanceUID: dcmread(path) for path in files}
    assert {item.SOPInstanceUID for item in found} == set(originals)

    paths = await collect(archive, study_uid, series_uid, tmp_path / "out")
    assert len(paths) == 28
    for path in paths:
        copy = dcmread(path)
        assert copy == originals[copy.SOPInstanceUID]

    sop_uid = first.SOPInstanceUID
    data = await archive.read_instance(study_uid, series_uid, sop_uid)
    (tmp_path / "one.dcm").write_bytes(data)
    assert dcmread(tmp_path / "one.dcm") == originals[sop_uid]


async def test_headers_hold_everything_but_pixels_and_give_the_stack_in_order(
    archive: Archive, test_data: Path
) -> None:
    files = list_files(test_data / "ct-head")
    await archive.store(list(reversed(files)))
    first = read(files[0])
    headers = await archive.read_headers(first.StudyInstanceUID)
    assert len(headers) == 28
    assert all("PixelData" not in header for header in headers)
    assert all(header.ImagePositionPatient is not None for header in headers)

    study = await archive.read_study(first.StudyInstanceUID)
    planes = [instance.planes[0] for instance in study.series[0].instances]
    known = [plane for plane in planes if plane is not None]
    assert len(known) == 28
    heights = [float(np.dot(plane.normal, plane.position)) for plane in known]
    assert heights == sorted(heights)
    # The gaps along the normal that the sample folder's README states.
    gaps = np.diff(heights)
    assert gaps.min() == pytest.approx(1.08, abs=0.01)
    assert gaps.max() == pytest.approx(7.0, abs=0.01)


async def test_the_same_files_again_are_already_there(archive: Archive, test_data: Path) -> None:
    files = list_files(test_data / "ct-head")[:3]
    first = await archive.store(files)
    second = await archive.store([*files, files[0]])
    assert second.stored == ()
    assert sorted({*second.already_there}) == sorted(first.stored)
    assert second.failures == ()


async def test_a_copy_in_another_wrapping_is_already_there(
    archive: Archive, test_data: Path, tmp_path: Path
) -> None:
    source = list_files(test_data / "ct-head")[0]
    await archive.store([source])
    dataset = dcmread(source)
    dataset.file_meta.ImplementationVersionName = "OTHER"
    dcmwrite(tmp_path / "copy.dcm", dataset)
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dcmwrite(tmp_path / "implicit.dcm", dataset, implicit_vr=True, little_endian=True)
    report = await archive.store([tmp_path / "copy.dcm", tmp_path / "implicit.dcm"])
    assert (report.stored, len(report.already_there), report.failures) == ((), 2, ())


async def test_one_uid_with_other_content_is_refused_and_the_first_stays(
    archive: Archive, test_data: Path, tmp_path: Path
) -> None:
    source = list_files(test_data / "ct-head")[0]
    changed = write_variant(source, tmp_path / "changed.dcm", PatientID="SOMEBODY ELSE")
    moved = write_variant(source, tmp_path / "moved.dcm", StudyInstanceUID=generate_uid())
    good = write_variant(source, tmp_path / "good.dcm", SOPInstanceUID=generate_uid())
    await archive.store([source])
    report = await archive.store([changed, good, moved])
    assert [failure.failure_reason for failure in report.failures] == [0x0111, 0x0111]
    assert len(report.stored) == 1
    header = read(source)
    held = await archive.read_headers(header.StudyInstanceUID)
    assert {h.PatientID for h in held} == {header.PatientID}
    with pytest.raises(NotFound):
        await archive.read_headers(read(moved).StudyInstanceUID)


async def test_a_bad_file_among_good_ones_harms_none(
    archive: Archive, test_data: Path, tmp_path: Path
) -> None:
    good = list_files(test_data / "ct-head")[:2]
    (tmp_path / "bad.dcm").write_bytes(os.urandom(4096))
    (tmp_path / "cut.dcm").write_bytes(good[0].read_bytes()[:-1000])
    report = await archive.store([good[0], tmp_path / "bad.dcm", tmp_path / "cut.dcm", good[1]])
    assert (len(report.stored), len(report.failures)) == (2, 2)
    assert {failure.failure_reason for failure in report.failures} == {0xC000}


async def test_what_is_absent_is_not_found(archive: Archive, test_data: Path) -> None:
    file = list_files(test_data / "ct-head")[0]
    await archive.store([file])
    header = read(file)
    uids = (header.StudyInstanceUID, header.SeriesInstanceUID, header.SOPInstanceUID)
    with pytest.raises(NotFound):
        await archive.read_study("1.2.3")
    with pytest.raises(NotFound):
        await archive.find_series("1.2.3", {})
    with pytest.raises(NotFound):
        await archive.find_instances("1.2.3", None, {})
    with pytest.raises(NotFound):
        await archive.read_headers(uids[0], "1.2.3")
    with pytest.raises(NotFound):
        await archive.read_instance(uids[0], uids[1], "1.2.3")
    with pytest.raises(NotFound):
        await archive.read_header(uids[0], uids[1], "1.2.3")
    assert (await archive.read_header(*uids)).InstanceNumber == header.InstanceNumber
    for frame in (0, 2, 10**6):
        with pytest.raises(NotFound):
            await archive.read_frame(*uids, frame)
    assert await archive.find_studies({"PatientID": "NOBODY"}, 10, 0) == []
    assert await archive.find_instances(uids[0], None, {"SOPInstanceUID": "1.2.3"}) == []


async def test_studies_are_searched_and_paged(
    archive: Archive, test_data: Path, tmp_path: Path
) -> None:
    source = list_files(test_data / "ct-head")[0]
    files = []
    for number in range(3):
        path = write_variant(
            source,
            tmp_path / f"{number}.dcm",
            SOPInstanceUID=generate_uid(),
            StudyInstanceUID=generate_uid(),
            SeriesInstanceUID=generate_uid(),
            PatientName=f"Doe^Jane{number}",
            PatientID=f"P{number}",
            AccessionNumber=f"A{number}",
            StudyDate=f"2024010{number + 1}",
        )
        files.append(path)
    await archive.store(files)

    async def search(**matching: str) -> list[str]:
        found = await archive.find_studies(matching, 10, 0)
        return sorted(str(study.PatientID) for study in found)

    assert await search() == ["P0", "P1", "P2"]
    assert await search(PatientID="P1") == ["P1"]
    assert await search(PatientName="Doe^Jane*") == ["P0", "P1", "P2"]
    assert await search(AccessionNumber="A2") == ["P2"]
    assert await search(StudyDate="20240102-") == ["P1", "P2"]
    assert await search(StudyDate="20240101-20240102") == ["P0", "P1"]
    assert await search(ModalitiesInStudy="CT") == ["P0", "P1", "P2"]
    assert await search(ModalitiesInStudy="MR") == []
    pages = [
        study.PatientID
        for offset in range(3)
        for study in await archive.find_studies({}, 1, offset)
    ]
    assert sorted(pages) == ["P0", "P1", "P2"]


def with_identity(source: Path, target: Path) -> Path:
    """A copy that can be filed: some samples came without UIDs."""
    dataset = dcmread(source)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if not dataset.get(keyword):
            setattr(dataset, keyword, generate_uid())
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dcmwrite(target, dataset)
    return target


async def test_every_transfer_syntax_comes_back_as_it_was(
    archive: Archive, test_data: Path, tmp_path: Path
) -> None:
    sources = sorted((test_data / "transfer-syntaxes").glob("*.dcm"))
    files = [with_identity(path, tmp_path / path.name) for path in sources]
    # Some share a SOP Instance UID across syntaxes, which is a conflict: one at a time then.
    assert len(files) == 44
    for file in files:
        original = dcmread(file)
        original.SOPInstanceUID = generate_uid()
        original.file_meta.MediaStorageSOPInstanceUID = original.SOPInstanceUID
        dcmwrite(file, original)
        report = await archive.store([file])
        assert report.failures == (), file.name
        uids = report.stored[0]
        frame = await archive.read_frame(*uids, 1)
        syntax = original.file_meta.TransferSyntaxUID
        headers = await archive.read_headers(uids[0], uids[1])
        header = next(h for h in headers if h.SOPInstanceUID == uids[2])
        if syntax.is_encapsulated:
            expected = next(iter(generate_frames(original.PixelData, number_of_frames=1)))
            assert frame.transfer_syntax_uid == syntax, file.name
        else:
            expected = original.PixelData
        assert frame.data.rstrip(b"\0") == expected.rstrip(b"\0"), file.name
        direct = decode_frame(expected, syntax, read_layout(original))
        assert np.array_equal(read_pixels(frame, header).pixels, direct.pixels), file.name
        assert prepare_frame(frame, header).rows == original.Rows
        if syntax in LOSSY_SYNTAXES and "HTJ2K" not in file.name:
            assert is_lossy(header, frame.transfer_syntax_uid), file.name


async def test_palettes_and_many_frames_are_readable(
    archive: Archive, test_data: Path, tmp_path: Path
) -> None:
    cine = tmp_path / "cine.dcm"
    written = (test_data / "us-echo" / "a4c-cine-acuson-sequoia.dcm").read_bytes()
    # The sample ends its pixel data twice, which Orthanc refuses to parse.
    assert written.endswith(b"\xfe\xff\xdd\xe0\0\0\0\0" * 2)
    cine.write_bytes(written[:-8])
    palette = test_data / "us-echo" / "plax-10frame-palette-rle.dcm"
    wide_palette = test_data / "ultrasound" / "burned-in-text-palette.dcm"
    enhanced = test_data / "multiframe" / "siemens-xa10-enhanced-mr-1.dcm"
    report = await archive.store([cine, palette, wide_palette, enhanced])
    assert report.failures == ()
    for uids, file, last in zip(
        report.stored, (cine, palette, wide_palette, enhanced), (65, 10, 1, 6), strict=True
    ):
        original = dcmread(file)
        header = (await archive.read_headers(uids[0], uids[1]))[0]
        frame = await archive.read_frame(*uids, last)
        layout = read_layout(original)
        if original.file_meta.TransferSyntaxUID.is_encapsulated:
            frames = list(generate_frames(original.PixelData, number_of_frames=last))
        else:
            size = layout.native_frame_bits // 8
            frames = [original.PixelData[n * size : (n + 1) * size] for n in range(last)]
        expected = decode_frame(frames[-1], original.file_meta.TransferSyntaxUID, layout)
        assert np.array_equal(read_pixels(frame, header).pixels, expected.pixels), file.name
        assert prepare_frame(frame, header) == prepare_frame(frame, original), file.name
        assert (await archive.read_study(uids[0])).series[0].instances[0].number_of_frames == last


async def test_it_answers_a_ping(archive: Archive) -> None:
    assert await archive.ping()


async def test_malformed_uids_reach_no_address(archive: Archive) -> None:
    for uid in ("1.2/../3", "1.2?x=1", "", "1.2\r\nX: y"):
        with pytest.raises((Rejected, NotFound)):
            await archive.read_headers(uid)


async def test_two_processes_share_one_embedded_archive(test_data: Path, tmp_path: Path) -> None:
    files = list_files(test_data / "ct-head")
    archives = [EmbeddedArchive(tmp_path) for _ in range(3)]
    reports = await asyncio.gather(*(archive.store(files) for archive in archives))
    assert sum(len(report.stored) for report in reports) == 28
    assert sum(len(report.already_there) for report in reports) == 56
    assert all(report.failures == () for report in reports)
    assert list((tmp_path / "incoming").iterdir()) == []
    assert len(list((tmp_path / "files").rglob("*.dcm"))) == 28


async def test_a_pacs_that_does_not_answer_is_unavailable() -> None:
    archive = DicomWebArchive("http://127.0.0.1:9/dicom-web", timeout_seconds=2)
    with pytest.raises(Unavailable):
        await archive.ping()
    await archive.close()
