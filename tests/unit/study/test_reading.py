"""Headers to studies: stack order, planes that can be trusted, ages, lossiness."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from overread.study.reading import (
    derive_age,
    is_lossy,
    order_stack,
    read_instance,
    read_lossy_note,
    read_plane,
    read_series,
    read_study,
)
from overread.vocabulary.errors import Rejected


def read(path: Path) -> Dataset:
    return dcmread(path, stop_before_pixels=True)


def make_header(number: int | None, position: list[float] | None, **changes: object) -> Dataset:
    header = Dataset()
    header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.3", "1.2.4"
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    header.SOPInstanceUID = f"1.2.5.{number or 0}"
    if number is not None:
        header.InstanceNumber = number
    if position is not None:
        header.ImagePositionPatient = position
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.PixelSpacing = [1, 1]
    header.Rows, header.Columns = 4, 4
    for keyword, value in changes.items():
        setattr(header, keyword, value)
    return header


@settings(max_examples=10)
@given(shuffler=st.randoms(use_true_random=False))
def test_the_head_ct_is_stacked_from_foot_to_head(test_data: Path, shuffler: random.Random) -> None:
    headers = [read(path) for path in sorted((test_data / "ct-head").glob("*.dcm"))]
    shuffled = list(headers)
    shuffler.shuffle(shuffled)
    ordered = order_stack(shuffled)
    heights = [float(header.ImagePositionPatient[2]) for header in ordered]
    assert heights == sorted(heights)
    steps = sorted({round(step, 1) for step in np.diff(heights)})
    assert steps == [1.1, 4.2, 7.4]  # as the sample folder's README says
    series = read_series(shuffled)
    assert [i.sop_instance_uid for i in series.instances] == [h.SOPInstanceUID for h in ordered]


@settings(max_examples=60)
@given(
    places=st.lists(st.integers(-500, 500), min_size=2, max_size=20, unique=True),
    shuffler=st.randoms(use_true_random=False),
    flip=st.booleans(),
)
def test_order_follows_the_normal_whatever_the_numbers(
    places: list[int], shuffler: random.Random, flip: bool
) -> None:
    # A sagittal stack: the normal of rows along y and columns along -z is -x (or +x, flipped).
    orientation = [0, 1, 0, 0, 0, 1 if flip else -1]
    headers = [
        make_header(n + 1, [place / 10, 3, 4], ImageOrientationPatient=orientation)
        for n, place in enumerate(places)
    ]
    shuffler.shuffle(headers)
    found = [float(header.ImagePositionPatient[0]) for header in order_stack(headers)]
    assert found == sorted((place / 10 for place in places), reverse=not flip)


def test_without_positions_the_instance_number_counts() -> None:
    headers = [make_header(number, None) for number in (10, 2, 1)] + [make_header(None, None)]
    assert [h.get("InstanceNumber") for h in order_stack(headers)] == [1, 2, 10, None]
    # One image without a position, or turned against the others, and none is ordered by it.
    mixed = [make_header(2, [0, 0, 0]), make_header(1, [0, 0, 9]), make_header(3, None)]
    assert [h.InstanceNumber for h in order_stack(mixed)] == [1, 2, 3]
    turned = make_header(3, [0, 0, -50], ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    assert [h.InstanceNumber for h in order_stack([*mixed[:2], turned])] == [1, 2, 3]


def test_images_at_one_place_are_told_apart_by_number() -> None:
    headers = [make_header(n, [0, 0, z]) for n, z in ((4, 5), (3, 0), (2, 5), (1, 0))]
    assert [h.InstanceNumber for h in order_stack(headers)] == [1, 3, 2, 4]


def test_frames_of_an_enhanced_image_have_planes_of_their_own(test_data: Path) -> None:
    header = read(test_data / "multiframe" / "siemens-xa10-enhanced-mr-1.dcm")
    instance = read_instance(header)
    assert (instance.number_of_frames, len(instance.planes)) == (6, 6)
    for number, plane in enumerate(instance.planes):
        assert plane is not None
        own = header.PerFrameFunctionalGroupsSequence[number]
        shared = header.SharedFunctionalGroupsSequence[0]

        def find(keyword: str, own: Dataset = own, shared: Dataset = shared) -> Dataset:
            return (own.get(keyword) or shared.get(keyword))[0]

        position = find("PlanePositionSequence").ImagePositionPatient
        cosines = find("PlaneOrientationSequence").ImageOrientationPatient
        spacing = find("PixelMeasuresSequence").PixelSpacing
        assert plane.position == pytest.approx([float(x) for x in position])
        assert plane.row_cosines == pytest.approx([float(x) for x in cosines[:3]])
        assert plane.column_cosines == pytest.approx([float(x) for x in cosines[3:]])
        assert plane.spacing_between_rows_mm == pytest.approx(float(spacing[0]))
    places = {plane.position for plane in instance.planes if plane is not None}
    assert len(places) == 6


def test_a_spacing_of_zero_is_no_spacing(test_data: Path) -> None:
    reading = read_plane(read(test_data / "xray" / "chest-cr-masses.dcm"))
    assert reading.plane is None
    assert reading.spacing_mm is None
    assert "zero" in reading.note
    assert "pixels" in reading.note


def test_a_spacing_at_the_detector_is_no_spacing_in_the_patient() -> None:
    header = make_header(1, None, ImagerPixelSpacing=[0.1, 0.1])
    del header.PixelSpacing
    reading = read_plane(header)
    assert reading.spacing_mm is None
    assert "detector" in reading.note


def test_a_calibrated_radiograph_can_be_measured_without_a_place() -> None:
    header = make_header(1, None, PixelSpacing=[0.2, 0.1])
    reading = read_plane(header)
    assert (reading.plane, reading.spacing_mm) == (None, (0.2, 0.1))


@pytest.mark.parametrize(
    "changes",
    [
        {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
        {"ImageOrientationPatient": [2, 0, 0, 0, 1, 0]},
        {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
        {"PixelSpacing": [-1, 1]},
        {"Rows": 0},
    ],
)
def test_impossible_planes_are_none_and_say_why(changes: dict[str, object]) -> None:
    reading = read_plane(make_header(1, [0, 0, 0], **changes))
    assert reading.plane is None
    assert reading.note


@pytest.mark.parametrize(
    ("born", "then", "age"),
    [
        ("19500615", "20240614", "073Y"),
        ("19500615", "20240615", "074Y"),
        ("20230101", "20240501", "016M"),
        ("20240101", "20240131", "030D"),
        ("20240131", "20240101", ""),
        ("", "20240101", ""),
        ("1950", "20240101", ""),
        ("20231301", "20240101", ""),
    ],
)
def test_ages_are_derived(born: str, then: str, age: str) -> None:
    assert derive_age(born, then) == age


def test_loss_is_told_by_the_header_or_by_the_syntax() -> None:
    header = make_header(1, None)
    plain = "1.2.840.10008.1.2.1"
    assert not is_lossy(header, plain)
    assert read_lossy_note(header, plain) == ""
    assert is_lossy(header, "1.2.840.10008.1.2.4.50")
    header.LossyImageCompression = "01"
    header.LossyImageCompressionMethod = ["ISO_10918_1"]
    header.LossyImageCompressionRatio = [12.5]
    # A file that was unpacked again has lost what it lost.
    assert is_lossy(header, plain)
    assert read_lossy_note(header, plain) == "Lossy compression (ISO_10918_1), ratio 12.5:1"


def test_a_study_keeps_series_in_order_and_is_one() -> None:
    headers = [
        make_header(1, [0, 0, 0], SeriesInstanceUID="1.2.9", SeriesNumber=2),
        make_header(2, [0, 0, 0], SeriesInstanceUID="1.2.8", SeriesNumber=1),
        make_header(3, [0, 0, 0], SeriesInstanceUID="1.2.7"),
    ]
    study = read_study(headers)
    assert [s.series_instance_uid for s in study.series] == ["1.2.8", "1.2.9", "1.2.7"]
    headers[0].StudyInstanceUID = generate_uid()
    with pytest.raises(Rejected, match="several studies"):
        read_study(headers)
    with pytest.raises(Rejected):
        read_study([])
