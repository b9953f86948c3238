"""Headers to rows of the index, and rows to QIDO-RS answers (PS3.18 10.6.3.3)."""

from __future__ import annotations

from typing import Any

from pydicom import Dataset, uid
from sqlalchemy import Row

from overread.study.attributes import read_int, read_text
from overread.study.part10 import FileMap
from overread.study.pixels.layout import read_layout, read_number_of_frames
from overread.vocabulary.errors import Rejected
from overread.vocabulary.uid import Uid, parse_uid

_MAX_INTEGER = 2**31 - 1


def read_identity(header: Dataset) -> tuple[Uid, Uid, Uid]:
    """(study, series, SOP instance) UIDs.

    Raises:
        Rejected: one of them or the SOP Class UID is missing or malformed.
    """
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        text = read_text(header, keyword)
        if not text:
            raise Rejected(f"{keyword} is missing: the instance can't be filed.")
        parse_uid(text)
    return (
        Uid(read_text(header, "StudyInstanceUID")),
        Uid(read_text(header, "SeriesInstanceUID")),
        Uid(read_text(header, "SOPInstanceUID")),
    )


def study_row(header: Dataset) -> dict[str, Any]:
    """Columns of `index.studies`."""
    return {
        "study_uid": read_text(header, "StudyInstanceUID"),
        "patient_name": read_text(header, "PatientName"),
        "patient_id": read_text(header, "PatientID"),
        "birth_date": read_text(header, "PatientBirthDate"),
        "sex": read_text(header, "PatientSex"),
        "accession_number": read_text(header, "AccessionNumber"),
        "study_id": read_text(header, "StudyID"),
        "study_date": read_text(header, "StudyDate"),
        "study_time": read_text(header, "StudyTime"),
        "description": read_text(header, "StudyDescription"),
        "referring_physician": read_text(header, "ReferringPhysicianName"),
    }


def series_row(header: Dataset) -> dict[str, Any]:
    """Columns of `index.series`."""
    return {
        "study_uid": read_text(header, "StudyInstanceUID"),
        "series_uid": read_text(header, "SeriesInstanceUID"),
        "modality": read_text(header, "Modality"),
        "series_number": _read_column(header, "SeriesNumber"),
        "description": read_text(header, "SeriesDescription"),
        "body_part": read_text(header, "BodyPartExamined"),
        "series_date": read_text(header, "SeriesDate"),
        "series_time": read_text(header, "SeriesTime"),
    }


def instance_row(header: Dataset, found: FileMap) -> dict[str, Any]:
    """Columns of `index.instances` but those of the file itself."""
    return {
        "sop_uid": read_text(header, "SOPInstanceUID"),
        "study_uid": read_text(header, "StudyInstanceUID"),
        "series_uid": read_text(header, "SeriesInstanceUID"),
        "sop_class_uid": read_text(header, "SOPClassUID"),
        "transfer_syntax_uid": found.transfer_syntax_uid,
        "instance_number": _read_column(header, "InstanceNumber"),
        "number_of_frames": _count_frames(header),
        "rows": _read_column(header, "Rows"),
        "columns": _read_column(header, "Columns"),
        "bits_allocated": _read_column(header, "BitsAllocated"),
        "header_end": found.header_end,
        "pixel_offset": found.pixel_offset,
        "frame_bits": _measure_frame(header, found),
    }


def to_study_dataset(
    row: Row[Any], modalities: list[str], series_count: int, instance_count: int
) -> Dataset:
    """A study as QIDO-RS answers it (table 10.6.3-3)."""
    found = Dataset()
    found.SpecificCharacterSet = "ISO_IR 192"
    found.StudyDate = row.study_date
    found.StudyTime = row.study_time
    found.AccessionNumber = row.accession_number
    found.ModalitiesInStudy = modalities
    found.ReferringPhysicianName = row.referring_physician
    found.StudyDescription = row.description
    found.PatientName = row.patient_name
    found.PatientID = row.patient_id
    found.PatientBirthDate = row.birth_date
    found.PatientSex = row.sex
    found.StudyInstanceUID = row.study_uid
    found.StudyID = row.study_id
    found.NumberOfStudyRelatedSeries = series_count
    found.NumberOfStudyRelatedInstances = instance_count
    return found


def to_series_dataset(row: Row[Any]) -> Dataset:
    """A series as QIDO-RS answers it (table 10.6.3-4)."""
    found = Dataset()
    found.SpecificCharacterSet = "ISO_IR 192"
    found.Modality = row.modality
    found.SeriesDescription = row.description
    found.BodyPartExamined = row.body_part
    found.SeriesDate = row.series_date
    found.SeriesTime = row.series_time
    found.StudyInstanceUID = row.study_uid
    found.SeriesInstanceUID = row.series_uid
    if row.series_number is not None:
        found.SeriesNumber = row.series_number
    found.NumberOfSeriesRelatedInstances = row.instance_count
    return found


def to_instance_dataset(row: Row[Any]) -> Dataset:
    """An instance as QIDO-RS answers it (table 10.6.3-5)."""
    found = Dataset()
    found.SpecificCharacterSet = "ISO_IR 192"
    found.SOPClassUID = row.sop_class_uid
    found.SOPInstanceUID = row.sop_uid
    found.StudyInstanceUID = row.study_uid
    found.SeriesInstanceUID = row.series_uid
    found.AvailableTransferSyntaxUID = row.transfer_syntax_uid
    if row.instance_number is not None:
        found.InstanceNumber = row.instance_number
    for keyword, value in (
        ("NumberOfFrames", row.number_of_frames if row.frame_bits is not None else None),
        ("Rows", row.rows),
        ("Columns", row.columns),
        ("BitsAllocated", row.bits_allocated),
    ):
        if value is not None:
            setattr(found, keyword, value)
    return found


def _read_column(header: Dataset, keyword: str) -> int | None:
    value = read_int(header, keyword)
    return value if value is not None and abs(value) <= _MAX_INTEGER else None


def _count_frames(header: Dataset) -> int:
    try:
        return read_number_of_frames(header)
    except Rejected:
        return 1


def _measure_frame(header: Dataset, found: FileMap) -> int | None:
    """Bits of a native frame; None where the object has no pixels that can be cut into frames."""
    has_pixels = (
        found.pixel_offset is not None
        or found.transfer_syntax_uid == uid.DeflatedExplicitVRLittleEndian
    )
    try:
        return read_layout(header).native_frame_bits if has_pixels else None
    except Rejected:
        return None
