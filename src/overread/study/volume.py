"""A series as one array, each slice where it really lies: tilt and uneven gaps are kept.

Everything here measures along the common normal of the slices (row cosines × column cosines),
never by Slice Thickness, Spacing Between Slices or the step of one patient axis: those are wrong
for a tilted gantry and for a series made in two runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.pixels.utils import pixel_array

from overread.study.pixels.pydicom_plugin import register
from overread.study.reading import read_plane
from overread.study.study import ImageRef
from overread.vocabulary.errors import LimitExceeded, Rejected
from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import Uid, parse_uid

MAX_VOXELS = 2**30
"""Largest volume held in memory: 4 GiB of float32."""

SAME_DIRECTION = 1e-3
"""How far direction cosines of parallel slices may differ (0.06°)."""

MAX_FILES = 20_000
"""Most files read of one series."""

LEAST_GAP_MM = 0.01
"""Slices closer than this lie at the same place."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Slices of one series, ordered by ascending position along their common normal.

    Attributes:
        voxels: float32 (slices, rows, columns), modality values (HU for CT) after rescale.
        planes: one per slice; parallel, but origins may step obliquely (gantry tilt) and
            unevenly.
        images: one per slice.
        modality, patient_age: what models may know of the source; no identity.
    """

    voxels: NDArray[np.float32]
    planes: tuple[PlaneGeometry, ...]
    images: tuple[ImageRef, ...]
    series_instance_uid: Uid
    frame_of_reference_uid: Uid | None
    modality: str
    patient_age: str = ""


@dataclass(frozen=True, slots=True)
class _Frame:
    """One frame that will be a slice: where its pixels come from and how they become values."""

    source: Dataset | Path
    index: int
    image: ImageRef
    plane: PlaneGeometry
    slope: float
    intercept: float


def read_volume(folder: Path) -> Volume:
    """The volume of one series from its Part 10 files; any transfer syntax that we decode.

    Headers are read first, so that a series that is no volume is refused before its pixels are
    decoded.

    Raises:
        Rejected: not one series of grey images, each with position, orientation and spacing, in
            one stack; the message says which rule is broken.
        LimitExceeded: too many files or voxels.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        raise Rejected("The folder holds no files: there is no series to read.")
    if len(paths) > MAX_FILES:
        raise LimitExceeded(f"The folder holds {len(paths)} files; at most {MAX_FILES} are read.")
    return _assemble((path, _read_header(path)) for path in paths)


def build_volume(datasets: Sequence[Dataset]) -> Volume:
    """As `read_volume`, from datasets that hold their pixels (and file meta information)."""
    return _assemble((dataset, dataset) for dataset in datasets)


def order_planes(planes: Sequence[PlaneGeometry]) -> list[int]:
    """Indices of `planes` by ascending position along their common normal.

    Raises:
        Rejected: no planes, or planes that are not one stack: turned against each other, of
            different size or pixel spacing, or two at one place.
        LimitExceeded: more than `MAX_VOXELS` pixels together.
    """
    if not planes:
        raise Rejected("The series holds no image with a position: it is no volume.")
    first = planes[0]
    if len(planes) * first.rows * first.columns > MAX_VOXELS:
        raise LimitExceeded(
            f"{len(planes)} slices of {first.rows} × {first.columns} pixels pass the bound of "
            f"{MAX_VOXELS} voxels for one volume."
        )
    for number, plane in enumerate(planes[1:], start=2):
        _check_belongs(first, plane, number)
    positions = measure_positions_mm(planes)
    order = [int(i) for i in np.argsort(positions, kind="stable")]
    gaps = np.diff(positions[order])
    if gaps.size and float(gaps.min()) < LEAST_GAP_MM:
        raise Rejected(
            f"{int(np.count_nonzero(gaps < LEAST_GAP_MM))} pair(s) of slices lie at the same "
            "place along the normal: the series holds several passes, phases or copies, and is "
            "not one volume. Split it by acquisition."
        )
    return order


def measure_positions_mm(planes: Sequence[PlaneGeometry]) -> NDArray[np.float64]:
    """Where each plane lies along the first one's normal, in mm from the patient origin."""
    normal = planes[0].normal
    return np.array([np.asarray(plane.position) @ normal for plane in planes], dtype=np.float64)


def slice_positions_mm(volume: Volume) -> NDArray[np.float64]:
    """Where each slice lies along the normal, ascending, in mm from the patient origin."""
    return measure_positions_mm(volume.planes)


def gaps_mm(volume: Volume) -> NDArray[np.float64]:
    """Distances between neighbouring slices along the normal; one fewer than slices."""
    return np.diff(slice_positions_mm(volume))


def slice_extents_mm(volume: Volume) -> NDArray[np.float64]:
    """How thick a slab each slice stands for along the normal.

    Half the gap to each neighbour; an end slice reaches as far outwards as inwards.

    Raises:
        Rejected: a single slice, which has no neighbour that says how thick it is.
    """
    gaps = gaps_mm(volume)
    if not gaps.size:
        raise Rejected(
            "A single slice stands for no volume: two slices or more are needed to measure mL."
        )
    below = np.concatenate((gaps[:1], gaps)) / 2
    above = np.concatenate((gaps, gaps[-1:])) / 2
    return np.asarray(below + above, dtype=np.float64)


def voxel_volumes_ml(volume: Volume) -> NDArray[np.float64]:
    """The volume of one voxel of each slice, in mL.

    The in-plane shift of a sheared stack moves voxels and leaves their volume as it is.
    """
    plane = volume.planes[0]
    area_mm2 = plane.spacing_between_rows_mm * plane.spacing_between_columns_mm
    return np.asarray(slice_extents_mm(volume) * area_mm2 / 1000, dtype=np.float64)


def volume_of_mask_ml(mask: NDArray[np.bool_], volume: Volume) -> float:
    """The volume of a mask on the volume's own grid, in mL.

    Args:
        mask: bool (slices, rows, columns), the shape of `volume.voxels`.

    Raises:
        Rejected: another shape.
    """
    if mask.shape != volume.voxels.shape:
        raise Rejected(f"The mask is {mask.shape}, the volume {volume.voxels.shape}.")
    counts = np.count_nonzero(mask, axis=(1, 2))
    return float(counts @ voxel_volumes_ml(volume))


def tilt_degrees(volume: Volume) -> float:
    """The angle between the step of the slice origins and the normal: 0 for an upright stack.

    A gantry tilt shears the stack: origins step along the table and not along the normal.
    """
    if len(volume.planes) < 2:
        return 0.0
    step = np.subtract(volume.planes[-1].position, volume.planes[0].position)
    along = float(step @ volume.planes[0].normal)
    across = float(np.linalg.norm(step - along * volume.planes[0].normal))
    return math.degrees(math.atan2(across, along))


def is_upright(volume: Volume) -> bool:
    """Whether pixels of equal index lie above each other, within a tenth of a pixel."""
    return bool(np.abs(measure_shifts_pixels(volume)).max() <= 0.1)


def measure_shifts_pixels(volume: Volume) -> NDArray[np.float64]:
    """How far each slice's origin lies from the first one's foot on it: (slices, 2), as
    (rows, columns) in pixels."""
    first = volume.planes[0]
    steps = np.array([plane.position for plane in volume.planes]) - np.array(first.position)
    rows = steps @ np.array(first.column_cosines) / first.spacing_between_rows_mm
    columns = steps @ np.array(first.row_cosines) / first.spacing_between_columns_mm
    return np.stack((rows, columns), axis=1)


def is_evenly_spaced(volume: Volume) -> bool:
    """Whether all gaps equal their median within 1 % or 0.02 mm."""
    gaps = gaps_mm(volume)
    if not gaps.size:
        return True
    median = float(np.median(gaps))
    return bool(np.abs(gaps - median).max() <= max(0.02, 0.01 * median))


def describe_spacing(volume: Volume) -> str:
    """The stack in words for a panel, e.g. "28 slices, gaps 1.08 to 7.00 mm, tilted 18.5°"."""
    count = len(volume.planes)
    if count == 1:
        return "1 slice"
    gaps = gaps_mm(volume)
    if is_evenly_spaced(volume):
        words = f"{count} slices, every {float(np.median(gaps)):.2f} mm"
    else:
        words = f"{count} slices, uneven gaps of {gaps.min():.2f} to {gaps.max():.2f} mm"
    if not is_upright(volume):
        words += f", tilted {tilt_degrees(volume):.1f}°"
    return words


def _check_belongs(first: PlaneGeometry, plane: PlaneGeometry, number: int) -> None:
    if (plane.rows, plane.columns) != (first.rows, first.columns):
        raise Rejected(
            f"Image {number} of the series is {plane.rows} × {plane.columns} pixels and the first "
            f"{first.rows} × {first.columns}: slices of one volume have one size."
        )
    turned = max(
        np.abs(np.subtract(plane.row_cosines, first.row_cosines)).max(),
        np.abs(np.subtract(plane.column_cosines, first.column_cosines)).max(),
    )
    if turned > SAME_DIRECTION:
        raise Rejected(
            f"Image {number} of the series is turned against the first one: the series holds "
            "several orientations (a localizer, or radial slices) and is not one volume."
        )
    spacings = (
        (plane.spacing_between_rows_mm, first.spacing_between_rows_mm),
        (plane.spacing_between_columns_mm, first.spacing_between_columns_mm),
    )
    if any(abs(one - other) > 1e-3 * other for one, other in spacings):
        raise Rejected(
            f"Image {number} of the series has another Pixel Spacing than the first one: slices "
            "of one volume have one spacing."
        )


def _read_header(path: Path) -> Dataset:
    try:
        return dcmread(path, stop_before_pixels=True)
    except (InvalidDicomError, OSError, ValueError, EOFError) as error:
        raise Rejected("A file of the series is no DICOM Part 10 file (PS3.10 7.1).") from error


def _assemble(sources: Iterable[tuple[Dataset | Path, Dataset]]) -> Volume:
    frames: list[_Frame] = []
    first: Dataset | None = None
    for source, header in sources:
        first = header if first is None else first
        if header.get("SeriesInstanceUID") != first.get("SeriesInstanceUID"):
            raise Rejected("The files belong to several series: a volume is read from one.")
        frames.extend(_read_frames(source, header))
        if len(frames) > MAX_VOXELS // 64:
            raise LimitExceeded("The series holds more frames than one volume may have.")
    if first is None:
        raise Rejected("There are no images to read.")
    order = order_planes([frame.plane for frame in frames])
    ordered = [frames[i] for i in order]
    plane = ordered[0].plane
    voxels = np.empty((len(ordered), plane.rows, plane.columns), dtype=np.float32)
    _fill(voxels, ordered)
    return Volume(
        voxels=voxels,
        planes=tuple(frame.plane for frame in ordered),
        images=tuple(frame.image for frame in ordered),
        series_instance_uid=parse_uid(str(first.get("SeriesInstanceUID") or "")),
        frame_of_reference_uid=_read_frame_of_reference(first),
        modality=str(first.get("Modality") or ""),
        patient_age=str(first.get("PatientAge") or ""),
    )


def _fill(voxels: NDArray[np.float32], frames: Sequence[_Frame]) -> None:
    """Decode each frame into its slice, opening every source once."""
    register()
    by_source: dict[int, list[tuple[int, _Frame]]] = {}
    for number, frame in enumerate(frames):
        by_source.setdefault(id(frame.source), []).append((number, frame))
    for group in by_source.values():
        source = group[0][1].source
        dataset = dcmread(source) if isinstance(source, Path) else source
        for number, frame in group:
            pixels = _decode(dataset, frame.index)
            if pixels.shape != voxels.shape[1:]:
                raise Rejected(
                    f"An image decodes to {pixels.shape}, not to (rows, columns) "
                    f"{voxels.shape[1:]}: colour images are no volume of values."
                )
            voxels[number] = pixels
            if frame.slope != 1 or frame.intercept != 0:
                voxels[number] *= np.float32(frame.slope)
                voxels[number] += np.float32(frame.intercept)


def _decode(dataset: Dataset, index: int) -> NDArray[np.generic]:
    try:
        is_multi_frame = int(dataset.get("NumberOfFrames") or 1) > 1
        return np.asarray(pixel_array(dataset, index=index if is_multi_frame else None))
    except (RuntimeError, ValueError, AttributeError, NotImplementedError, KeyError) as error:
        raise Rejected(
            f"The pixels of an image can't be decoded ({type(error).__name__}): the file is "
            "broken, or in a transfer syntax that is not read (docs/conformance.md)."
        ) from error


def _read_frames(source: Dataset | Path, header: Dataset) -> list[_Frame]:
    uid = parse_uid(str(header.get("SOPInstanceUID") or ""))
    try:
        count = int(header.get("NumberOfFrames") or 1)
        frames = []
        for index in range(count):
            slope, intercept = _read_rescale(header, index)
            plane = _require_plane(header, index)
            frames.append(_Frame(source, index, ImageRef(uid, index + 1), plane, slope, intercept))
    except (TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
        raise Rejected(
            "An image has no readable rescale slope, intercept or number of frames (PS3.3 "
            "C.11.1, C.7.6.6): the series is no volume."
        ) from error
    return frames


def _require_plane(header: Dataset, index: int) -> PlaneGeometry:
    reading = read_plane(header, index + 1)
    if reading.plane is None:
        raise Rejected(
            "An image has no readable position, orientation, pixel spacing or size (PS3.3 "
            f"C.7.6.2, C.7.6.16.2): the series is no volume. {reading.note}"
        )
    return reading.plane


def _read_rescale(header: Dataset, index: int) -> tuple[float, float]:
    """Rescale Slope and Intercept (PS3.3 C.11.1, C.7.6.16.2.9), 1 and 0 where absent."""
    sequence = "PixelValueTransformationSequence"
    slope = _find(header, index, sequence, "RescaleSlope")
    intercept = _find(header, index, sequence, "RescaleIntercept")
    numbers = (
        1.0 if slope is None else float(slope),
        0.0 if intercept is None else float(intercept),
    )
    if not all(math.isfinite(number) for number in numbers) or numbers[0] == 0:
        raise Rejected("Rescale Slope is zero or no finite number (PS3.3 C.11.1).")
    return numbers


def _find(header: Dataset, index: int, sequence: str, keyword: str) -> Any:
    """An attribute of one frame: in its own functional group, the shared one, or the top level."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence")
    groups = [per_frame[index]] if per_frame else []
    groups.extend(header.get("SharedFunctionalGroupsSequence") or [])
    for group in groups:
        items = group.get(sequence)
        if items and items[0].get(keyword) is not None:
            return items[0].get(keyword)
    return header.get(keyword)


def _read_frame_of_reference(header: Dataset) -> Uid | None:
    value = str(header.get("FrameOfReferenceUID") or "")
    return parse_uid(value) if value else None
