"""A study as Overread sees it: identity by UIDs, order by position, no pixels."""

from __future__ import annotations

from dataclasses import dataclass

from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import Uid


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One image: an instance and a frame of it.

    Attributes:
        frame: 1-based, 1 for single-frame instances (PS3.3 10.3, Referenced Frame Number).
    """

    sop_instance_uid: Uid
    frame: int = 1


@dataclass(frozen=True, slots=True)
class Instance:
    """One stored SOP instance."""

    sop_instance_uid: Uid
    sop_class_uid: Uid
    transfer_syntax_uid: Uid
    instance_number: int | None
    number_of_frames: int
    rows: int | None
    columns: int | None
    planes: tuple[PlaneGeometry | None, ...]
    """One for each frame; None where the object gives no trustworthy position or spacing."""
    is_lossy: bool


@dataclass(frozen=True, slots=True)
class Series:
    """Instances of one series in stack order: along the normal where all have one position each,
    else by Instance Number, then SOP Instance UID."""

    series_instance_uid: Uid
    modality: str
    series_number: int | None
    description: str
    body_part: str
    frame_of_reference_uid: Uid | None
    manufacturer: str
    image_type: tuple[str, ...]
    has_contrast_agent: bool
    convolution_kernel: str
    is_made_by_overread: bool
    instances: tuple[Instance, ...]


@dataclass(frozen=True, slots=True)
class Patient:
    """Patient Module as stored; empty strings where the source is silent, nothing invented."""

    name: str
    patient_id: str
    birth_date: str
    sex: str
    age: str
    """Patient's Age (0010,1010), e.g. "071Y", or derived from birth and study date."""


@dataclass(frozen=True, slots=True)
class Study:
    study_instance_uid: Uid
    accession_number: str
    description: str
    study_date: str
    study_time: str
    referring_physician: str
    patient: Patient
    series: tuple[Series, ...]

    def find_series(self, series_instance_uid: str) -> Series | None:
        return next((s for s in self.series if s.series_instance_uid == series_instance_uid), None)
