"""A `Result` as a Comprehensive 3D SR, Measurement Report (TID 1500)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from highdicom.sr import (
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
)
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage

from overread.result.encoding import seg
from overread.result.encoding.header import (
    STATUS_TEXT,
    describe_creation,
    describe_equipment,
    device_uid_of,
    instance_uid_of,
    series_uid_of,
    stamp,
    to_bytes,
    to_concept,
    to_long_string,
)
from overread.result.encoding.image_library import build_image_library
from overread.result.encoding.source_header import prepare_sources, take_name
from overread.result.encoding.sr_groups import build_groups, comment
from overread.result.result import Result
from overread.vocabulary.code import Code

SOP_CLASS_UID = str(Comprehensive3DSRStorage)
SERIES_NUMBER = 9802

_DEVICE = Code("121007", "DCM", "Device")
_IMAGING = Code("363679005", "SCT", "Imaging")
# CID 100, by modality of the source.
_PROCEDURES = {
    "CT": Code("77477000", "SCT", "Computed tomography"),
    "MR": Code("113091000", "SCT", "Magnetic resonance imaging"),
    "CR": Code("168537006", "SCT", "Plain radiography"),
    "DX": Code("168537006", "SCT", "Plain radiography"),
    "US": Code("16310003", "SCT", "Ultrasonography"),
    "PT": Code("82918005", "SCT", "Positron emission tomography"),
}


def to_sr(result: Result, sources: Sequence[Dataset]) -> bytes:
    """Write a result as a report that names its model, images, places and numbers.

    A finding with a mask is a volumetric group (TID 1411) that refers to its segment in the
    Segmentation of the same result; its box on the key image is a planar group (TID 1410) with
    the same tracking identifiers. A finding without a place is a group of TID 1501. The report is
    complete, preliminary and never verified: that is a person's act.

    Raises:
        Rejected: the sources are not those of the result.
    """
    prepared = prepare_sources(result, sources)
    name = take_name(prepared)
    evidence = list(prepared)
    if seg.list_segments(result):
        evidence.append(_refer_to_segmentation(result, prepared[0]))
    report = Comprehensive3DSR(
        evidence=evidence,
        content=_build_content(result, prepared)[0],
        series_instance_uid=series_uid_of(result, "SR"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=instance_uid_of(result, "SR"),
        is_complete=True,
        is_final=False,
        is_verified=False,
        contributing_equipment=describe_equipment(result),
        **describe_creation(result),
    )
    report.PatientName = name
    stamp(report, result)
    return to_bytes(report)


def _build_content(result: Result, sources: Sequence[Dataset]) -> Any:
    modality = str(sources[0].get("Modality") or "")
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_describe_observer(result)),
        procedure_reported=to_concept(_PROCEDURES.get(modality, _IMAGING)),
        imaging_measurements=build_groups(result, sources),
    )
    # The library stands before the measurements (TID 1500 rows 5 and 6), remarks after them.
    content = report[0].ContentSequence
    content.insert(len(content) - 1, build_image_library(sources))
    content.extend(comment(text) for text in (STATUS_TEXT[result.model_status], *result.notices))
    return report


def _describe_observer(result: Result) -> Any:
    return ObserverContext(
        observer_type=to_concept(_DEVICE),
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=device_uid_of(result),
            name=to_long_string(result.model.name),
            manufacturer_name=to_long_string(result.model_manufacturer) or None,
            model_name=to_long_string(result.model_title),
            serial_number=result.model.digest[:64],
        ),
    )


def _refer_to_segmentation(result: Result, source: Dataset) -> Dataset:
    """As much of the Segmentation as the evidence sequence needs."""
    reference = Dataset()
    reference.SOPClassUID = seg.SOP_CLASS_UID
    reference.SOPInstanceUID = instance_uid_of(result, "SEG")
    reference.SeriesInstanceUID = series_uid_of(result, "SEG")
    reference.StudyInstanceUID = source.StudyInstanceUID
    return reference
