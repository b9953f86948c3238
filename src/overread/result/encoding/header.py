"""What every object we write shares: patient and study of its sources, our stamp, its times."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Any

from highdicom import ContributingEquipment
from highdicom.sr import CodedConcept
from pydicom import Dataset

from overread import __version__
from overread.model.card import ModelStatus
from overread.result.result import Result
from overread.vocabulary.code import Code
from overread.vocabulary.uid import Uid, derive_uid

MANUFACTURER = "Overread"
"""Manufacturer (0008,0070) of all objects that Overread makes; tells them from images."""

MODEL_NAME = "Overread"
"""Manufacturer's Model Name (0008,1090) of all objects that Overread makes."""

UTF_8 = "ISO_IR 192"
MAX_LONG_STRING = 64  # LO, PS3.5 table 6.2-1

STATUS_TEXT = {
    ModelStatus.DEMONSTRATION: "AI suggestion, demonstration, not for primary diagnosis",
    ModelStatus.RESEARCH: "AI suggestion, research use only, not for primary diagnosis",
    ModelStatus.CLEARED: "AI suggestion",
}

# CID 7005. IHE AIR 6.5.3.1 asks for the algorithm as contributing equipment.
_PROCESSING_EQUIPMENT = Code("109102", "DCM", "Processing Equipment")


def series_uid_of(result: Result, kind: str) -> Uid:
    """Series Instance UID of the objects of one kind ("SR", "SEG", "SC")."""
    return derive_uid("series", result.result_uid, kind)


def instance_uid_of(result: Result, kind: str, *parts: str) -> Uid:
    """SOP Instance UID of an object; `parts` tell several of one kind apart."""
    return derive_uid("instance", result.result_uid, kind, *parts)


def device_uid_of(result: Result) -> Uid:
    """Device UID (0018,1002): another model gives another one (IHE AIR 6.5.3.1)."""
    return derive_uid("device", result.model.name, result.model.version, result.model.digest)


def to_concept(code: Code) -> Any:
    """A code as highdicom takes it; meanings are cut to what LO holds (PS3.3 8.3)."""
    return CodedConcept(code.value, code.scheme, code.meaning[:MAX_LONG_STRING])


def to_long_string(text: str) -> str:
    """A text as LO: no backslash or control character, at most 64 characters (PS3.5 6.2)."""
    cleaned = "".join(" " if ord(sign) < 32 or sign == "\\" else sign for sign in text)
    return cleaned.strip()[:MAX_LONG_STRING].strip()


def describe_equipment(result: Result) -> list[Any]:
    """The algorithm as contributing equipment (0018,A001), IHE AIR 6.5.3.1."""
    item = ContributingEquipment(
        manufacturer=to_long_string(result.model_manufacturer) or MANUFACTURER,
        purpose_of_reference=to_concept(_PROCESSING_EQUIPMENT),
        manufacturer_model_name=to_long_string(result.model.name),
        software_versions=to_long_string(result.model.version),
        contribution_datetime=datetime.fromisoformat(result.started_at).replace(tzinfo=None),
        contribution_description=STATUS_TEXT[result.model_status],
    )
    item.DeviceUID = device_uid_of(result)
    return [item]


def describe_creation(result: Result) -> dict[str, Any]:
    """Arguments that every highdicom constructor takes."""
    started = datetime.fromisoformat(result.started_at).replace(microsecond=0, tzinfo=None)
    return {
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MODEL_NAME,
        "software_versions": __version__,
        "device_serial_number": to_long_string(device_uid_of(result)),
        "instance_number": 1,
        "specific_character_set": UTF_8,
        "content_date": started.date(),
        "content_time": started.time(),
        "series_date": started.date(),
        "series_time": started.time(),
        "series_description": to_long_string(f"AI {result.model_title}"),
    }


def stamp(dataset: Dataset, result: Result) -> None:
    """Times from the run's start, their offset, and how far the content may be believed.

    Equal input must give equal bytes, so no clock speaks here (Timezone Offset From UTC
    (0008,0201), Content Qualification (0018,9004)).
    """
    started = datetime.fromisoformat(result.started_at)
    dataset.InstanceCreationDate = started.strftime("%Y%m%d")
    dataset.InstanceCreationTime = started.strftime("%H%M%S")
    dataset.TimezoneOffsetFromUTC = started.strftime("%z")[:5]
    for item in dataset.get("ContributingEquipmentSequence", []):
        item.ContributionDateTime = started.strftime("%Y%m%d%H%M%S")
    if result.model_status is not ModelStatus.CLEARED:
        dataset.ContentQualification = "RESEARCH"


def to_bytes(dataset: Dataset) -> bytes:
    """A Part 10 file."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
