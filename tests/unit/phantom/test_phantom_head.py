"""Synthetic heads and their files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from overread.vocabulary.errors import Rejected
from overread_phantom.bleed import BleedKind, BleedRequest
from overread_phantom.dicom import write_bleed_into_series, write_study
from overread_phantom.head import Protocol, SyntheticHead, make_head, place_fiducials

_SMALL = Protocol(pixels=128, slices=31)


@pytest.fixture(scope="module")
def head() -> SyntheticHead:
    return make_head(
        11,
        [BleedRequest(BleedKind.INTRAPARENCHYMAL, 20.0, 65.0, "left")],
        _SMALL,
        fiducials=[(10, 120)],
    )


def test_a_head_has_skull_brain_and_a_bleed_on_the_patients_left(head: SyntheticHead) -> None:
    assert head.hu.shape == (31, 128, 128)
    assert head.hu.max() > 900
    middle = head.hu[16]
    assert 20 < float(np.median(middle[(middle > 0) & (middle < 80)])) < 45
    truth = head.bleeds[0]
    assert truth.volume_ml == pytest.approx(20.0, rel=0.02)
    assert truth.side == "left"
    # Columns grow towards the patient's left.
    assert float(np.argwhere(truth.mask)[:, 2].mean()) > 64


def test_the_same_seed_gives_the_same_head_and_another_another(head: SyntheticHead) -> None:
    again = make_head(
        11,
        [BleedRequest(BleedKind.INTRAPARENCHYMAL, 20.0, 65.0, "left")],
        _SMALL,
        fiducials=[(10, 120)],
    )
    assert np.array_equal(again.hu, head.hu)
    assert not np.array_equal(make_head(12, (), _SMALL).hu, head.hu)


def test_fiducials_are_five_by_five_on_every_slice(head: SyntheticHead) -> None:
    block = head.hu[:, 8:13, 118:123]
    assert (block == 3000).all()
    assert head.hu[0, 7, 120] < 0
    with pytest.raises(Rejected, match="leaves the image"):
        place_fiducials(head.hu.copy(), [(1, 50)])


def test_files_say_synthetic_and_are_valid(head: SyntheticHead, tmp_path: Path) -> None:
    paths = write_study(head, tmp_path / "one")
    again = write_study(head, tmp_path / "two")
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]
    dataset = pydicom.dcmread(paths[3])
    for keyword in ("PatientName", "PatientID", "StudyDescription", "ImageComments"):
        assert "SYNTHETIC" in str(dataset[keyword].value)
    assert (dataset.pixel_array[:8, :60] == 1000).any()
    assert find_dicom_errors(paths[3]) == []


@pytest.mark.slow
def test_a_real_series_with_a_bleed_is_marked_and_valid(test_data: Path, tmp_path: Path) -> None:
    request = BleedRequest(BleedKind.INTRAPARENCHYMAL, 20.0)
    truth = write_bleed_into_series(test_data / "ct-head", tmp_path, request, seed=4)
    paths = sorted(tmp_path.glob("*.dcm"))
    assert len(paths) == 28
    source = pydicom.dcmread(test_data / "ct-head" / "01.dcm", stop_before_pixels=True)
    dataset = pydicom.dcmread(paths[0])
    assert dataset.StudyInstanceUID != source.StudyInstanceUID
    assert dataset.ImagePositionPatient == source.ImagePositionPatient
    assert "SYNTHETIC" in dataset.StudyDescription
    assert truth.volume_ml == pytest.approx(20.0, rel=0.02)
    assert find_dicom_errors(paths[0]) == []


def find_dicom_errors(path: Path) -> list[str]:
    tool = Path(sys.executable).with_name("dciodvfy")
    said = subprocess.run([str(tool), str(path)], capture_output=True, text=True, check=False)
    return [line for line in (said.stdout + said.stderr).splitlines() if line.startswith("Error")]
