"""Headers to `Study`, `Series`, `Instance`: stack order, planes that can be trusted, lossiness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from pydicom import Dataset

from overread.study.attributes import read_int, read_items, read_numbers, read_text, read_texts
from overread.study.pixels.decode import LOSSY_SYNTAXES
from overread.study.pixels.functional_groups import find_group
from overread.study.pixels.layout import MAX_FRAMES
from overread.study.study import Instance, Patient, Series, Study
from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import Uid, parse_uid

MANUFACTURER = "Overread"
"""What the objects we make name as their Manufacturer (0008,0070)."""

_PARALLEL = 0.999


@dataclass(frozen=True, slots=True)
class PlaneReading:
    """Where a frame lies, or why that can't be known.

    Attributes:
        note: "" with a plane, else a sentence for the reader.
        spacing_mm: (between rows, between columns) that can be measured with, even where the
            position is unknown (a calibrated radiograph).
    """

    plane: PlaneGeometry | None
    spacing_mm: tuple[float, float] | None
    note: str


def read_study(headers: Sequence[Dataset]) -> Study:
    """One study from the headers of its instances, in any order.

    Raises:
        Rejected: no headers, or ones of several studies, or a malformed UID.
    """
    if not headers:
        raise Rejected("A study needs at least one instance.")
    study_uids = {read_text(header, "StudyInstanceUID") for header in headers}
    if len(study_uids) > 1:
        raise Rejected("These instances belong to several studies (Study Instance UID differs).")
    by_series: dict[str, list[Dataset]] = {}
    for header in headers:
        by_series.setdefault(read_text(header, "SeriesInstanceUID"), []).append(header)
    series = sorted(
        (read_series(members) for members in by_series.values()),
        key=lambda s: (s.series_number is None, s.series_number or 0, s.series_instance_uid),
    )
    first = min(headers, key=lambda header: read_text(header, "SOPInstanceUID"))
    return Study(
        study_instance_uid=parse_uid(study_uids.pop()),
        accession_number=read_text(first, "AccessionNumber"),
        description=read_text(first, "StudyDescription"),
        study_date=read_text(first, "StudyDate"),
        study_time=read_text(first, "StudyTime"),
        referring_physician=read_text(first, "ReferringPhysicianName"),
        patient=read_patient(first),
        series=tuple(series),
    )


def read_patient(header: Dataset) -> Patient:
    """Patient Module as stored; the age from birth and study date where it is not given."""
    birth_date = read_text(header, "PatientBirthDate")
    age = read_text(header, "PatientAge") or derive_age(birth_date, read_text(header, "StudyDate"))
    return Patient(
        name=read_text(header, "PatientName"),
        patient_id=read_text(header, "PatientID"),
        birth_date=birth_date,
        sex=read_text(header, "PatientSex"),
        age=age,
    )


def derive_age(birth_date: str, study_date: str) -> str:
    """Age as DICOM writes it (AS, e.g. "071Y", "005M") from two DICOM dates; "" where unknown."""
    try:
        born = date.fromisoformat(_to_iso(birth_date))
        then = date.fromisoformat(_to_iso(study_date))
    except ValueError:
        return ""
    if then < born:
        return ""
    months = (then.year - born.year) * 12 + then.month - born.month - (then.day < born.day)
    if months >= 24:
        return f"{months // 12:03d}Y"
    return f"{months:03d}M" if months >= 1 else f"{(then - born).days:03d}D"


def _to_iso(text: str) -> str:
    if len(text) != 8 or not text.isdigit():
        raise ValueError(text)
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def read_series(headers: Sequence[Dataset]) -> Series:
    """One series, its instances in stack order.

    Raises:
        Rejected: a malformed UID.
    """
    ordered = order_stack(headers)
    first = ordered[0]
    frames = {read_text(header, "FrameOfReferenceUID") for header in ordered}
    shared_frame = frames.pop() if len(frames) == 1 else ""
    return Series(
        series_instance_uid=parse_uid(read_text(first, "SeriesInstanceUID")),
        modality=read_text(first, "Modality"),
        series_number=read_int(first, "SeriesNumber"),
        description=read_text(first, "SeriesDescription"),
        body_part=read_text(first, "BodyPartExamined"),
        frame_of_reference_uid=parse_uid(shared_frame) if shared_frame else None,
        manufacturer=read_text(first, "Manufacturer"),
        image_type=read_texts(first, "ImageType"),
        has_contrast_agent=any(_has_contrast_agent(header) for header in ordered),
        convolution_kernel=read_text(first, "ConvolutionKernel"),
        is_made_by_overread=read_text(first, "Manufacturer") == MANUFACTURER,
        instances=tuple(read_instance(header) for header in ordered),
    )


def read_instance(header: Dataset) -> Instance:
    """One instance.

    Raises:
        Rejected: a malformed UID.
    """
    count = min(max(read_int(header, "NumberOfFrames") or 1, 1), MAX_FRAMES)
    syntax = read_transfer_syntax(header)
    return Instance(
        sop_instance_uid=parse_uid(read_text(header, "SOPInstanceUID")),
        sop_class_uid=parse_uid(read_text(header, "SOPClassUID")),
        transfer_syntax_uid=Uid(syntax),
        instance_number=read_int(header, "InstanceNumber"),
        number_of_frames=count,
        rows=read_int(header, "Rows"),
        columns=read_int(header, "Columns"),
        planes=tuple(read_plane(header, frame).plane for frame in range(1, count + 1)),
        is_lossy=is_lossy(header, syntax),
    )


def read_transfer_syntax(header: Dataset) -> str:
    """The syntax its archive holds it in, "" where it does not say."""
    meta = getattr(header, "file_meta", None)
    stored = read_text(meta, "TransferSyntaxUID") if meta is not None else ""
    return stored or read_text(header, "AvailableTransferSyntaxUID")


def is_lossy(header: Dataset, transfer_syntax_uid: str) -> bool:
    """Whether pixels were or may have been lossily compressed at any time (PS3.3 C.7.6.1.1.5)."""
    return (
        read_text(header, "LossyImageCompression") == "01" or transfer_syntax_uid in LOSSY_SYNTAXES
    )


def read_lossy_note(header: Dataset, transfer_syntax_uid: str) -> str:
    """For the reader: "Lossy JPEG Extended, ratio 12:1", or "" where nothing was lost."""
    if not is_lossy(header, transfer_syntax_uid):
        return ""
    methods = ", ".join(read_texts(header, "LossyImageCompressionMethod"))
    ratios = read_numbers(header, "LossyImageCompressionRatio")
    note = f"Lossy compression ({methods})" if methods else "Lossy compression"
    return f"{note}, ratio {ratios[-1]:g}:1" if ratios and ratios[-1] > 0 else note


def order_stack(headers: Sequence[Dataset]) -> list[Dataset]:
    """Along the normal where all images have one position each in parallel planes, else by
    Instance Number, then SOP Instance UID; equal positions are told apart in the same way."""

    def by_number(header: Dataset) -> tuple[bool, int, str]:
        number = read_int(header, "InstanceNumber")
        return (number is None, number or 0, read_text(header, "SOPInstanceUID"))

    numbered = sorted(headers, key=by_number)
    planes = [
        read_plane(header).plane if (read_int(header, "NumberOfFrames") or 1) == 1 else None
        for header in numbered
    ]
    known = [plane for plane in planes if plane is not None]
    if len(known) < len(planes) or len(known) < 2:
        return numbered
    normal = known[0].normal
    if any(float(plane.normal @ normal) < _PARALLEL for plane in known):
        return numbered
    along = [round(float(np.array(plane.position) @ normal), 3) for plane in known]
    order = sorted(range(len(numbered)), key=lambda index: (along[index], index))
    return [numbered[index] for index in order]


def read_plane(header: Dataset, frame: int = 1) -> PlaneReading:
    """Where a frame (1-based) lies: Image Plane Module (PS3.3 C.7.6.2) or, for enhanced objects,
    Plane Position, Plane Orientation and Pixel Measures groups (C.7.6.16.2)."""
    spacing, note = _read_spacing(header, frame)
    if spacing is None:
        return PlaneReading(None, None, note)
    position_group = find_group(header, frame, "PlanePositionSequence") or header
    orientation_group = find_group(header, frame, "PlaneOrientationSequence") or header
    position = read_numbers(position_group, "ImagePositionPatient")
    orientation = read_numbers(orientation_group, "ImageOrientationPatient")
    rows, columns = read_int(header, "Rows"), read_int(header, "Columns")
    if len(position) != 3 or len(orientation) != 6 or not rows or not columns:
        return PlaneReading(
            None, spacing, "The image does not say where it lies in the patient; it is shown alone."
        )
    try:
        plane = PlaneGeometry(
            position=(position[0], position[1], position[2]),
            row_cosines=(orientation[0], orientation[1], orientation[2]),
            column_cosines=(orientation[3], orientation[4], orientation[5]),
            spacing_between_rows_mm=spacing[0],
            spacing_between_columns_mm=spacing[1],
            rows=rows,
            columns=columns,
        )
    except Rejected as error:
        return PlaneReading(None, spacing, error.message)
    return PlaneReading(plane, spacing, note)


def _read_spacing(header: Dataset, frame: int) -> tuple[tuple[float, float] | None, str]:
    """Pixel Spacing where it can be trusted, else why not (PS3.3 10.7.1.3)."""
    group = find_group(header, frame, "PixelMeasuresSequence") or header
    spacing = read_numbers(group, "PixelSpacing")
    if len(spacing) == 2 and min(spacing) > 0:
        return (spacing[0], spacing[1]), ""
    if len(spacing) == 2:
        return None, "Pixel Spacing is zero: distances are shown in pixels."
    if len(read_numbers(header, "ImagerPixelSpacing")) == 2:
        return None, (
            "Only the spacing at the detector is known (Imager Pixel Spacing), not in the patient: "
            "distances are shown in pixels."
        )
    return None, "Pixel Spacing is missing: distances are shown in pixels."


def _has_contrast_agent(header: Dataset) -> bool:
    return bool(
        read_text(header, "ContrastBolusAgent")
        or read_items(header, "ContrastBolusAgentSequence")
        or read_text(header, "ContrastBolusVolume")
    )
