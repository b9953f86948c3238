"""What may come in: broken, cut, nested or stripped files are refused in words, not by a crash."""

from __future__ import annotations

import functools
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian

from overread.study.admission import Admitted, Refused, admit
from overread.study.part10 import MAX_DEPTH, map_file, read_header

LIMIT = 1 << 30


def put(folder: Path, data: bytes) -> Path:
    path = folder / "sent.dcm"
    path.write_bytes(data)
    return path


def refuse(path: Path, max_bytes: int = LIMIT) -> Refused:
    found = admit(path, max_bytes)
    assert isinstance(found, Refused), found
    assert found.reason
    assert found.remedy
    return found


@functools.cache
def small_file(test_data: Path) -> bytes:
    return (test_data / "multiframe" / "siemens-xa10-enhanced-mr-1.dcm").read_bytes()


def change(source: Path, target: Path, **changes: object) -> Path:
    dataset = dcmread(source)
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dcmwrite(target, dataset)
    return target


def test_all_files_that_are_whole_are_admitted(test_data: Path) -> None:
    folders = ("ct-head", "transfer-syntaxes", "multiframe", "xray", "ultrasound", "us-echo", "sr")
    count = 0
    for path in sorted(p for folder in folders for p in (test_data / folder).glob("*.dcm")):
        header = dcmread(path, stop_before_pixels=True)
        found = admit(path, LIMIT)
        if not header.get("StudyInstanceUID"):
            continue  # stripped: tested below
        assert isinstance(found, Admitted), (path.name, found)
        assert found.sop_instance_uid == header.SOPInstanceUID
        assert found.study_instance_uid == header.StudyInstanceUID
        count += 1
    assert count > 80


def test_the_stripped_abdomen_is_refused_by_what_it_lacks(test_data: Path) -> None:
    files = sorted((test_data / "ct-abdomen").glob("*.dcm"))
    assert len(files) == 20
    for path in files:
        found = refuse(path)
        for name in ("SOP Class UID", "Study Instance UID", "Series Instance UID"):
            assert name in found.reason
        assert "(0020,000D)" in found.reason
        assert "new UIDs" in found.remedy
        assert found.study_instance_uid == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no DICOM"),
        (b"\x00" * 132, "no DICOM"),
        (b"%PDF-1.7 " * 100, "no DICOM"),
        (b"\x00" * 128 + b"DICM", "Transfer Syntax"),
        (b"\x00" * 128 + b"DICM\x02\x00", "cut short"),
    ],
)
def test_what_is_no_dicom_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in refuse(put(tmp_path, data)).reason


@pytest.mark.parametrize("name", ["ct-head/01.dcm", "transfer-syntaxes/CT1_J2KR.dcm"])
def test_a_file_cut_anywhere_is_refused(test_data: Path, tmp_path: Path, name: str) -> None:
    data = (test_data / name).read_bytes()
    for share in (0.001, 0.01, 0.3, 0.7, 0.999):
        found = refuse(put(tmp_path, data[: int(len(data) * share)]))
        assert "again" in found.remedy


def test_a_file_beyond_the_limit_is_refused(test_data: Path) -> None:
    path = test_data / "ct-head" / "01.dcm"
    found = refuse(path, max_bytes=1000)
    assert str(path.stat().st_size) in found.reason
    assert "OVERREAD_MAX_INSTANCE_BYTES" in found.remedy


@pytest.mark.parametrize("depth", [MAX_DEPTH, 200, 5000])
@pytest.mark.parametrize("is_defined", [True, False])
def test_deep_nesting_is_refused(
    test_data: Path, tmp_path: Path, depth: int, is_defined: bool
) -> None:
    """Sequences within sequences, written by hand: a library that recursed would give up."""
    inner = b""
    for _ in range(depth + 1):
        if is_defined:
            item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner
            inner = struct.pack("<HH2s2xI", 0x0040, 0xA730, b"SQ", len(item)) + item
        else:
            item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + inner
            item += struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
            item += struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
            inner = struct.pack("<HH2s2xI", 0x0040, 0xA730, b"SQ", 0xFFFFFFFF) + item
    source = test_data / "ct-head" / "01.dcm"
    whole = source.read_bytes()
    start = map_file(source).dataset_offset
    assert "nested" in refuse(put(tmp_path, whole[:start] + inner)).reason


def test_nesting_within_the_bound_is_read(test_data: Path, tmp_path: Path) -> None:
    item = Dataset()
    for _ in range(MAX_DEPTH - 2):
        outer = Dataset()
        outer.ContentSequence = Sequence([item])
        item = outer
    path = change(
        test_data / "ct-head" / "01.dcm", tmp_path / "deep.dcm", ContentSequence=Sequence([item])
    )
    assert isinstance(admit(path, LIMIT), Admitted)


def test_a_deflated_bomb_is_refused(
    test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = dcmread(test_data / "ct-head" / "01.dcm")
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = tmp_path / "deflated.dcm"
    dcmwrite(path, dataset)
    assert isinstance(admit(path, LIMIT), Admitted)
    assert read_header(path)[1].SOPInstanceUID == dataset.SOPInstanceUID
    monkeypatch.setattr("overread.study.part10.MAX_INFLATED_BYTES", 10_000)
    assert "unfolds" in refuse(path).reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"StudyInstanceUID": None}, "Study Instance UID (0020,000D) is missing"),
        ({"SeriesInstanceUID": ""}, "Series Instance UID (0020,000E) is missing"),
        ({"StudyInstanceUID": "1.02.3"}, "not a well-formed UID"),
        ({"SOPInstanceUID": "1.2.3.4"}, "differs from the file meta information"),
        ({"Rows": 0}, "Rows × Columns"),
        ({"Rows": 1024}, "Pixel Data holds"),
        ({"NumberOfFrames": 2}, "Pixel Data holds"),
        ({"NumberOfFrames": 999_999_999}, "Number of Frames"),
        ({"SamplesPerPixel": 7}, "Samples per Pixel"),
        ({"BitsAllocated": None}, "BitsAllocated"),
        ({"BitsStored": 17}, "Bits Stored"),
        ({"HighBit": 30}, "High Bit"),
    ],
)
def test_each_rule_is_named(
    test_data: Path, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    path = change(test_data / "ct-head" / "01.dcm", tmp_path / "changed.dcm", **changes)
    found = refuse(path)
    assert words in found.reason


def test_a_refusal_names_no_patient(test_data: Path, tmp_path: Path) -> None:
    path = change(
        test_data / "ct-head" / "01.dcm",
        tmp_path / "changed.dcm",
        PatientName="Secret^Person",
        PatientID="SECRET-1",
        StudyInstanceUID="SECRET-2",
        SeriesInstanceUID=None,
    )
    found = refuse(path)
    assert "secret" not in f"{found.reason} {found.remedy} {found.study_instance_uid}".lower()
    assert found.sop_instance_uid == dcmread(path, stop_before_pixels=True).SOPInstanceUID


def test_documents_without_pixels_are_admitted(test_data: Path) -> None:
    for path in sorted((test_data / "sr").glob("*.dcm")):
        assert isinstance(admit(path, LIMIT), Admitted), path.name


@settings(max_examples=150)
@given(
    edits=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=25
    ),
    in_header=st.booleans(),
    cut=st.one_of(st.none(), st.floats(0.001, 1)),
    inserted=st.binary(max_size=24),
)
def test_a_damaged_file_is_admitted_or_refused_and_nothing_else(
    test_data: Path,
    edits: list[tuple[float, int]],
    in_header: bool,
    cut: float | None,
    inserted: bytes,
) -> None:
    data = bytearray(small_file(test_data))
    reach = 4000 if in_header else len(data)
    for share, value in edits:
        data[128 + int(share * (reach - 128))] = value
    at = 132 + int(edits[0][0] * (reach - 132))
    data[at:at] = inserted
    if cut is not None:
        del data[int(len(data) * cut) :]
    with tempfile.TemporaryDirectory() as folder:
        found = admit(put(Path(folder), bytes(data)), LIMIT)
    if isinstance(found, Refused):
        assert found.reason
        assert found.remedy
    else:
        assert found.study_instance_uid
        assert found.series_instance_uid
