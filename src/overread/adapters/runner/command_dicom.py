"""SEG and SR that a command wrote, read as claims on the series it was given.

Frames are placed by their position in the patient, never by number. Of SR the planar regions of
measurement groups are read (TID 1500, 1410: Image Region as a closed polyline on one image); what
else it says is left to those who open the object itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from overread.adapters.runner.command_json import fill_polygon
from overread.model.prediction import PredictedFinding
from overread.study.attributes import MALFORMED
from overread.study.pixels.pydicom_plugin import register
from overread.study.volume import MAX_VOXELS, Volume
from overread.vocabulary.errors import LimitExceeded, Rejected
from overread.vocabulary.geometry import PlaneGeometry

_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_SAME_PLACE_MM = 0.1
_MAX_DEPTH = 32


def read_dicom_output(path: Path, volume: Volume, names: dict[str, str]) -> list[PredictedFinding]:
    """The claims of one SEG or SR.

    Args:
        names: the card's output key for a segment label (SEG) or finding code value (SR); a label
            that is not among them is taken as the key itself.

    Raises:
        Rejected: no such object, or it does not lie on the series' own grid.
        LimitExceeded: more voxels than are taken.
    """
    try:
        dataset = dcmread(path)
        kind = str(dataset.SOPClassUID)
        if kind == _SEGMENTATION:
            return _read_segments(dataset, volume, names)
        if kind.startswith(_REPORTS):
            return _read_report(dataset, volume, names)
    except (InvalidDicomError, OSError, RuntimeError, *MALFORMED) as error:
        raise Rejected(
            f"a DICOM file is broken or lacks what its kind needs ({type(error).__name__})."
        ) from error
    raise Rejected(f"a DICOM file is of the SOP class {kind}; SEG and SR are read.")


def _read_segments(
    dataset: Dataset, volume: Volume, names: dict[str, str]
) -> list[PredictedFinding]:
    count, rows, columns = int(dataset.NumberOfFrames), int(dataset.Rows), int(dataset.Columns)
    if count * rows * columns > MAX_VOXELS:
        raise LimitExceeded(f"a SEG has {count} frames of {rows} × {columns} pixels.")
    if (rows, columns) != volume.voxels.shape[1:]:
        raise Rejected(
            f"a SEG has {rows} × {columns} pixels and the series {volume.voxels.shape[1:]}: write "
            "it on the grid of the images."
        )
    is_fractional = str(dataset.SegmentationType) == "FRACTIONAL"
    register()
    frames = dataset.pixel_array.reshape(count, rows, columns)
    scale = float(dataset.MaximumFractionalValue) if is_fractional else 1.0
    shares: dict[int, NDArray[np.float32]] = {}
    for number in range(count):
        segment = _read_segment_number(dataset, number)
        share = shares.setdefault(segment, np.zeros(volume.voxels.shape, dtype=np.float32))
        plane = _find_plane(dataset, number, volume)
        np.maximum(share[plane], frames[number].astype(np.float32) / scale, out=share[plane])
    labels = {int(item.SegmentNumber): str(item.SegmentLabel) for item in dataset.SegmentSequence}
    return [
        PredictedFinding(
            output=names.get(labels[segment], labels[segment]),
            label=labels[segment],
            confidence=None,
            mask=share >= 0.5,
            heatmap=np.clip(share, 0, 1) if is_fractional else None,
        )
        for segment, share in sorted(shares.items())
    ]


def _read_segment_number(dataset: Dataset, number: int) -> int:
    for group in _list_groups(dataset, number):
        if "SegmentIdentificationSequence" in group:
            return int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
    raise Rejected("a frame of a SEG names no segment (PS3.3 C.8.20.3.1).")


def _find_plane(dataset: Dataset, number: int, volume: Volume) -> int:
    groups = _list_groups(dataset, number)
    position = next(
        group.PlanePositionSequence[0].ImagePositionPatient
        for group in groups
        if "PlanePositionSequence" in group
    )
    orientation = next(
        group.PlaneOrientationSequence[0].ImageOrientationPatient
        for group in groups
        if "PlaneOrientationSequence" in group
    )
    first = volume.planes[0]
    own = (*first.row_cosines, *first.column_cosines)
    if np.abs(np.subtract([float(x) for x in orientation], own)).max() > 1e-3:
        raise Rejected("a SEG is turned against the series: write it on the grid of the images.")
    place = np.array([float(x) for x in position])
    distances = [_distance_mm(plane, place) for plane in volume.planes]
    nearest = int(np.argmin(distances))
    if distances[nearest] > _SAME_PLACE_MM:
        raise Rejected(
            f"a frame of a SEG lies {distances[nearest]:.2f} mm beside the nearest image: write it "
            "on the grid of the images."
        )
    return nearest


def _distance_mm(plane: PlaneGeometry, place: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(np.array(plane.position) - place))


def _list_groups(dataset: Dataset, number: int) -> list[Dataset]:
    """The functional groups of a frame, its own before the shared ones."""
    own = dataset.PerFrameFunctionalGroupsSequence[number]
    return [own, *dataset.get("SharedFunctionalGroupsSequence", [])]


def _read_report(dataset: Dataset, volume: Volume, names: dict[str, str]) -> list[PredictedFinding]:
    findings = []
    for group in _walk(dataset, 0):
        if _concept(group) != "125007":  # Measurement Group, DCM
            continue
        code, words = _read_finding_code(group)
        mask = np.zeros(volume.voxels.shape, dtype=bool)
        is_placed = False
        for item in _walk(group, 0):
            if item.get("ValueType") == "SCOORD" and _concept(item) == "111030":  # Image Region
                _draw_region(item, mask, volume)
                is_placed = True
        if is_placed:
            key = names.get(code, code)
            findings.append(PredictedFinding(key, words, None, mask=mask))
    return findings


def _read_finding_code(group: Dataset) -> tuple[str, str]:
    for item in group.ContentSequence:
        if item.get("ValueType") == "CODE" and _concept(item) == "121071":  # Finding, DCM
            code = item.ConceptCodeSequence[0]
            return str(code.CodeValue), str(code.CodeMeaning)
    raise Rejected("a measurement group of an SR names no finding (121071, DCM; TID 1410).")


def _draw_region(item: Dataset, mask: NDArray[np.bool_], volume: Volume) -> None:
    if item.GraphicType != "POLYLINE":
        raise Rejected(f"an SR region is a {item.GraphicType}; closed polylines are read.")
    reference = item.ContentSequence[0].ReferencedSOPSequence[0]
    uid = str(reference.ReferencedSOPInstanceUID)
    frame = int(reference.get("ReferencedFrameNumber") or 1)
    places = [(str(image.sop_instance_uid), image.frame) for image in volume.images]
    if (uid, frame) not in places:
        raise Rejected("an SR region lies on an image that is not in the series it was given.")
    points = np.array([float(number) for number in item.GraphicData]).reshape(-1, 2)
    fill_polygon(mask, places.index((uid, frame)), points)


def _walk(item: Dataset, depth: int) -> Iterator[Dataset]:
    """All content items below one, itself left out."""
    if depth > _MAX_DEPTH:
        raise LimitExceeded(f"an SR is nested deeper than {_MAX_DEPTH} levels.")
    for child in item.get("ContentSequence", []):
        yield child
        yield from _walk(child, depth + 1)


def _concept(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].CodeValue) if names else ""
