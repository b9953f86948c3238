"""Slices where they really lie: order, gaps, tilt, volume, and what is no volume."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, FileDataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from stacks import make_planes, make_volume

from overread.study import volume as volume_module
from overread.study.volume import (
    build_volume,
    describe_spacing,
    gaps_mm,
    is_evenly_spaced,
    is_upright,
    order_planes,
    read_volume,
    slice_extents_mm,
    slice_positions_mm,
    tilt_degrees,
    volume_of_mask_ml,
    voxel_volumes_ml,
)
from overread.vocabulary.errors import LimitExceeded, Rejected


def make_slice(z: float, number: int = 1, **changes: object) -> Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = f"1.2.3.4.{number}"
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = f"1.2.3.4.{number}"
    ds.SeriesInstanceUID = "1.2.3.4"
    ds.Modality = "CT"
    ds.ImagePositionPatient = [0, 0, z]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [0.5, 0.25]
    ds.Rows, ds.Columns = 3, 4
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.RescaleSlope, ds.RescaleIntercept = 2, -1024
    ds.PixelData = np.full((3, 4), number, "<i2").tobytes()
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def test_head_ct_has_its_measured_tilt_and_gaps(test_data: Path) -> None:
    volume = read_volume(test_data / "ct-head")
    assert volume.voxels.shape == (28, 512, 512)
    assert volume.voxels.dtype == np.float32
    assert tilt_degrees(volume) == pytest.approx(18.5, abs=0.01)
    gaps = sorted({round(float(gap), 2) for gap in gaps_mm(volume)})
    assert gaps == [1.08, 4.00, 7.00]
    assert not is_evenly_spaced(volume)
    assert not is_upright(volume)
    assert describe_spacing(volume) == ("28 slices, uneven gaps of 1.08 to 7.00 mm, tilted 18.5°")


def test_slice_extents_of_head_ct_fill_the_stack(test_data: Path) -> None:
    volume = read_volume(test_data / "ct-head")
    extents = slice_extents_mm(volume)
    positions = slice_positions_mm(volume)
    length = positions[-1] - positions[0]
    assert extents.sum() == pytest.approx(length + (4.0019 + 6.9986) / 2, abs=0.01)
    # On either side of the gap of 1.08 mm a slice stands for (4.00 + 1.08) / 2 and so on.
    assert extents[13] == pytest.approx((4.0019 + 1.0811) / 2, abs=0.001)
    assert extents[14] == pytest.approx((1.0811 + 6.9986) / 2, abs=0.001)


def test_brain_mr_is_a_regular_oblique_stack(test_data: Path) -> None:
    volume = read_volume(test_data / "mr-brain")
    assert volume.voxels.shape == (192, 256, 256)
    assert is_upright(volume)
    assert is_evenly_spaced(volume)
    assert describe_spacing(volume) == "192 slices, every 0.90 mm"
    assert volume.modality == "MR"


def test_values_are_rescaled_and_slices_ordered_by_place() -> None:
    volume = build_volume([make_slice(5, 1), make_slice(-3, 2), make_slice(0, 3)])
    assert [image.sop_instance_uid for image in volume.images] == [
        "1.2.3.4.2",
        "1.2.3.4.3",
        "1.2.3.4.1",
    ]
    assert volume.voxels[:, 0, 0].tolist() == [2 * 2 - 1024, 3 * 2 - 1024, 1 * 2 - 1024]


def test_order_does_not_depend_on_the_order_of_files(test_data: Path) -> None:
    datasets = [dcmread(path) for path in sorted((test_data / "ct-head").iterdir())]
    datasets = datasets[::2] + datasets[::-2]
    shuffled = build_volume(datasets)
    read = read_volume(test_data / "ct-head")
    assert shuffled.images == read.images
    assert np.array_equal(shuffled.voxels, read.voxels)


def test_enhanced_multi_frame_is_read_frame_by_frame(test_data: Path, tmp_path: Path) -> None:
    source = test_data / "multiframe" / "siemens-xa10-enhanced-mr-1.dcm"
    shutil.copy(source, tmp_path)
    volume = read_volume(tmp_path)
    assert volume.voxels.shape == (6, 64, 64)
    assert sorted(image.frame for image in volume.images) == [1, 2, 3, 4, 5, 6]
    header = dcmread(source)
    for number, image in enumerate(volume.images):
        group = header.PerFrameFunctionalGroupsSequence[image.frame - 1]
        position = group.PlanePositionSequence[0].ImagePositionPatient
        assert volume.planes[number].position == tuple(float(x) for x in position)
        stored = header.pixel_array[image.frame - 1].astype(float)
        ratio = volume.voxels[number].max() / stored.max()
        assert np.allclose(volume.voxels[number], stored * ratio, rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, 1]}, "turned"),
        ({"ImagePositionPatient": [0, 0, 0]}, "same place"),
        ({"ImagePositionPatient": None}, "no readable position"),
        ({"PixelSpacing": None}, "no readable position"),
        ({"PixelSpacing": [0.5, 0.5]}, "Pixel Spacing"),
        ({"Columns": 6, "Rows": 2}, "size"),
        ({"SeriesInstanceUID": "1.2.9"}, "several series"),
        ({"PixelData": b"\0\0"}, "can't be decoded"),
        ({"RescaleSlope": 0}, "Rescale Slope"),
        ({"SOPInstanceUID": "not a uid"}, "UID"),
    ],
)
def test_what_is_no_volume_is_refused_with_the_rule(changes: dict[str, object], words: str) -> None:
    with pytest.raises(Rejected, match=words):
        build_volume([make_slice(0, 1), make_slice(1, 2, **changes)])


def test_files_that_are_not_dicom_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no files"):
        read_volume(tmp_path)
    (tmp_path / "a").write_bytes(b"hello")
    with pytest.raises(Rejected, match="Part 10"):
        read_volume(tmp_path)


def test_colour_is_refused() -> None:
    colour = make_slice(
        1, 2, SamplesPerPixel=3, PhotometricInterpretation="RGB", BitsAllocated=8, BitsStored=8,
        HighBit=7, PixelRepresentation=0, PixelData=bytes(36),
    )  # fmt: skip
    colour.PlanarConfiguration = 0
    with pytest.raises(Rejected, match="colour"):
        build_volume([make_slice(0, 1), colour])


def test_too_many_voxels_are_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_module, "MAX_VOXELS", 20)
    with pytest.raises(LimitExceeded, match="bound"):
        order_planes(make_planes([0, 1], size=(3, 4)))


def test_a_series_of_moving_knee_is_no_volume(test_data: Path, tmp_path: Path) -> None:
    shutil.copy(test_data / "multiframe" / "enhanced-mr-moving-knee-19frame.dcm", tmp_path)
    with pytest.raises(Rejected, match="several passes"):
        read_volume(tmp_path)


def test_a_single_slice_has_no_volume() -> None:
    volume = build_volume([make_slice(0)])
    assert describe_spacing(volume) == "1 slice"
    with pytest.raises(Rejected, match="single slice"):
        slice_extents_mm(volume)


@given(
    gaps=st.lists(st.floats(0.05, 12), min_size=1, max_size=12),
    shear=st.floats(-0.6, 0.6),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=50, deadline=None)
def test_order_gaps_and_tilt_are_found_again(gaps: list[float], shear: float, seed: int) -> None:
    places = np.concatenate(([0.0], np.cumsum(gaps)))
    planes = make_planes(
        places.tolist(), row=(0.6, 0.8, 0), column=(-0.48, 0.36, 0.8), shear=shear, size=(2, 2)
    )
    order = np.random.default_rng(seed).permutation(len(planes))
    found = order_planes([planes[i] for i in order])
    assert [int(order[i]) for i in found] == list(range(len(planes)))
    volume = make_volume(planes, lambda points: points[..., 0])
    assert np.allclose(gaps_mm(volume), gaps, atol=1e-9)
    assert tilt_degrees(volume) == pytest.approx(np.degrees(np.arctan(abs(shear))), abs=1e-6)
    # Volume by hand: everything between the outer faces, whatever the shear.
    everything = volume_of_mask_ml(np.ones((len(planes), 2, 2), bool), volume)
    length = sum(gaps) + gaps[0] / 2 + gaps[-1] / 2
    assert everything == pytest.approx(length * 4 * 0.8 * 0.5 / 1000)
    assert voxel_volumes_ml(volume).sum() * 4 == pytest.approx(everything)


def test_a_mask_of_another_shape_is_refused() -> None:
    volume = build_volume([make_slice(0, 1), make_slice(1, 2)])
    with pytest.raises(Rejected, match="mask"):
        volume_of_mask_ml(np.zeros((1, 3, 4), bool), volume)


def test_building_leaves_the_datasets_alone() -> None:
    slices = [make_slice(0, 1), make_slice(1, 2)]
    before = copy.deepcopy(slices)
    build_volume(slices)
    assert slices == before


@pytest.mark.parametrize("kind", ["JLSL", "J2KR", "JPLL", "RLE"])
def test_compressed_slices_hold_the_values_of_plain_ones(
    test_data: Path, tmp_path: Path, kind: str
) -> None:
    for name, source in (("plain", "UNC"), ("packed", kind)):
        (tmp_path / name).mkdir()
        for number in range(3):
            ds = dcmread(test_data / "transfer-syntaxes" / f"CT1_{source}.dcm")
            ds.SOPInstanceUID = f"1.2.3.4.{number + 1}"
            ds.SeriesInstanceUID = "1.2.3.4"
            ds.ImagePositionPatient = [0, 0, 5 * number]
            ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
            ds.RescaleSlope, ds.RescaleIntercept = 1 + number, -1024
            ds.save_as(tmp_path / name / f"{number}.dcm")
    plain, packed = read_volume(tmp_path / "plain"), read_volume(tmp_path / "packed")
    assert packed.voxels.shape == (3, 512, 512)
    assert len(np.unique(packed.voxels[0])) > 100
    assert np.array_equal(packed.voxels, plain.voxels)


def test_volumes_need_no_other_part_of_the_product_to_decode(
    test_data: Path, tmp_path: Path
) -> None:
    """In a process of its own, where nothing else can have told pydicom of our decoders."""
    shutil.copy(test_data / "xray" / "tibia.dcm", tmp_path)
    ds = dcmread(tmp_path / "tibia.dcm")
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [0.1, 0.1]
    ds.save_as(tmp_path / "tibia.dcm")
    script = (
        "import sys, pathlib; from overread.study.volume import read_volume; "
        "print(read_volume(pathlib.Path(sys.argv[1])).voxels.shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "(1, 1760, 1760)", done.stderr
