"""A `Result` as a binary Segmentation (PS3.3 A.51): one segment for each finding with a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation as SegmentationObject
from highdicom.seg import SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import SegmentationStorage

from overread.result.encoding.header import (
    STATUS_TEXT,
    describe_creation,
    describe_equipment,
    instance_uid_of,
    series_uid_of,
    stamp,
    to_bytes,
    to_concept,
    to_long_string,
)
from overread.result.encoding.source_header import is_multi_frame, prepare_sources, take_name
from overread.result.mask import decode_runs
from overread.result.region import Mask
from overread.result.result import Finding, Result
from overread.study.study import ImageRef
from overread.vocabulary.errors import Rejected
from overread.vocabulary.uid import derive_uid

SOP_CLASS_UID = str(SegmentationStorage)
SERIES_NUMBER = 9801


def list_segments(result: Result) -> tuple[Finding, ...]:
    """The findings that have a segment: segment number 1 is the first."""
    return tuple(finding for finding in result.findings if find_mask(finding) is not None)


def find_mask(finding: Finding) -> Mask | None:
    """The finding's mask, None where it has none or an empty one."""
    return next(
        (region for region in finding.regions if isinstance(region, Mask) and region.slices), None
    )


def to_seg(result: Result, sources: Sequence[Dataset]) -> bytes:
    """Write all masks of a result as one Segmentation on the planes of its source images.

    Segments may overlap; frames without a pixel are left out. Tracking UIDs are those of the SR.

    Args:
        sources: headers of the source instances, single-frame ones in any number or one
            multi-frame one.

    Raises:
        Rejected: no finding has a mask, or the sources are not those of the result, differ in
            size, are several multi-frame instances, or hold frames at one place.
    """
    findings = list_segments(result)
    if not findings:
        raise Rejected("No finding of this result has a mask: there is no segmentation to write.")
    prepared = prepare_sources(result, sources)
    _check_places(prepared)
    name = take_name(prepared)
    segmentation = SegmentationObject(
        source_images=prepared,
        pixel_array=_stack(findings, prepared),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _describe(result, finding, number) for number, finding in enumerate(findings, start=1)
        ],
        series_instance_uid=series_uid_of(result, "SEG"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=instance_uid_of(result, "SEG"),
        content_label="AI",
        content_description=STATUS_TEXT[result.model_status],
        contributing_equipment=describe_equipment(result),
        **describe_creation(result),
    )
    segmentation.PatientName = name
    _fix_dimension_uid(segmentation, result)
    if "FrameOfReferenceUID" not in segmentation and "PatientOrientation" not in segmentation:
        # Type 2C where no plane says how the image lies (PS3.3 C.7.6.1).
        segmentation.PatientOrientation = prepared[0].get("PatientOrientation") or ""
    stamp(segmentation, result)
    return to_bytes(segmentation)


def _stack(findings: Sequence[Finding], sources: Sequence[Dataset]) -> NDArray[np.uint8]:
    """Masks on the sources' planes: a label map (planes, rows, columns) where none overlap,
    else (planes, rows, columns, segments)."""
    places, rows, columns = _list_planes(sources)
    labels = np.zeros((len(places), rows, columns), dtype=np.uint8)
    parts = [
        (number, places[part.image], decode_runs(part))
        for number, finding in enumerate(findings, start=1)
        for part in _read_slices(finding, places, rows, columns)
    ]
    has_overlap = len(findings) > np.iinfo(np.uint8).max
    for number, place, pixels in parts:
        if has_overlap or labels[place][pixels].any():
            has_overlap = True
            break
        labels[place][pixels] = number
    if not has_overlap:
        return labels
    stacked = np.zeros((len(places), rows, columns, len(findings)), dtype=np.uint8)
    for number, place, pixels in parts:
        stacked[place, :, :, number - 1] |= pixels
    return stacked


def _read_slices(
    finding: Finding, places: dict[ImageRef, int], rows: int, columns: int
) -> list[Any]:
    mask = find_mask(finding)
    slices = () if mask is None else mask.slices
    for part in slices:
        if part.image not in places or (part.rows, part.columns) != (rows, columns):
            raise Rejected(
                f"The mask of {finding.output!r} lies on image {part.image.sop_instance_uid} frame "
                f"{part.image.frame} as {part.rows} × {part.columns} pixels; the sources are "
                f"{len(places)} planes of {rows} × {columns}."
            )
    return list(slices)


def _list_planes(sources: Sequence[Dataset]) -> tuple[dict[ImageRef, int], int, int]:
    sizes = {(int(source.Rows), int(source.Columns)) for source in sources}
    if len(sizes) != 1:
        raise Rejected(f"The source images have {len(sizes)} sizes; a segmentation has one.")
    rows, columns = sizes.pop()
    counts = [int(source.get("NumberOfFrames") or 1) for source in sources]
    if len(sources) > 1 and max(counts) > 1:
        raise Rejected(
            "The sources are several multi-frame instances; a segmentation is written over one."
        )
    images = [
        ImageRef(source.SOPInstanceUID, frame)
        for source, count in zip(sources, counts, strict=True)
        for frame in range(1, count + 1)
    ]
    return {image: index for index, image in enumerate(images)}, rows, columns


def _check_places(sources: Sequence[Dataset]) -> None:
    """A frame is found by where it lies: no two may share a place (a cine, several phases)."""
    if not is_multi_frame(sources[0]):
        return
    frames = sources[0].get("PerFrameFunctionalGroupsSequence") or []
    places = [
        tuple(frame.PlanePositionSequence[0].ImagePositionPatient)
        for frame in frames
        if "PlanePositionSequence" in frame
    ]
    if not places or len(set(places)) != len(places):
        raise Rejected(
            f"The {len(frames)} frames of the source have {len(set(places))} places in the "
            f"patient; a segmentation needs one for each frame (PS3.3 C.8.20.3)."
        )


def _describe(result: Result, finding: Finding, number: int) -> Any:
    description = SegmentDescription(
        segment_number=number,
        segment_label=to_long_string(finding.label),
        segmented_property_category=to_concept(finding.category),
        segmented_property_type=to_concept(finding.finding),
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=to_long_string(result.model.name),
            family=to_concept(result.algorithm_family),
            version=to_long_string(result.model.version),
            source=to_long_string(result.model_manufacturer) or None,
        ),
        tracking_uid=finding.tracking_uid,
        tracking_id=to_long_string(finding.tracking_id),
        anatomic_regions=None if finding.site is None else [to_concept(finding.site)],
        display_color=CIELabColor.from_rgb(*finding.color_rgb),
    )
    if finding.site is not None and finding.laterality is not None:
        # PS3.3 10.5: the side is a modifier of the region.
        description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [
            to_concept(finding.laterality)
        ]
    return description


def _fix_dimension_uid(segmentation: Dataset, result: Result) -> None:
    """highdicom draws this UID at random; ours follows from the result."""
    uid = derive_uid("dimensions", result.result_uid, "SEG")
    for item in segmentation.get("DimensionOrganizationSequence", []):
        item.DimensionOrganizationUID = uid
    for item in segmentation.get("DimensionIndexSequence", []):
        item.DimensionOrganizationUID = uid
