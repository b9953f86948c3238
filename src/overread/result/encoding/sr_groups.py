"""Measurement groups of the report: what is claimed, where, how sure, how large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CoordinatesForMeasurement,
    FindingSite,
    GraphicTypeValues,
    ImageRegion,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceImageForRegion,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from highdicom.sr import Measurement as MeasurementContent
from numpy.typing import NDArray
from pydicom import Dataset

from overread.result.encoding import seg
from overread.result.encoding.header import (
    STATUS_TEXT,
    instance_uid_of,
    to_concept,
    to_long_string,
)
from overread.result.encoding.source_header import is_multi_frame
from overread.result.region import Box, Line
from overread.result.result import Finding, Measurement, Result
from overread.study.study import ImageRef
from overread.vocabulary import unit
from overread.vocabulary.code import Code
from overread.vocabulary.errors import Rejected
from overread.vocabulary.uid import derive_uid

# How sure the model is, in per cent of its own score; what the score means stands in the
# algorithm's parameters (111002).
CERTAINTY = Code("111012", "DCM", "Certainty of Finding")
_PERCENT = Code("%", "UCUM", "percent")
_COMMENT = Code("121106", "DCM", "Comment")
_LATERALITY = Code("272741003", "SCT", "Laterality")
_SUMMARY = Code("111017", "DCM", "CAD Processing and Findings Summary")
_WITHOUT_FINDINGS = Code("111241", "DCM", "All algorithms succeeded; without findings")


def build_groups(result: Result, sources: Sequence[Dataset]) -> list[Any]:
    """All groups of a report, findings in the result's order; at least one (TID 1500)."""
    if not result.findings:
        return [_state_no_findings(result)]
    instances = {str(source.SOPInstanceUID): source for source in sources}
    segments = {
        finding.tracking_uid: number
        for number, finding in enumerate(seg.list_segments(result), start=1)
    }
    groups: list[Any] = []
    for finding in result.findings:
        groups.extend(
            _describe(result, finding, segments.get(finding.tracking_uid), instances),
        )
    return groups


def _describe(
    result: Result, finding: Finding, segment: int | None, instances: dict[str, Dataset]
) -> list[Any]:
    """A finding's groups; its numbers stand once, its certainty in each that has a place."""
    common = _describe_claim(result, finding)
    certainty = _state_certainty(finding)
    lengths, others = _split_lengths(finding)
    numbers = [_state(measurement) for measurement in others]
    groups: list[Any] = []
    if segment is not None:
        groups.append(
            VolumetricROIMeasurementsAndQualitativeEvaluations(
                referenced_segment=_refer_to_segment(result, segment),
                measurements=[*certainty, *numbers],
                **common,
            )
        )
    box = _find_key_box(finding)
    if box is not None:
        groups.append(
            PlanarROIMeasurementsAndQualitativeEvaluations(
                referenced_region=_draw_box(box, instances),
                measurements=certainty if groups else [*certainty, *numbers],
                **common,
            )
        )
    lines = [region for region in finding.regions if isinstance(region, Line)]
    # As many lines as lengths: each is the one its length was measured along.
    is_paired = len(lines) == len(lengths)
    with_lines = [
        _state(length, lines[index : index + 1] if is_paired else lines, instances)
        for index, length in enumerate(lengths)
    ]
    if not groups:
        with_lines = [*certainty, *numbers, *with_lines]
    if with_lines or not groups:
        groups.append(MeasurementsAndQualitativeEvaluations(measurements=with_lines, **common))
    if not lengths:
        groups.extend(
            PlanarROIMeasurementsAndQualitativeEvaluations(
                referenced_region=_draw_line(line, instances), **common
            )
            for line in lines
        )
    # The template is extensible: the words for people stand in the finding's first group.
    groups[0][0].ContentSequence.append(comment(finding.label))
    return groups


def comment(text: str) -> Any:
    """A remark (121106, DCM) in a container."""
    return TextContentItem(
        name=to_concept(_COMMENT), value=text, relationship_type=RelationshipTypeValues.CONTAINS
    )


def _describe_claim(result: Result, finding: Finding) -> dict[str, Any]:
    sides = []
    sites = None
    if finding.site is not None:
        side = None if finding.laterality is None else to_concept(finding.laterality)
        sites = [FindingSite(to_concept(finding.site), laterality=side)]
    elif finding.laterality is not None:
        sides.append(
            QualitativeEvaluation(
                name=to_concept(_LATERALITY), value=to_concept(finding.laterality)
            )
        )
    return {
        "tracking_identifier": TrackingIdentifier(
            uid=finding.tracking_uid, identifier=finding.tracking_id
        ),
        "finding_type": to_concept(finding.finding),
        "finding_category": to_concept(finding.category),
        "finding_sites": sites,
        "algorithm_id": identify_algorithm(result),
        "qualitative_evaluations": sides or None,
    }


def identify_algorithm(result: Result) -> Any:
    """Name, version, family and what a reader must know of the score (TID 4019)."""
    return AlgorithmIdentification(
        name=result.model.name,
        version=result.model.version,
        parameters=[
            f"Score: {result.score_meaning}",
            f"Status: {STATUS_TEXT[result.model_status]}",
            f"Digest: {result.model.digest}",
        ],
        family=to_concept(result.algorithm_family),
        manufacturer=to_long_string(result.model_manufacturer) or None,
    )


def _state_certainty(finding: Finding) -> list[Any]:
    if finding.confidence is None:
        return []
    return [
        MeasurementContent(
            name=to_concept(CERTAINTY),
            value=round(finding.confidence * 100, 6),
            unit=to_concept(_PERCENT),
        )
    ]


def _split_lengths(finding: Finding) -> tuple[list[Measurement], list[Measurement]]:
    """Lengths that the finding's lines were drawn for, and all other numbers."""
    has_lines = any(isinstance(region, Line) for region in finding.regions)
    lengths = [
        measurement
        for measurement in finding.measurements
        if has_lines and measurement.unit.is_same_as(unit.MILLIMETRE)
    ]
    return lengths, [given for given in finding.measurements if given not in lengths]


def _state(
    measurement: Measurement,
    lines: Sequence[Line] = (),
    instances: dict[str, Dataset] | None = None,
) -> Any:
    coordinates = [
        CoordinatesForMeasurement(
            graphic_type=GraphicTypeValues.POLYLINE,
            graphic_data=_to_graphic_data(line),
            source_image=_refer_to_image(line.image, instances or {}),
        )
        for line in lines
    ]
    return MeasurementContent(
        name=to_concept(measurement.concept),
        value=_round_for_decimal_string(measurement.value),
        unit=to_concept(measurement.unit),
        referenced_coordinates=coordinates or None,
    )


def _round_for_decimal_string(value: float) -> float:
    """Numeric Value (0040,A30A) is a DS of at most 16 characters (PS3.5 table 6.2-1)."""
    return float(f"{value:.9g}")


def _find_key_box(finding: Finding) -> Box | None:
    return next(
        (
            region
            for region in finding.regions
            if isinstance(region, Box) and region.image == finding.key_image
        ),
        None,
    )


def _draw_box(box: Box, instances: dict[str, Dataset]) -> Any:
    left, top = box.top_left.column, box.top_left.row
    right, bottom = box.bottom_right.column, box.bottom_right.row
    corners = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    return ImageRegion(
        graphic_type=GraphicTypeValues.POLYLINE,
        graphic_data=np.array(corners),
        source_image=_refer_to_image(box.image, instances),
    )


def _draw_line(line: Line, instances: dict[str, Dataset]) -> Any:
    return ImageRegion(
        graphic_type=GraphicTypeValues.POLYLINE,
        graphic_data=_to_graphic_data(line),
        source_image=_refer_to_image(line.image, instances),
    )


def _to_graphic_data(line: Line) -> NDArray[np.float64]:
    ends = [[line.start.column, line.start.row], [line.end.column, line.end.row]]
    return np.array(ends, dtype=np.float64)


def _refer_to_image(image: ImageRef, instances: dict[str, Dataset]) -> Any:
    source = instances.get(image.sop_instance_uid)
    if source is None:
        raise Rejected(
            f"A region lies on image {image.sop_instance_uid}, which is not among the sources."
        )
    return SourceImageForRegion(
        referenced_sop_class_uid=source.SOPClassUID,
        referenced_sop_instance_uid=source.SOPInstanceUID,
        referenced_frame_numbers=[image.frame] if is_multi_frame(source) else None,
    )


def _refer_to_segment(result: Result, number: int) -> Any:
    return ReferencedSegment(
        sop_class_uid=seg.SOP_CLASS_UID,
        sop_instance_uid=instance_uid_of(result, "SEG"),
        segment_number=number,
        source_series=SourceSeriesForSegmentation(result.series_instance_uid),
    )


def _state_no_findings(result: Result) -> Any:
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=derive_uid("finding", result.result_uid, "summary"), identifier="summary"
        ),
        algorithm_id=identify_algorithm(result),
        qualitative_evaluations=[
            QualitativeEvaluation(name=to_concept(_SUMMARY), value=to_concept(_WITHOUT_FINDINGS))
        ],
    )
