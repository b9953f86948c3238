from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from io import BytesIO

import highdicom
import numpy as np
import pytest
from painted_results import SOURCES, Painted
from pydicom import Dataset, dcmread

from overread.result.encoding.seg import list_segments, to_seg
from overread.vocabulary.errors import Rejected

GetPainted = Callable[[str], Painted]


def read(painted: Painted) -> Dataset:
    return dcmread(BytesIO(to_seg(painted.result, painted.sources)))


def frames_by_segment(
    seg: Dataset, locate: Callable[[Dataset], int], shape: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Each segment's frames put where `locate` says, read with pydicom alone."""
    labels = {item.SegmentNumber: item.SegmentLabel for item in seg.SegmentSequence}
    found = {label: np.zeros(shape, dtype=np.bool_) for label in labels.values()}
    pixels = seg.pixel_array.reshape((-1, seg.Rows, seg.Columns))
    for frame, group in zip(pixels, seg.PerFrameFunctionalGroupsSequence, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        found[labels[number]][locate(group)] |= frame.astype(bool)
    return found


@pytest.mark.parametrize("name", ["ct-head", "mr-brain", "enhanced-mr"])
def test_each_frame_lies_on_its_sources_plane(painted: GetPainted, name: str) -> None:
    given = painted(name)
    seg = read(given)
    places = np.array([plane.position for plane in given.volume.planes])

    def locate(group: Dataset) -> int:
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        distances = np.linalg.norm(places - position, axis=1)
        assert distances.min() < 1e-3
        return int(distances.argmin())

    found = frames_by_segment(seg, locate, given.volume.voxels.shape)
    assert found.keys() == given.masks.keys()
    for label, mask in given.masks.items():
        assert np.array_equal(found[label], mask)
    shared = seg.SharedFunctionalGroupsSequence[0]
    plane = given.volume.planes[0]
    assert np.allclose(
        shared.PlaneOrientationSequence[0].ImageOrientationPatient,
        (*plane.row_cosines, *plane.column_cosines),
        atol=1e-6,
    )
    assert np.allclose(
        shared.PixelMeasuresSequence[0].PixelSpacing,
        (plane.spacing_between_rows_mm, plane.spacing_between_columns_mm),
    )
    assert seg.FrameOfReferenceUID == given.result.frame_of_reference_uid


@pytest.mark.parametrize("name", SOURCES)
def test_each_frame_names_its_source_image(painted: GetPainted, name: str) -> None:
    given = painted(name)
    seg = read(given)
    places = {
        (image.sop_instance_uid, image.frame): index
        for index, image in enumerate(given.volume.images)
    }

    def locate(group: Dataset) -> int:
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        frame = source.get("ReferencedFrameNumber", 1)
        return places[(source.ReferencedSOPInstanceUID, int(frame))]

    found = frames_by_segment(seg, locate, given.volume.voxels.shape)
    for label, mask in given.masks.items():
        assert np.array_equal(found[label], mask)


@pytest.mark.parametrize("name", SOURCES)
def test_dciodvfy_finds_no_error(
    painted: GetPainted, list_dicom_errors: Callable[[bytes], list[str]], name: str
) -> None:
    given = painted(name)
    assert list_dicom_errors(to_seg(given.result, given.sources)) == []


def test_a_source_without_slice_thickness_is_written(
    painted: GetPainted, list_dicom_errors: Callable[[bytes], list[str]]
) -> None:
    """It is type 2 in the image (PS3.3 C.7.6.2): it may be empty, and often is not there."""
    given = painted("mr-brain")
    sources = [deepcopy(source) for source in given.sources]
    for source in sources:
        del source.SliceThickness
    data = to_seg(given.result, sources)
    assert list_dicom_errors(data) == []
    measures = dcmread(BytesIO(data)).SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    first, second = sorted(float(plane.normal @ plane.position) for plane in given.volume.planes)[
        :2
    ]
    assert float(measures.SliceThickness) == pytest.approx(second - first, abs=1e-3)


@pytest.mark.parametrize("name", ["ct-head", "enhanced-mr"])
def test_same_input_gives_same_bytes(painted: GetPainted, name: str) -> None:
    given = painted(name)
    assert to_seg(given.result, given.sources) == to_seg(given.result, given.sources)


def test_highdicom_reads_segments_as_they_were_claimed(painted: GetPainted) -> None:
    given = painted("ct-head")
    seg = highdicom.seg.segread(BytesIO(to_seg(given.result, given.sources)))
    assert seg.segmentation_type.value == "BINARY"
    for number, finding in enumerate(list_segments(given.result), start=1):
        description = seg.get_segment_description(number)
        assert description.tracking_uid == finding.tracking_uid
        assert description.tracking_id == finding.tracking_id
        assert description.segment_label == finding.label
        assert description.algorithm_type.value == "AUTOMATIC"
        algorithm = description.algorithm_identification
        assert (algorithm.name, algorithm.version) == ("bright-spots", "1.2.0")
        assert algorithm.family.value == "123109"
    assert seg.SegmentsOverlap == "YES"
    side = seg.SegmentSequence[0].AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0]
    assert side.CodeValue == "24028007"


def test_empty_frames_are_left_out(painted: GetPainted) -> None:
    given = painted("mr-brain")
    touched = sum(int(np.any(mask, axis=(1, 2)).sum()) for mask in given.masks.values())
    assert int(read(given).NumberOfFrames) == touched


def test_segments_that_do_not_overlap_say_so(painted: GetPainted) -> None:
    given = painted("ct-head")
    alone = replace(given.result, findings=given.result.findings[:1])
    seg = dcmread(BytesIO(to_seg(alone, given.sources)))
    assert seg.SegmentsOverlap == "NO"
    assert np.count_nonzero(seg.pixel_array) == np.count_nonzero(given.masks["Bleed, right"])


def test_object_says_what_it_is_and_when(painted: GetPainted) -> None:
    seg = read(painted("ct-head"))
    assert seg.SpecificCharacterSet == "ISO_IR 192"
    assert seg.TimezoneOffsetFromUTC == "-0330"
    assert (seg.ContentDate, seg.ContentTime[:6]) == ("20260301", "221005")
    assert (seg.InstanceCreationDate, seg.InstanceCreationTime) == ("20260301", "221005")
    assert seg.ContentQualification == "RESEARCH"
    assert "demonstration" in seg.ContentDescription
    assert seg.Manufacturer == "Overread"


def test_sources_are_not_changed(painted: GetPainted) -> None:
    given = painted("ct-head")
    before = [source.to_json() for source in given.sources]
    to_seg(given.result, given.sources)
    assert [source.to_json() for source in given.sources] == before
    assert "PatientBirthDate" not in given.sources[0]


def test_order_of_sources_does_not_matter(painted: GetPainted) -> None:
    given = painted("ct-head")
    turned = list(reversed(given.sources))
    assert to_seg(given.result, turned) == to_seg(given.result, given.sources)


def test_foreign_or_missing_sources_are_rejected(painted: GetPainted) -> None:
    given = painted("ct-head")
    with pytest.raises(Rejected, match="1 of them are not among the 27 sources"):
        to_seg(given.result, given.sources[1:])


def test_result_without_masks_is_rejected(painted: GetPainted) -> None:
    given = painted("ct-head")
    with pytest.raises(Rejected, match="no segmentation to write"):
        to_seg(replace(given.result, findings=given.result.findings[2:]), given.sources)
